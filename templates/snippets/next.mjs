// Next on {{ v.url() }}, hot reloading included
// Save it as server.mjs beside package.json; node server.mjs
import { readFileSync, watchFile } from "node:fs";
import { createServer } from "node:https";
import next from "next";

{% include "snippets/tls.mjs" %}

const server = createServer(tls());
const app = next({ dev: process.env.NODE_ENV !== "production", httpServer: server, hostname: "{{ v.host() }}", port: {{ v.port }} });
await app.prepare();
const handle = app.getRequestHandler();
server.on("request", (request, response) => handle(request, response));

{% include "snippets/reload.mjs" %}

server.listen({{ v.port }}, () => console.log("Secure server is running on {{ v.url() }}"));
