// A Socket.IO server over plain HTTP on a free port, as it stands behind what ends TLS.

import { createServer } from "node:http";
import { Server } from "socket.io";

const server = createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ url: request.url, headers: request.headers }));
});
const io = new Server(server);
io.on("connection", (socket) => {
  socket.emit("message", "Welcome to the secure server!");
  socket.on("echo", (value, answer) => answer(value));
});
server.listen(0, "127.0.0.1", () => console.log(`listening on port:${server.address().port}`));
