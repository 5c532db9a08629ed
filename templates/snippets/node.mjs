// Node with Socket.IO on {{ v.url() }}
// npm install socket.io; save it as server.mjs; node server.mjs
import { readFileSync, watchFile } from "node:fs";
import { createServer } from "node:https";
import { Server } from "socket.io";

{% include "snippets/tls.mjs" %}

const server = createServer(tls(), (request, response) => {
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.end("Hello, Socket.io with SSL/TLS!\n");
});

const io = new Server(server);
io.on("connection", (socket) => {
  socket.emit("message", "Welcome to the secure server!");
});

{% include "snippets/reload.mjs" %}

server.listen({{ v.port }}, () => console.log("Secure server is running on {{ v.url() }}"));
