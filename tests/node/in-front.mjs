// Node's client against what ends TLS in front of Socket.IO servers: each transport, several clients.
// SECURE_IO_URL: the server. SECURE_IO_CA: the certificate to trust.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { it } from "node:test";
import { io } from "socket.io-client";

const ca = readFileSync(process.env.SECURE_IO_CA);
const PATIENCE = 20_000;

for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
  it(transports.join(" to "), async () => {
    const one = async () => {
      const socket = io(process.env.SECURE_IO_URL, { ca, transports, forceNew: true, reconnection: false, timeout: PATIENCE });
      try {
        const failed = new Promise((_, reject) =>
          socket.on("connect_error", (error) => reject(new Error(`${error.message}: ${error.description?.message ?? error.context?.responseText}`))));
        const [greeting] = await Promise.race([once(socket, "message"), failed]);
        assert.equal(greeting, "Welcome to the secure server!");
        const engine = socket.io.engine;
        const last = transports.at(-1);
        if (engine.transport.name !== last) await once(engine, "upgrade");
        assert.equal(engine.transport.name, last);
        if (process.env.SECURE_IO_ECHO) {
          const large = "x".repeat(200_000);
          assert.equal(await socket.timeout(PATIENCE).emitWithAck("echo", large), large);
        }
      } finally {
        socket.disconnect();
      }
    };
    await Promise.all(Array.from({ length: 5 }, one));
  });
}
