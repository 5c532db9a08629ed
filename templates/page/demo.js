// The demo page: opens a Socket.IO connection with the real client and shows how it came about and what it carries.
//
// For end-to-end tests the body carries, as `data-` attributes (absent until known):
//
//   data-state           starting, connecting, connected, reconnecting, disconnected, no-client
//   data-transport       polling, then websocket; absent while there is no connection
//   data-url             the address of the transport in use: `wss://…` once upgraded, from the WebSocket itself
//   data-upgraded        true once this connection has been upgraded from polling
//   data-welcome         the text of the server's `message` event
//   data-socket-id       the Socket.IO id, absent while there is no connection
//   data-secure-context  true or false: window.isSecureContext
//   data-tls-version, data-cipher-suite, data-key-exchange, data-alpn   the socket's connection, as the server told it
//   data-rtt-ms          the latest round trip in milliseconds
//   data-error           why the latest attempt failed, absent once connected
//   data-packets-sent, data-packets-received   counted since the page was loaded
//
// What comes from the server is only ever set as text.

const PROBE = "round-trip probe"; // the payload of the echoes that measure the round trip
const PROBE_EVERY_MS = 2000;
const SETTLE_MS = 250;
const ACK_WITHIN_MS = 5000;
const SAMPLES = 60;
const LOG_ROWS = 200;
const LOG_CHARACTERS = 600;
const MESSAGES = 5;

const byId = (id) => document.getElementById(id);
const body = document.body.dataset;

/** Makes an element with a class and text. */
function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Shortens what a stranger sent to what fits a line or three. */
function shorten(text, length) {
  return text.length > length ? `${text.slice(0, length)}… (${text.length - length} more characters)` : text;
}

const asText = (value) => (typeof value === "string" ? value : JSON.stringify(value) ?? String(value));
const milliseconds = (span) => (span < 10 ? span.toFixed(1) : String(Math.round(span)));

// ---- state of the connection ---------------------------------------------------------------------------------------

/** Sets the headline, which is announced, and the state that colours the page. */
function show(state, headline, detail) {
  body.state = state;
  // Setting equal text again would announce it again.
  for (const [id, text] of [["headline", headline], ["detail", detail]]) {
    if (byId(id).textContent !== text) byId(id).textContent = text;
  }
  byId("toggle").textContent = { connected: "Disconnect", disconnected: "Connect" }[state] ?? "Stop";
  for (const button of document.querySelectorAll("#try button")) button.disabled = state !== "connected";
}

function set(name, value) {
  if (value === undefined || value === null) delete body[name];
  else body[name] = String(value);
}

let stays = ""; // why the connection stays with long-polling

/** Shows the connection as its current transport makes it. */
function showConnected() {
  const { transport } = socket.io.engine;
  const address = transport.ws?.url ?? new URL("/socket.io/?EIO=4&transport=polling", location.href).href;
  set("transport", transport.name);
  set("url", address);
  set("error");
  byId("url").textContent = address.replace(/&sid=.*/, "");
  byId("socket-transport").textContent = transport.name === "websocket" ? "WebSocket" : "HTTP long-polling";
  if (!address.startsWith("wss:") && !address.startsWith("https:")) {
    show("connected", "Connected, but not secure", `This page came over ${location.protocol}, and so does its socket.`);
  } else if (transport.name === "websocket") {
    show("connected", "Connected over secure WebSocket", "Everything between this page and the server is encrypted.");
  } else if (stays) {
    show("connected", "Connected over HTTPS", `Encrypted, by long-polling: ${stays}.`);
  } else {
    show("connected", "Connected over HTTPS", "Encrypted, by long-polling; trying WebSocket now.");
  }
}

function showUnconnected(state, headline, detail) {
  for (const name of ["transport", "url", "upgraded", "socketId", "tlsVersion", "cipherSuite", "keyExchange", "alpn"]) set(name);
  byId("url").textContent = location.origin;
  for (const cell of document.querySelectorAll("td[id^=socket-]")) cell.textContent = "–";
  show(state, headline, detail);
}

function showTrying(reason) {
  showUnconnected("reconnecting", "No connection", `${reason}. Trying again.`);
}

// ---- the timeline --------------------------------------------------------------------------------------------------

let attemptStart = 0;

function startTimeline() {
  attemptStart = performance.now();
  for (const step of document.querySelectorAll(".steps li:not(#step-tls)")) {
    delete step.dataset.done;
    delete step.dataset.failed;
    step.querySelector("i").textContent = "";
  }
}

function markStep(id) {
  const step = byId(id);
  step.dataset.done = "";
  step.querySelector("i").textContent = `+${milliseconds(performance.now() - attemptStart)} ms`;
}

function failStep(id, word) {
  byId(id).dataset.failed = "";
  byId(id).querySelector("i").textContent = word;
}

/** Tells how long the page's own TLS handshake took, from what the browser measured. */
function showHandshake() {
  const [navigation] = performance.getEntriesByType("navigation");
  if (!navigation?.secureConnectionStart) return;
  const span = navigation.connectEnd - navigation.secureConnectionStart;
  byId("handshake").textContent = span > 0 ? `${milliseconds(span)} ms` : "connection reused";
}

// ---- packets -------------------------------------------------------------------------------------------------------

const ENGINE_TYPES = { open: "0", close: "1", ping: "2", pong: "3", message: "4", upgrade: "5", noop: "6" };
const SOCKET_TYPES = ["connect", "disconnect", "event", "ack", "connect error", "binary event", "binary ack"];

const log = { pending: [], paused: false, skipped: 0, probeIds: new Set(), due: false };
const counts = { sent: 0, received: 0 };

/** A packet as it is on the wire; of a binary one, its size. */
function rawText({ type, data }) {
  if (data === undefined || data === null) return ENGINE_TYPES[type] ?? type;
  if (typeof data === "string") return (ENGINE_TYPES[type] ?? type) + data;
  return `binary, ${data.byteLength ?? data.size ?? "?"} bytes`;
}

/** What a packet is for, in Engine.IO's and Socket.IO's words. */
function kindOf(packet) {
  if (packet.type !== "message") return packet.type;
  if (typeof packet.data !== "string") return "attachment";
  return SOCKET_TYPES[Number(packet.data[0])] ?? "message";
}

/** Tells the echoes that measure the round trip, and their acknowledgements, from what a person sent. */
function isProbe(direction, raw) {
  if (direction === "sent") {
    const id = /^42(\d+)\["echo","round-trip probe"\]$/.exec(raw)?.[1];
    if (id !== undefined) log.probeIds.add(id);
    return id !== undefined;
  }
  const id = /^43(\d+)\[/.exec(raw)?.[1];
  return id !== undefined && log.probeIds.delete(id);
}

function record(direction, transport, packet) {
  const raw = rawText(packet);
  counts[direction] += 1;
  set(direction === "sent" ? "packetsSent" : "packetsReceived", counts[direction]);
  const row = { direction, transport, kind: kindOf(packet), raw, probe: isProbe(direction, raw), time: new Date() };
  if (log.paused) log.skipped += 1;
  else log.pending.push(row);
  // A flood is drawn once a frame, and only what will stay in the log.
  if (log.pending.length > LOG_ROWS) log.pending.splice(0, log.pending.length - LOG_ROWS);
  if (!log.due) {
    log.due = true;
    requestAnimationFrame(drawLog);
  }
}

function logRow({ direction, transport, kind, raw, probe, time }) {
  const row = element("li", probe ? "probe" : "");
  row.dataset.direction = direction;
  const thousandths = String(time.getMilliseconds()).padStart(3, "0");
  const clock = element("time", "", `${time.toLocaleTimeString("en-GB")}.${thousandths}`);
  const arrow = element("span", "arrow", direction === "sent" ? "↑" : "↓");
  arrow.append(element("span", "sr-only", direction));
  row.append(clock, arrow, element("span", "via", transport), element("span", "kind", kind));
  row.append(element("code", "", shorten(raw, LOG_CHARACTERS)));
  return row;
}

function drawLog() {
  log.due = false;
  const list = byId("log");
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.append(...log.pending.splice(0).map(logRow));
  while (list.childElementCount > LOG_ROWS) list.firstElementChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
  const skipped = log.paused ? `; paused, ${log.skipped} not listed` : "";
  byId("packet-count").textContent = `${counts.sent} sent, ${counts.received} received${skipped}`;
}

/** Records what a transport sends: only there are the packets of the upgrade's probe seen. */
function recordSent(transport) {
  const send = transport.send;
  transport.send = function (packets) {
    for (const packet of packets) record("sent", transport.name, packet);
    return send.call(this, packets);
  };
}

/** Follows the transport that an upgrade tries: until it is the engine's own, the engine does not tell its packets. */
function watchProbes(engine) {
  const create = engine.createTransport;
  // Not public; should it go, the probe's packets are missing from the log and all else works.
  if (typeof create !== "function") return;
  engine.createTransport = function (name) {
    const transport = create.call(this, name);
    recordSent(transport);
    transport.on("packet", (packet) => {
      if (transport !== engine.transport) record("received", transport.name, packet);
    });
    return transport;
  };
}

const watched = new WeakSet();

/** Follows an Engine.IO connection from its first request to its end. */
function watch(engine) {
  if (!engine || watched.has(engine)) return;
  watched.add(engine);
  startTimeline();
  recordSent(engine.transport);
  watchProbes(engine);
  stays = "";
  engine.on("packet", (packet) => record("received", engine.transport.name, packet));
  engine.on("handshake", ({ upgrades }) => {
    if (engine.transport.name !== "polling" || upgrades.includes("websocket")) return;
    stays = "the server offers no WebSocket";
    failStep("step-probe", "not offered");
  });
  engine.on("open", () => markStep("step-session"));
  engine.on("upgrading", () => markStep("step-probe"));
  engine.on("upgrade", () => {
    markStep("step-websocket");
    set("upgraded", true);
    if (!socket.connected) return;
    showConnected();
    askTls();
    // Not in the middle of all this, which would be measured with it.
    setTimeout(measure, SETTLE_MS);
  });
  engine.on("upgradeError", (error) => {
    if (engine.readyState !== "open") return;
    stays = `WebSocket did not work (${error.message.replace(/^probe error: (Error: )?/, "")})`;
    failStep("step-probe", "failed");
    if (socket.connected) showConnected();
  });
}

// ---- round trip ----------------------------------------------------------------------------------------------------

const samples = [];

function measure() {
  if (!socket.connected || document.hidden) return;
  const start = performance.now();
  socket.timeout(ACK_WITHIN_MS).emit("echo", PROBE, (error) => {
    if (!error) addSample(performance.now() - start);
  });
}

function addSample(span) {
  samples.push(span);
  if (samples.length > SAMPLES) samples.shift();
  set("rttMs", span.toFixed(2));
  const sorted = [...samples].sort((a, b) => a - b);
  const [least, median, most] = [sorted[0], sorted[sorted.length >> 1], sorted[sorted.length - 1]].map(milliseconds);
  byId("rtt").textContent = milliseconds(span);
  const echoes = samples.length === 1 ? "1 echo" : `${samples.length} echoes`;
  byId("rtt-summary").textContent = `${echoes}: least ${least}, median ${median}, most ${most} ms`;
  byId("spark").setAttribute("aria-label", `Round trips: ${byId("rtt-summary").textContent}`);
  drawSpark(sorted[sorted.length - 1]);
}

function drawSpark(most) {
  const x = (index) => (samples.length === 1 ? 300 : (index / (samples.length - 1)) * 300);
  const y = (span) => 57 - (span / Math.max(most, 0.1)) * 50;
  const line = samples.map((span, index) => `${x(index).toFixed(1)},${y(span).toFixed(1)}`);
  if (samples.length === 1) line.unshift(`0,${y(samples[0]).toFixed(1)}`);
  document.querySelector(".spark-line").setAttribute("points", line.join(" "));
  document.querySelector(".spark-area").setAttribute("points", `0,60 ${line.join(" ")} 300,60`);
}

// ---- certificate ---------------------------------------------------------------------------------------------------

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** As `distance` of src/validity.rs says it: the number is the same in the log, in reports and here. */
function inWords(span) {
  const size = Math.abs(span);
  const [unit, unitMs] =
    size >= 2 * DAY_MS
      ? ["day", DAY_MS]
      : size >= 2 * HOUR_MS
        ? ["hour", HOUR_MS]
        : size >= 2 * MINUTE_MS
          ? ["minute", MINUTE_MS]
          : ["second", SECOND_MS];
  const count = Math.sign(span) * Math.round(size / unitMs);
  return new Intl.RelativeTimeFormat("en", { numeric: "always" }).format(count, unit);
}

/** What to say of a validity, and how good that is. */
function judgeValidity(from, to, now) {
  if (now < from) return [`not valid yet, but ${inWords(from - now)}`, "bad"];
  if (now > to) return [`expired ${inWords(to - now)}`, "bad"];
  return [inWords(to - now), to - now < 14 * DAY_MS ? "soon" : "good"];
}

function showValidity() {
  const dates = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" });
  const [from, to] = ["not-before", "not-after"].map((id) => {
    const time = new Date(byId(id).dateTime);
    byId(id).textContent = `${dates.format(time)} UTC`;
    return time.getTime();
  });
  const [words, quality] = judgeValidity(from, to, Date.now());
  byId("expires-words").textContent = words;
  byId("expires").className = quality;
}

const bareHost = (host) => host.replace(/^\[|\]$/g, "").toLowerCase();

/** Whether a subjectAltName entry covers the page's host: a wildcard stands for the whole first label. */
function covers(kind, value, host) {
  if (kind === "IP") {
    const url = value.includes(":") ? `https://[${value}]/` : `https://${value}/`;
    return URL.canParse?.(url) === true && bareHost(new URL(url).hostname) === host;
  }
  if (kind !== "DNS") return false;
  const name = value.toLowerCase();
  const [, parent] = /^[^.]+(\..+)$/.exec(host) ?? [];
  return name === host || (parent !== undefined && name === `*${parent}`);
}

function showNames() {
  const host = bareHost(location.hostname);
  const names = [...document.querySelectorAll("#names li[data-kind]")];
  const matching = names.filter(({ dataset }) => covers(dataset.kind, dataset.value, host));
  for (const item of matching) {
    item.classList.add("match");
    item.append(element("span", "sr-only", " (this page's host)"));
  }
  if (matching.length > 0) return;
  byId("name-mismatch").hidden = false;
  byId("name-mismatch").textContent = `None of these is ${host}, this page's host, so clients refuse it there.`;
}

function copyFingerprint() {
  navigator.clipboard.writeText(byId("fingerprint").textContent).then(
    () => (byId("copy").textContent = "Copied"),
    () => getSelection().selectAllChildren(byId("fingerprint")),
  );
}

// ---- what a person tries -------------------------------------------------------------------------------------------

function addMessage(listId, from, text) {
  const item = element("li");
  item.append(element("b", "", from), " ", element("span", "", shorten(text, 300)));
  const list = byId(listId);
  list.append(item);
  while (list.childElementCount > MESSAGES) list.firstElementChild.remove();
}

/** Who sent a message of this page's own making; anything else is shown whole. */
function addFrom(listId, payload, room) {
  const ours = typeof payload?.text === "string" && typeof payload.from === "string";
  const from = !ours ? "someone" : payload.from === socket.id ? "you" : `tab ${payload.from.slice(0, 4)}`;
  const where = room === undefined ? "" : ` in ${shorten(room, 40)}`;
  addMessage(listId, from + where, ours ? payload.text : asText(payload));
}

function sendEcho() {
  const text = byId("echo-text").value;
  const start = performance.now();
  byId("echo-result").textContent = "…";
  socket.timeout(ACK_WITHIN_MS).emit("echo", text, (error, answer) => {
    const span = milliseconds(performance.now() - start);
    const back = `“${shorten(asText(answer), 300)}” came back in ${span} ms`;
    byId("echo-result").textContent = error ? "No acknowledgement came." : back;
  });
}

/** Sends to others, and says how many it went to. */
function sendToOthers(resultId, event, ...args) {
  socket.timeout(ACK_WITHIN_MS).emit(event, ...args, (error, reached) => {
    const told = !error && typeof reached === "number";
    const words = reached === 0 ? "Nobody is there." : `Went to ${reached} ${reached === 1 ? "client" : "clients"}.`;
    byId(resultId).textContent = told ? words : "";
  });
}

const sendBroadcast = () =>
  sendToOthers("broadcast-result", "broadcast", { from: socket.id, text: byId("broadcast-text").value });

const sendToRoom = () =>
  sendToOthers("room-result", "room", byId("room-name").value, { from: socket.id, text: byId("room-text").value });

const joined = new Set();

function showRooms() {
  const inRoom = joined.has(byId("room-name").value);
  byId("join").textContent = inRoom ? "Leave" : "Join";
  byId("join").setAttribute("aria-pressed", String(inRoom));
  byId("rooms").textContent = `Joined: ${joined.size ? [...joined].join(", ") : "none"}`;
}

function joinOrLeave() {
  const room = byId("room-name").value;
  if (!byId("room-name").reportValidity()) return;
  if (joined.delete(room)) socket.emit("leave", room);
  else join(room);
  showRooms();
}

function join(room) {
  joined.add(room);
  socket.timeout(ACK_WITHIN_MS).emit("join", room, (error, allowed) => {
    if (error || allowed !== false) return;
    joined.delete(room);
    showRooms();
    byId("room-result").textContent = "The server refused: too many rooms, or too long a name.";
  });
}

/** Runs `send` when a form is submitted, in place of the submission. */
function onSubmit(formId, send) {
  byId(formId).addEventListener("submit", (event) => {
    event.preventDefault();
    if (socket.connected) send();
  });
}

function listen() {
  onSubmit("echo-form", sendEcho);
  onSubmit("broadcast-form", sendBroadcast);
  onSubmit("room-form", sendToRoom);
  byId("join").addEventListener("click", joinOrLeave);
  byId("room-name").addEventListener("input", showRooms);
  byId("copy").addEventListener("click", copyFingerprint);
  byId("toggle").addEventListener("click", () => (body.state === "disconnected" ? connect() : disconnect()));
  byId("show-probes").addEventListener("change", ({ target }) => {
    byId("log").classList.toggle("with-probes", target.checked);
  });
  byId("clear").addEventListener("click", () => byId("log").replaceChildren());
  byId("pause").addEventListener("click", ({ target }) => {
    log.paused = !log.paused;
    log.skipped = 0;
    target.setAttribute("aria-pressed", String(log.paused));
    target.textContent = log.paused ? "Resume" : "Pause";
    drawLog();
  });
}

// ---- the connection ------------------------------------------------------------------------------------------------

let socket;

function connect() {
  showUnconnected("connecting", "Connecting…", `Opening a session at ${location.origin}.`);
  socket.connect();
}

function disconnect() {
  socket.disconnect();
  showUnconnected("disconnected", "Disconnected", "You closed the connection.");
}

/** Asks how the server sees the socket's own TLS connection, which after the upgrade is another than before. */
function askTls() {
  socket.timeout(ACK_WITHIN_MS).emit("tls", (error, answer) => {
    if (error || answer === null || typeof answer !== "object") return;
    for (const [field, id, name] of [
      ["tls_version", "socket-tls-version", "tlsVersion"],
      ["cipher_suite", "socket-cipher-suite", "cipherSuite"],
      ["key_exchange", "socket-key-exchange", "keyExchange"],
      ["alpn", "socket-alpn", "alpn"],
    ]) {
      const value = typeof answer[field] === "string" ? answer[field] : undefined;
      set(name, value);
      const parts = (value ?? "none").split(/(?<=_)/);
      byId(id).replaceChildren(...parts.flatMap((part) => [part, element("wbr")]));
    }
  });
}

const DISCONNECT_REASONS = {
  "io server disconnect": "The server ended the connection",
  "ping timeout": "The server has gone silent",
  "transport close": "The connection was closed",
};

/** Makes the socket, its listeners first, so that nothing is missed. */
function makeSocket() {
  socket = window.io({ autoConnect: false });
  const manager = socket.io;
  // Each attempt makes a new Engine.IO connection, whose first packet comes before any event that would announce it.
  const open = manager.open;
  manager.open = manager.connect = function (callback) {
    const opened = open.call(this, callback);
    watch(this.engine);
    return opened;
  };
  socket.on("connect", () => {
    markStep("step-namespace");
    set("socketId", socket.id);
    showConnected();
    askTls();
    joined.forEach(join);
  });
  socket.on("connect_error", (error) => {
    // Refused by the namespace rather than unreachable: the client does not try again by itself.
    if (socket.active) showTrying(`The server cannot be reached (${error.message})`);
    else showUnconnected("disconnected", "Refused", `The server refused the connection: ${error.message}.`);
    set("error", error.message);
  });
  socket.on("disconnect", (reason) => {
    if (reason === "io client disconnect") return;
    showTrying(DISCONNECT_REASONS[reason] ?? `The connection ended (${reason})`);
    set("error", reason);
    // After this reason, too, the client waits to be told.
    if (reason === "io server disconnect") setTimeout(() => body.state === "reconnecting" && socket.connect(), 1000);
  });
  socket.on("message", (text) => {
    set("welcome", asText(text));
    byId("welcome-text").textContent = shorten(asText(text), 300);
    byId("welcome").hidden = false;
  });
  socket.on("broadcast", (payload) => addFrom("broadcast-messages", payload));
  socket.on("room", (room, payload) => addFrom("room-messages", payload, asText(room)));
}

function start() {
  set("secureContext", window.isSecureContext);
  byId("secure-context").textContent = window.isSecureContext ? "true" : "false";
  byId("secure-context").className = window.isSecureContext ? "good" : "bad";
  showValidity();
  showNames();
  if (body.state === "no-client") return;
  if (typeof window.io !== "function") {
    byId("broken").hidden = false;
    show("no-client", "Secure, but without a client", "No socket can be opened: the Socket.IO client did not load.");
    return;
  }
  for (const part of document.querySelectorAll("[data-live]")) part.hidden = false;
  showHandshake();
  makeSocket();
  listen();
  showRooms();
  setInterval(measure, PROBE_EVERY_MS);
  connect();
}

start();
