// Node's socket.io-client 4.x against a running `serve`, over each transport, trusting the certificate and nothing else.
// SECURE_IO_URL: the server. SECURE_IO_CA: the certificate to trust. SECURE_IO_PID: the server's process, stopped last.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { afterEach, describe, it } from "node:test";
import { io } from "socket.io-client";

const URL = process.env.SECURE_IO_URL;
const ca = readFileSync(process.env.SECURE_IO_CA);
const WELCOME = "Welcome to the secure server!";
const PATIENCE = 20_000;

const transports = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };

/** The clients of the running case. */
const clients = [];
afterEach(() => clients.splice(0).forEach((client) => client.disconnect()));

function client(name, { path = "", ...options } = {}) {
  const socket = io(URL + path, { ca, transports: transports[name], forceNew: true, reconnection: false, ...options });
  clients.push(socket);
  return socket;
}

/** A client that has been welcomed, and upgraded where it is to upgrade. */
async function welcomed(name) {
  const socket = client(name);
  const upgraded = name === "upgrade" ? engineUpgrade(socket) : undefined;
  const [greeting] = await next(socket, "message");
  assert.equal(greeting, WELCOME);
  await upgraded;
  return socket;
}

/** The arguments of the next `event`; a failed or lost connection rejects. */
function next(socket, event) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event} within ${PATIENCE} ms`)), PATIENCE);
    const end = (settle) => (value) => {
      clearTimeout(timer);
      socket.off(event, arrived).off("connect_error", failed).off("disconnect", lost);
      settle(value);
    };
    const arrived = (...args) => end(resolve)(args);
    const failed = end((error) => reject(new Error(`${event}: ${error.message}: ${error.description?.message}`)));
    const lost = end((reason) => reject(new Error(`${event}: disconnected: ${reason}`)));
    socket.on(event, arrived).on("connect_error", failed).on("disconnect", lost);
  });
}

/** The names of the transports that a connection went through until it upgraded. */
async function engineUpgrade(socket) {
  await once(socket.io, "open");
  const names = [socket.io.engine.transport.name];
  const [transport] = await once(socket.io.engine, "upgrade");
  return [...names, transport.name];
}

/** Resolves with `count` first arguments of `event`, in the order they came. */
function collect(socket, event, count) {
  return new Promise((resolve, reject) => {
    const seen = [];
    const timer = setTimeout(() => reject(new Error(`${seen.length} of ${count} ${event} events`)), PATIENCE);
    socket.on("disconnect", (reason) => reject(new Error(`disconnected after ${seen.length}: ${reason}`)));
    socket.on(event, (value) => {
      seen.push(value);
      if (seen.length < count) return;
      clearTimeout(timer);
      resolve(seen);
    });
  });
}

const upTo = (count) => Array.from({ length: count }, (_, i) => i);

describe("connecting", () => {
  it("starts on polling and upgrades to WebSocket", async () => {
    assert.deepEqual(await engineUpgrade(client("upgrade")), ["polling", "websocket"]);
  });

  for (const name of ["polling", "websocket"]) {
    it(`stays on ${name} alone`, async () => {
      const socket = await welcomed(name);
      assert.equal(socket.io.engine.transport.name, name);
    });

    it(`fails over ${name} when the certificate is not trusted`, async () => {
      const distrustful = client(name, { ca: undefined });
      // Read at once: the polling transport clears its request after the event.
      const reason = await new Promise((resolve) => {
        distrustful.on("connect_error", (error) => resolve(causes(error)));
      });
      assert.match(reason, /self-signed certificate|unable to verify/);
    });

    it(`is refused for an unknown namespace over ${name}`, async () => {
      const [error] = await once(client(name, { path: "/nowhere" }), "connect_error");
      assert.equal(error.message, "Invalid namespace");
    });
  }

  it("is welcomed again after leaving", async () => {
    const socket = await welcomed("upgrade");
    socket.disconnect().connect();
    assert.deepEqual(await next(socket, "message"), [WELCOME]);
  });
});

for (const name of Object.keys(transports)) {
  describe(`over ${name}`, () => {
    it("echo comes back with all its arguments", async () => {
      const socket = await welcomed(name);
      const args = [1, "zwei", { drei: [null, true, 4.5] }, [], "😀"];
      socket.emit("echo", ...args);
      assert.deepEqual(await next(socket, "echo"), args);
    });

    it("echo is acknowledged, with all its arguments, where that was asked for", async () => {
      const socket = await welcomed(name);
      socket.on("echo", () => assert.fail("emitted although an acknowledgement was asked for"));
      const acknowledged = await new Promise((resolve, reject) => {
        socket.timeout(PATIENCE).emit("echo", 1, { two: 2 }, "three", (error, ...args) => {
          if (error) reject(error);
          else resolve(args);
        });
      });
      assert.deepEqual(acknowledged, [1, { two: 2 }, "three"]);
      assert.equal(await socket.timeout(PATIENCE).emitWithAck("echo", "after"), "after");
    });

    it("binary comes back, nested and large", async () => {
      const socket = await welcomed(name);
      const large = Buffer.alloc(100_000, "secure");
      socket.emit("echo", large, { inner: [Buffer.from([0, 255])] }, "text");
      const [bytes, { inner }, text] = await next(socket, "echo");
      assert.deepEqual([bytes, inner[0], text], [large, Buffer.from([0, 255]), "text"]);
      const acknowledged = await socket.timeout(PATIENCE).emitWithAck("echo", Buffer.from("ack"));
      assert.deepEqual(acknowledged, Buffer.from("ack"));
    });

    it("a payload just under the limit comes back", async () => {
      const socket = await welcomed(name);
      const text = "x".repeat(900_000);
      socket.emit("echo", text);
      const [echoed] = await next(socket, "echo");
      assert.equal(echoed === text, true);
    });

    it("a broadcast reaches both clients", async () => {
      const [one, two] = await Promise.all([welcomed(name), welcomed(name)]);
      const received = [next(one, "broadcast"), next(two, "broadcast")];
      one.emit("broadcast", "to all", { of: "you" });
      for (const args of await Promise.all(received)) assert.deepEqual(args, ["to all", { of: "you" }]);
    });

    it("a room reaches those who joined and have not left", async () => {
      const [stays, leaves, never] = await Promise.all([welcomed(name), welcomed(name), welcomed(name)]);
      for (const outside of [leaves, never]) outside.on("room", () => assert.fail("reached one outside the room"));
      const room = `room-${name}`;
      stays.emit("join", room);
      leaves.emit("join", room);
      leaves.emit("leave", room);
      // Events of one client are handled in order: an answered echo says that what came before is done.
      await Promise.all([stays, leaves].map((socket) => socket.timeout(PATIENCE).emitWithAck("echo", 0)));
      const received = next(stays, "room");
      stays.emit("room", room, "hello");
      const [from, text] = await received;
      assert.deepEqual([from, text], [room, "hello"]);
      await Promise.all([leaves, never].map((socket) => socket.timeout(PATIENCE).emitWithAck("echo", 0)));
    });

    it("4 x 2,000 echoes in flight come back complete and in order", async () => {
      const sockets = await Promise.all(upTo(4).map(() => welcomed(name)));
      const echoes = sockets.map((socket) => collect(socket, "echo", 2_000));
      for (const i of upTo(2_000)) sockets.forEach((socket) => socket.emit("echo", i));
      for (const echoed of await Promise.all(echoes)) assert.deepEqual(echoed, upTo(2_000));
    });

    it("1,000 broadcasts to 20 clients arrive complete and in order", async () => {
      const sockets = await Promise.all(upTo(20).map(() => welcomed(name)));
      const deliveries = sockets.map((socket) => collect(socket, "broadcast", 1_000));
      for (const i of upTo(1_000)) sockets[0].emit("broadcast", i);
      for (const delivered of await Promise.all(deliveries)) assert.deepEqual(delivered, upTo(1_000));
    });
  });
}

describe("stopping the server", () => {
  it("disconnects every client, whatever its transport", async () => {
    const sockets = await Promise.all(Object.keys(transports).map(welcomed));
    const ends = sockets.map((socket) => once(socket, "disconnect"));
    process.kill(Number(process.env.SECURE_IO_PID), "SIGTERM");
    const reasons = (await Promise.all(ends)).map(([reason]) => reason);
    // A poll may come just after the close, and find no server: Node's own server does no better.
    assert.match(reasons[0], /^(io server disconnect|transport close|transport error)$/);
    for (const reason of reasons.slice(1)) assert.match(reason, /^(io server disconnect|transport close)$/);
  });
});

/** What went wrong beneath an error of socket.io-client, down to TLS: its transports keep it in different places. */
function causes({ message, description, context }) {
  return [message, description?.message, description?.error?.message, context?.responseText].join(": ");
}
