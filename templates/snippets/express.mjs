// Express with Socket.IO on {{ v.url() }}
// npm install express socket.io; save it as server.mjs; node server.mjs
import { readFileSync, watchFile } from "node:fs";
import { createServer } from "node:https";
import express from "express";
import { Server } from "socket.io";

{% include "snippets/tls.mjs" %}

const app = express();
app.get("/", (request, response) => {
  response.type("text/plain").send("Hello, Socket.io with SSL/TLS!\n");
});

const server = createServer(tls(), app);

const io = new Server(server);
io.on("connection", (socket) => {
  socket.emit("message", "Welcome to the secure server!");
});

{% include "snippets/reload.mjs" %}

server.listen({{ v.port }}, () => console.log("Secure server is running on {{ v.url() }}"));
