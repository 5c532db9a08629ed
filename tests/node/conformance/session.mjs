// Engine.IO sessions by hand: one packet in, one packet out, nothing retried. Used by engine.mjs and socket.mjs.
// The server's address is in SECURE_IO_URL, its CA in NODE_EXTRA_CA_CERTS.

import assert from "node:assert/strict";
import WebSocket from "ws";

export const PING_INTERVAL = 300;
export const PING_TIMEOUT = 200;

const SERVER = process.env.SECURE_IO_URL;
assert(SERVER?.startsWith("https://"), "SECURE_IO_URL must name an https:// server");

// Longer than any delay the server is configured with; what takes as long will not come.
const PATIENCE = 5_000;
const SEPARATOR = "\x1e";

/** Rejects when `promise` is still open after a while, so that a silent server fails one case and not the run. */
export function soon(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${PATIENCE} ms`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Asks `/socket.io/` for something over HTTP. */
export function request(query, options = {}) {
  return soon(fetch(`${SERVER}/socket.io/?${query}`, options), `${options.method ?? "GET"} ${query}`);
}

/** The packets of a polling payload, the ping among them. */
export function packets(payload) {
  return payload.split(SEPARATOR);
}

/** A long-polling session. `heartbeat: false` leaves pings to the test. */
export class Polling {
  #heartbeat;
  #received = [];

  static async open({ heartbeat = true } = {}) {
    const response = await request("EIO=4&transport=polling");
    const [packet] = packets(await response.text());
    return new Polling(JSON.parse(packet.slice(1)), heartbeat);
  }

  constructor(handshake, heartbeat) {
    this.handshake = handshake;
    this.sid = handshake.sid;
    this.query = `EIO=4&transport=polling&sid=${handshake.sid}`;
    this.#heartbeat = heartbeat;
  }

  /** One poll, as it comes. */
  poll(options) {
    return request(this.query, options);
  }

  post(body) {
    return request(this.query, { method: "POST", body });
  }

  async send(...sent) {
    const response = await this.post(sent.join(SEPARATOR));
    assert.equal(response.status, 200, `POST ${sent}`);
    assert.equal(await response.text(), "ok");
  }

  /** The next packet, as text; binary ones are `b` and base64. */
  async next() {
    while (this.#received.length === 0) {
      const response = await this.poll();
      assert.equal(response.status, 200, "poll");
      this.#received.push(...packets(await response.text()));
    }
    const packet = this.#received.shift();
    if (packet !== "2" || !this.#heartbeat) return packet;
    await this.send("3");
    return this.next();
  }

  /** Polls until the server no longer knows the session. */
  async closed() {
    for (;;) {
      const response = await this.poll();
      await response.text();
      if (response.status === 400) return;
      assert.equal(response.status, 200, "poll of a session about to close");
    }
  }
}

/** A WebSocket session. `heartbeat: false` leaves pings to the test. */
export class Channel {
  #received = [];
  #waiting;

  static open({ query = "EIO=4&transport=websocket", heartbeat = true } = {}) {
    return new Channel(query, heartbeat);
  }

  /** A session whose open packet is read. */
  static async session(options) {
    const channel = Channel.open(options);
    channel.handshake = JSON.parse((await channel.next()).slice(1));
    return channel;
  }

  constructor(query, heartbeat) {
    this.socket = new WebSocket(`${SERVER.replace("https:", "wss:")}/socket.io/?${query}`);
    this.socket.on("error", () => {}); // a refused upgrade; `close` follows
    // A case may leave its channel behind: it must not keep the process, and what is awaited has a timer that does.
    this.socket.on("upgrade", (response) => response.socket.unref());
    this.socket.on("message", (data, isBinary) => {
      const packet = isBinary ? data : data.toString();
      if (packet === "2" && heartbeat) this.send("3");
      else this.#receive(packet);
    });
    this.hasClosed = new Promise((resolve) => this.socket.once("close", resolve));
    this.hasOpened = new Promise((resolve) => this.socket.once("open", resolve));
  }

  #receive(packet) {
    this.#received.push(packet);
    this.#waiting?.();
  }

  send(...sent) {
    for (const packet of sent) this.socket.send(packet);
  }

  opened() {
    return soon(this.hasOpened, "opening of the WebSocket");
  }

  /** The next message: a string, or a Buffer when it is binary. */
  async next() {
    if (this.#received.length === 0) {
      const arrival = new Promise((resolve) => (this.#waiting = resolve));
      const end = this.hasClosed.then(() => assert(this.#received.length, "closed while a packet was expected"));
      await soon(Promise.race([arrival, end]), "packet");
    }
    return this.#received.shift();
  }

  /** The server ends the connection. */
  closed() {
    return soon(this.hasClosed, "closing by the server");
  }

  /** Hangs up without a word. */
  abandon() {
    this.socket.terminate();
  }
}
