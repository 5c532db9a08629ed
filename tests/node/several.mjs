// Node's clients against two of our servers behind a balancer, and Redis between them.
// SECURE_IO_URL: the balancer. SECURE_IO_CA: the certificate to trust.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { it } from "node:test";
import { io } from "socket.io-client";

const ca = readFileSync(process.env.SECURE_IO_CA);
const PATIENCE = 20_000;
const CLIENTS = 8;

for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
  it(transports.join(" to "), async () => {
    // Each client has an address of its own, as the balancer sees it: half of them come to either server.
    const sockets = Array.from({ length: CLIENTS }, (_, at) =>
      io(process.env.SECURE_IO_URL, { ca, transports, forceNew: true, extraHeaders: { "x-client": `client-${at}` } }));
    try {
      await Promise.all(sockets.map((socket) => once(socket, "message", { signal: AbortSignal.timeout(PATIENCE) })));
      const hosts = new Set(await Promise.all(sockets.map((socket) => socket.timeout(PATIENCE).emitWithAck("broadcast", 0))));
      const heard = sockets.map((socket) => once(socket, "broadcast", { signal: AbortSignal.timeout(PATIENCE) }));
      const here = await sockets[0].timeout(PATIENCE).emitWithAck("broadcast", "all");
      await Promise.all(heard);
      assert.ok(here > 0 && here < CLIENTS, `${here} of ${CLIENTS} clients are on one server; ${[...hosts]}`);
      const ids = await sockets[1].timeout(PATIENCE).emitWithAck("sockets");
      assert.deepEqual(ids.sort(), sockets.map((socket) => socket.id).sort());
    } finally {
      sockets.forEach((socket) => socket.disconnect());
    }
  });
}
