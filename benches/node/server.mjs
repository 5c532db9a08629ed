// What `secure-io serve` does, in Node: node server.mjs CERT KEY PORT

import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { Server } from "socket.io";

const [cert, key, port] = process.argv.slice(2);

const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.end("Hello, Socket.io with SSL/TLS!");
});

const io = new Server(server);

io.on("connection", (socket) => {
  console.log("A user connected via secure WebSocket");
  socket.emit("message", "Welcome to the secure server!");
  socket.on("echo", (...args) => {
    const acknowledge = typeof args.at(-1) === "function" ? args.pop() : (...args) => socket.emit("echo", ...args);
    acknowledge(...args);
  });
  socket.on("broadcast", (...args) => io.emit("broadcast", ...args));
  socket.on("disconnect", () => console.log("User disconnected"));
});

server.listen(Number(port), "127.0.0.1", () => {
  console.error(`Secure server is running on https://localhost:${server.address().port}`);
});
