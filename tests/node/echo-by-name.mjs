// A Socket.IO client of a name under localhost, which Node's resolver knows on some machines only.
// SECURE_IO_URL; TRANSPORT: polling, websocket or upgrade.

import https from "node:https";
import { io } from "socket.io-client";

const { SECURE_IO_URL, TRANSPORT } = process.env;
const address = "127.0.0.1";
const lookup = (_, { all }, done) => (all ? done(null, [{ address, family: 4 }]) : done(null, address, 4));
const transports = TRANSPORT === "upgrade" ? ["polling", "websocket"] : [TRANSPORT];
const socket = io(SECURE_IO_URL, { agent: new https.Agent({ lookup }), transports, reconnection: false });
socket.on("connect_error", (error) => {
  console.error(error, error.cause, error.description);
  process.exit(1);
});
socket.on("connect", async () => {
  const { engine } = socket.io;
  // The upgrade may be over before the namespace is joined.
  if (TRANSPORT === "upgrade" && engine.transport.name === "polling") {
    await new Promise((resolve) => engine.once("upgrade", resolve));
  }
  const answer = await socket.emitWithAck("echo", "hello");
  console.log(`${answer} by ${socket.io.engine.transport.name}`);
  socket.close();
});
