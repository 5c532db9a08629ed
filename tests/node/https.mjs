// Node's https server with the files that `gen-cert` made in the working folder: server-*.pem, locked-*.pem (encrypted
// under the first line of `passphrase`) and server.p12 (under that of `password`). Its client trusts the certificate
// named by SECURE_IO_UNDER_CA, or else the server's own.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, get } from "node:https";
import { it } from "node:test";

const firstLine = (file) => readFileSync(file, "utf8").split("\n")[0];
const pair = (name) => ({ key: readFileSync(`${name}-key.pem`), cert: readFileSync(`${name}-cert.pem`) });

const cases = {
  "key and certificate": ["server", pair("server")],
  "encrypted key and certificate": ["locked", { ...pair("locked"), passphrase: firstLine("passphrase") }],
  "PKCS#12": ["server", { pfx: readFileSync("server.p12"), passphrase: firstLine("password") }],
};

for (const [what, [name, files]] of Object.entries(cases)) {
  it(`serves with ${what}`, async (t) => {
    const server = createServer(files, (request, response) => response.end("hello")).listen(0, "127.0.0.1");
    t.after(() => server.close());
    await once(server, "listening");
    const ca = readFileSync(process.env.SECURE_IO_UNDER_CA || `${name}-cert.pem`);
    // `localhost` and 127.0.0.1: the subjectAltName holds both, and Node checks it.
    for (const host of ["localhost", "127.0.0.1"]) {
      const options = { ca, host, port: server.address().port, agent: false };
      const response = await new Promise((resolve, reject) => get(options, resolve).on("error", reject));
      assert.equal(response.socket.authorized, true);
      assert.equal(response.socket.getProtocol(), "TLSv1.3");
      response.resume();
      await once(response, "end");
    }
  });
}
