// Node's server with @socket.io/redis-adapter and two of ours behind the same Redis: their clients are as those of one.
// SECURE_IO_URL, SECURE_IO_OTHER: our servers. SECURE_IO_CA: the certificate to trust. REDIS_PORT: Redis.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";
import { createAdapter } from "@socket.io/redis-adapter";
import { Redis } from "ioredis";
import { Server } from "socket.io";
import { io } from "socket.io-client";

const ca = readFileSync(process.env.SECURE_IO_CA);
const PATIENCE = 10_000;
const redis = new Redis(process.env.REDIS_PORT);
const subscriber = redis.duplicate();
const http = createServer();
const server = new Server(http, { adapter: createAdapter(redis, subscriber, { requestsTimeout: 3_000 }) });
server.on("connection", (socket) => {
  socket.on("broadcast", (...args) => server.emit("broadcast", ...args));
  socket.on("join", (room, done) => done(socket.join(room) ?? true));
  socket.on("room", (room, ...args) => server.to(room).emit("room", room, ...args));
});

let theirs, ours, other;
const all = () => [theirs, ours, other];

before(async () => {
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  await once(subscriber, "ready");
  // The adapter has subscribed when Redis counts our two servers and Node's.
  while ((await redis.pubsub("NUMSUB", "socket.io-request#/#"))[1] < 3) await new Promise((done) => setTimeout(done, 20));
  const urls = [`http://127.0.0.1:${http.address().port}`, process.env.SECURE_IO_URL, process.env.SECURE_IO_OTHER];
  [theirs, ours, other] = urls.map((url) => io(url, { ca, forceNew: true }));
  await Promise.all(all().map((socket) => once(socket, "connect")));
});

after(() => {
  all().forEach((socket) => socket?.disconnect());
  server.close();
  redis.disconnect();
  subscriber.disconnect();
});

const next = async (socket, event) => {
  const timer = AbortSignal.timeout(PATIENCE);
  return once(socket, event, { signal: timer });
};
const ids = (sockets) => sockets.map((socket) => socket.id).sort();

describe("Node's server and ours", () => {
  const args = [1, -7, 2.5, "zwei ü 😀", { drei: [null, true, { vier: [] }] }, new Date(0).toISOString()];

  for (const from of [0, 1]) {
    it(`broadcasts reach all, from ${["Node's", "ours"][from]}`, async () => {
      const heard = all().map((socket) => next(socket, "broadcast"));
      all()[from].emit("broadcast", ...args);
      for (const one of await Promise.all(heard)) assert.deepEqual(one, args);
    });

    it(`bytes arrive as bytes, from ${["Node's", "ours"][from]}`, async () => {
      const heard = all().map((socket) => next(socket, "broadcast"));
      const bytes = Buffer.from("4100ff", "hex");
      all()[from].emit("broadcast", bytes, { inner: [bytes] });
      for (const [first, { inner }] of await Promise.all(heard)) {
        assert.deepEqual([Buffer.from(first), Buffer.from(inner[0])], [bytes, bytes]);
      }
    });
  }

  it("order is kept from each server to each", async () => {
    const count = 500;
    const heard = all().map((socket) => new Promise((done) => {
      const seen = [];
      socket.on("broadcast", (from, number) => {
        seen.push([from, number]);
        if (seen.length === 2 * count) done(seen);
      });
    }));
    for (let number = 0; number < count; number++) {
      theirs.emit("broadcast", "theirs", number);
      ours.emit("broadcast", "ours", number);
    }
    for (const seen of await Promise.all(heard)) {
      for (const from of ["theirs", "ours"]) {
        assert.deepEqual(seen.filter(([name]) => name === from).map(([, number]) => number), [...Array(count).keys()]);
      }
    }
    all().forEach((socket) => socket.off("broadcast"));
  });

  it("rooms span servers", async () => {
    for (const socket of [theirs, ours]) assert.equal(await socket.timeout(PATIENCE).emitWithAck("join", "tea"), true);
    other.on("room", () => assert.fail("not in the room"));
    for (const from of all()) {
      const heard = [theirs, ours].map((socket) => next(socket, "room"));
      from.emit("room", "tea", 1);
      for (const one of await Promise.all(heard)) assert.deepEqual(one, ["tea", 1]);
    }
    other.off("room");
  });

  it("each knows the others' clients", async () => {
    assert.deepEqual(ids(await server.fetchSockets()), ids(all()));
    assert.deepEqual(ids(await server.in("tea").fetchSockets()), ids([theirs, ours]));
    assert.deepEqual((await ours.timeout(PATIENCE).emitWithAck("sockets")).sort(), ids(all()));
    assert.deepEqual((await other.timeout(PATIENCE).emitWithAck("sockets", "tea")).sort(), ids([theirs, ours]));
    const rooms = await server.of("/").adapter.allRooms();
    assert.ok(rooms.has("tea") && rooms.has(ours.id) && rooms.has(theirs.id));
  });

  it("Node's server moves and addresses our clients", async () => {
    server.in(other.id).socketsJoin("coffee");
    while ((await server.in("coffee").fetchSockets()).length === 0);
    let heard = next(other, "news");
    server.to("coffee").except("tea").emit("news", 1);
    assert.deepEqual(await heard, [1]);
    ours.on("secret", () => assert.fail("meant for another"));
    heard = next(other, "secret");
    server.to(other.id).emit("secret", 2);
    assert.deepEqual(await heard, [2]);
    server.in("coffee").socketsLeave("coffee");
    while ((await server.in("coffee").fetchSockets()).length > 0);
  });

  it("Node's server disconnects our clients", async () => {
    const gone = next(other, "disconnect");
    server.in(other.id).disconnectSockets();
    assert.equal((await gone)[0], "io server disconnect");
    assert.deepEqual(ids(await server.fetchSockets()), ids([theirs, ours]));
  });
});
