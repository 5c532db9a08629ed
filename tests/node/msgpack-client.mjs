// npm's socket.io-client 4 with socket.io-msgpack-parser against `serve --parser msgpack`.
// SECURE_IO_URL: the server. SECURE_IO_CA: the certificate to trust.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { describe, it } from "node:test";
import { io } from "socket.io-client";
import parser from "socket.io-msgpack-parser";

const URL = process.env.SECURE_IO_URL;
const ca = readFileSync(process.env.SECURE_IO_CA);
const PATIENCE = 20_000;

const client = (transports, path = "", options = { parser }) =>
  io(URL + path, { ca, transports, forceNew: true, reconnection: false, ...options });

for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
  describe(`MessagePack over ${transports}`, () => {
    it("events, acknowledgements, bytes and dates", async () => {
      const socket = client(transports);
      assert.deepEqual(await once(socket, "message"), ["Welcome to the secure server!"]);
      const args = [1, -70_000, 2 ** 40, 0.5, "zwei ü 😀", { drei: [null, true, { vier: [] }] }, "x".repeat(70_000)];
      socket.emit("echo", ...args);
      assert.deepEqual(await once(socket, "echo"), args);
      assert.deepEqual(await socket.timeout(PATIENCE).emitWithAck("echo", args), args);
      const bytes = Buffer.from("00ff", "hex");
      const [first, inner] = await new Promise((done) => socket.emit("echo", bytes, [bytes], (...answer) => done(answer)));
      assert.deepEqual([Buffer.from(first), Buffer.from(inner[0])], [bytes, bytes]);
      assert.equal(await socket.timeout(PATIENCE).emitWithAck("echo", new Date(5)), "1970-01-01T00:00:00.005Z");
      const seen = [];
      const all = new Promise((done) => socket.on("echo", (number) => seen.push(number) === 500 && done()));
      for (let number = 0; number < 500; number++) socket.emit("echo", number);
      await all;
      assert.deepEqual(seen, [...Array(500).keys()]);
      socket.disconnect();
    });
  });
}

it("rooms, broadcasts and a namespace that does not exist", async () => {
  const [ann, ben] = [client(["websocket"]), client(["polling"])];
  await Promise.all([once(ann, "message"), once(ben, "message")]);
  assert.equal(await ben.timeout(PATIENCE).emitWithAck("join", "tea"), true);
  const heard = once(ben, "room");
  ann.emit("room", "tea", Buffer.from([1]));
  assert.deepEqual(await heard, ["tea", Buffer.from([1])]);
  assert.deepEqual((await ann.timeout(PATIENCE).emitWithAck("sockets")).sort(), [ann.id, ben.id].sort());
  const [error] = await once(client(["websocket"], "/nowhere"), "connect_error");
  assert.equal(error.message, "Invalid namespace");
  ann.disconnect();
  ben.disconnect();
});

it("a client with the usual parser is disconnected", async () => {
  const socket = client(["websocket"], "", {});
  const reason = await new Promise((done) => {
    socket.io.on("close", done);
    socket.on("connect", () => done("connected"));
  });
  assert.notEqual(reason, "connected");
});
