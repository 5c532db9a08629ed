// Serves each certificate of a tree and connects to it, with Node's own TLS; prints a JSON object of what came of it.
import { readFileSync } from "node:fs";
import { createServer, get } from "node:https";
import { join } from "node:path";

const folder = process.argv[2];
const read = (path) => readFileSync(join(folder, path));

async function meet({ chain, key, trust, crls = [], host }) {
  let server;
  try {
    server = createServer({ cert: read(chain), key: read(key) }, (_, response) => response.end("hello"));
  } catch (error) {
    return `cannot be loaded: ${error.code}`;
  }
  server.on("tlsClientError", () => {});
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const options = { port: server.address().port, host: "127.0.0.1", servername: host, ca: read(trust), agent: false };
  if (crls.length) options.crl = crls.map(read);
  const result = await new Promise((done) => {
    get(options, (response) => response.resume().on("end", () => done("accepts"))).on("error", (error) =>
      done(`refuses: ${error.code}`),
    );
  });
  server.close();
  return result;
}

const results = {};
for (const fixture of JSON.parse(read("expected.json")).fixtures) results[fixture.name] = await meet(fixture);
console.log(JSON.stringify(results));
