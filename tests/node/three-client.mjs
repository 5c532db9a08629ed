// npm's socket.io-client 2 (Engine.IO 3) against `serve --allow-eio3`, beside socket.io-client 4.
// SECURE_IO_URL: the server, with --ping-interval 1000. SECURE_IO_CA: the certificate to trust.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { request } from "node:https";
import { describe, it } from "node:test";
import io2 from "socket.io-client-2";
import { io } from "socket.io-client";

const URL = process.env.SECURE_IO_URL;
const ca = readFileSync(process.env.SECURE_IO_CA);
const PATIENCE = 20_000;
const transports = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };

const next = (socket, event) => new Promise((resolve, reject) => {
  const timer = setTimeout(() => reject(new Error(`no ${event}`)), PATIENCE);
  socket.once(event, (...args) => { clearTimeout(timer); resolve(args); });
});
const acknowledged = (socket, ...args) => new Promise((resolve) => socket.emit(...args, (...answer) => resolve(answer)));

async function connected(name, path = "") {
  const socket = io2(URL + path, { ca, transports: transports[name], forceNew: true, reconnection: false });
  socket.on("connect_error", (error) => assert.fail(`${error.message}: ${error.description?.message ?? error.description}`));
  assert.deepEqual(await next(socket, "message"), ["Welcome to the secure server!"]);
  if (name === "upgrade" && socket.io.engine.transport.name !== "websocket") await next(socket.io.engine, "upgrade");
  return socket;
}

for (const name of Object.keys(transports)) {
  describe(`socket.io-client 2 over ${name}`, () => {
    it("events, acknowledgements and bytes", async () => {
      const socket = await connected(name);
      const args = [1, "zwei ü 😀", { drei: [null, true, 4.5] }];
      socket.emit("echo", ...args);
      assert.deepEqual(await next(socket, "echo"), args);
      assert.deepEqual(await acknowledged(socket, "echo", ...args), args);
      const bytes = Buffer.from("00ff0104", "hex");
      socket.emit("echo", bytes, { inner: [bytes] });
      const [first, { inner }] = await next(socket, "echo");
      assert.deepEqual([Buffer.from(first), Buffer.from(inner[0])], [bytes, bytes]);
      const large = Buffer.alloc(200_000, 7);
      const [answer] = await acknowledged(socket, "echo", large);
      assert.deepEqual(Buffer.from(answer), large);
      socket.close();
    });

    it("many events in order", async () => {
      const socket = await connected(name);
      const seen = [];
      const all = new Promise((resolve) => socket.on("echo", (number) => seen.push(number) === 1000 && resolve()));
      for (let number = 0; number < 1000; number++) socket.emit("echo", number, "ü".repeat(number % 20));
      await all;
      assert.deepEqual(seen, [...Array(1000).keys()]);
      socket.close();
    });

    it("its heartbeat keeps it connected", async () => {
      const socket = await connected(name);
      socket.on("disconnect", (reason) => assert.fail(reason));
      for (let beats = 0; beats < 3; beats++) await next(socket, "pong");
      socket.off("disconnect");
      socket.close();
    });

    it("broadcasts and rooms are those of clients of version 4", async () => {
      const [older, newer] = [await connected(name), io(URL, { ca, forceNew: true })];
      await once(newer, "message");
      let heard = next(newer, "broadcast");
      older.emit("broadcast", 1, Buffer.from([9]));
      assert.deepEqual(await heard, [1, Buffer.from([9])]);
      assert.deepEqual(await acknowledged(older, "join", "tea"), [true]);
      heard = next(older, "room");
      newer.emit("room", "tea", "hi");
      assert.deepEqual(await heard, ["tea", "hi"]);
      older.close();
      newer.close();
    });
  });
}

it("an unknown namespace is an error", async () => {
  const socket = io2(`${URL}/nowhere?a=b`, { ca, forceNew: true, reconnection: false });
  assert.deepEqual(await next(socket, "error"), ["Invalid namespace"]);
  socket.close();
});

/** A request of a browser, whose payloads hold bytes as they are. */
function ask(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body ? { "content-type": "application/octet-stream", "content-length": body.length } : {};
    request(`${URL}/socket.io/?EIO=3&transport=polling${path}`, { ca, method, headers }, async (response) => {
      const pieces = await response.toArray();
      resolve({ status: response.statusCode, type: response.headers["content-type"], body: Buffer.concat(pieces) });
    }).on("error", reject).end(body);
  });
}

it("payloads of bytes, as browsers have them", async () => {
  const opened = await ask("GET", "");
  const [, length, open] = /^(\d+):0(\{.*\})$/.exec(opened.body.toString());
  assert.equal(Number(length), open.length + 1);
  const sid = `&sid=${JSON.parse(open).sid}`;
  assert.equal((await ask("GET", sid)).body.toString(), '2:4045:42["message","Welcome to the secure server!"]');
  const event = Buffer.from('451-["echo","ü",{"_placeholder":true,"num":0}]');
  const head = (kind, size) => Buffer.from([kind, ...[...String(size)].map(Number), 255]);
  const bytes = Buffer.from([4, 1, 2, 255]);
  const payload = Buffer.concat([head(0, event.length), event, head(1, bytes.length), bytes]);
  assert.equal((await ask("POST", sid, payload)).status, 200);
  const answer = await ask("GET", sid);
  assert.equal(answer.type, "application/octet-stream");
  assert.deepEqual(answer.body, payload);
  assert.equal((await ask("POST", sid, Buffer.from("\0\xff"))).status, 400);
});
