// Tries insecure connections from a secure page, and shows what the browser says of each.
//
// For end-to-end tests the body carries `data-state`: starting, running, done, or insecure where the page itself came
// over plain HTTP; each row of the table carries `data-trial` and `data-outcome` (blocked, failed, answered, allowed).

const WAIT_MS = 5000;
/** A name that no resolver knows (RFC 6761), so that it stands for a machine that is not this one. */
const ELSEWHERE = "mixed-content.test";

const body = document.body.dataset;
const host = location.host;
const loopback = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(location.hostname);

/** A WebSocket: what the browser refuses is thrown by the constructor, or closed before it opens. */
function webSocket(address) {
  return new Promise((resolve) => {
    let socket;
    try {
      socket = new WebSocket(address);
    } catch (error) {
      resolve({ outcome: "blocked", words: `${error.name}: ${error.message}` });
      return;
    }
    const timer = setTimeout(() => socket.close(), WAIT_MS);
    const done = (outcome, words) => {
      clearTimeout(timer);
      socket.close();
      resolve({ outcome, words });
    };
    socket.onopen = () => done("allowed", "open");
    socket.onclose = ({ code, reason }) => done("failed", `close ${code}${reason && ` ${reason}`}, after an error event`);
  });
}

/** A request by `fetch`, which tells scripts no more than that it failed. */
async function request(address) {
  try {
    const response = await fetch(address, { mode: "no-cors", cache: "no-store", signal: AbortSignal.timeout(WAIT_MS) });
    return { outcome: "answered", words: response.type === "opaque" ? "answered" : `status ${response.status}` };
  } catch (error) {
    return { outcome: "failed", words: `${error.name}: ${error.message}` };
  }
}

const trials = [
  ["websocket-here", `new WebSocket("ws://${host}/socket.io/…")`, () => webSocket(`ws://${host}/socket.io/?EIO=4&transport=websocket`)],
  ["fetch-here", `fetch("http://${host}/healthz")`, () => request(`http://${host}/healthz`)],
  ["websocket-elsewhere", `new WebSocket("ws://${ELSEWHERE}/")`, () => webSocket(`ws://${ELSEWHERE}/`)],
  ["fetch-elsewhere", `fetch("http://${ELSEWHERE}/")`, () => request(`http://${ELSEWHERE}/`)],
];

/** Words for what an outcome means. */
function meaning(name, outcome) {
  const here = name.endsWith("-here");
  if (outcome === "blocked") return "Mixed content: the browser refused before anything was sent.";
  if (outcome === "answered" || outcome === "allowed") {
    return here && loopback ? "Allowed, because this address is the browser's own machine. From another machine it is blocked." : "Allowed by this browser.";
  }
  if (here && loopback) {
    return "Sent, because this address is the browser's own machine; the server speaks TLS here and refused. From another machine it is blocked.";
  }
  return "Did not get through. A script cannot tell mixed content from a server that does not answer; the Console can.";
}

function row(name, tried) {
  const line = document.createElement("tr");
  line.dataset.trial = name;
  const head = document.createElement("th");
  head.scope = "row";
  const code = document.createElement("code");
  code.textContent = tried;
  head.append(code);
  line.append(head, document.createElement("td"), document.createElement("td"));
  line.children[1].textContent = "…";
  document.getElementById("trials").append(line);
  return line;
}

async function start() {
  document.getElementById("check").textContent = `secure-io check ${location.origin}`;
  if (location.protocol !== "https:") {
    body.state = "insecure";
    document.getElementById("headline").textContent = "This page came over plain HTTP, so nothing here is mixed";
    return;
  }
  body.state = "running";
  await Promise.all(trials.map(async ([name, tried, run]) => {
    const line = row(name, tried);
    const { outcome, words } = await run();
    line.dataset.outcome = outcome;
    line.children[1].textContent = words;
    line.children[2].textContent = meaning(name, outcome);
  }));
  body.state = "done";
}

start();
