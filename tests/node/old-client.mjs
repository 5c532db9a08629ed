// A client of the protocol before this one (socket.io-client 2, Engine.IO 3) is refused at once and told why.
// Node's own server opens the WebSocket and drops it, which leaves that client waiting for 20 s: ours refuses the upgrade.
// SECURE_IO_URL: the server. SECURE_IO_CA: the certificate to trust.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { get } from "node:https";
import { describe, it } from "node:test";
import io from "socket.io-client-2";

const URL = process.env.SECURE_IO_URL;
const ca = readFileSync(process.env.SECURE_IO_CA);
const PATIENCE = 5_000;

describe("socket.io-client 2", () => {
  for (const transport of ["polling", "websocket"]) {
    it(`is refused over ${transport}`, async () => {
      const error = await refusal(transport);
      assert.equal(error.type, "TransportError");
      assert.match(error.message, /^(xhr poll|websocket) error$/);
      if (transport === "polling") assert.equal(error.description, 400);
      else assert.match(error.description.message, /Unexpected server response: 400/);
    });
  }

  it("gets Engine.IO's own words for it", async () => {
    const response = await new Promise((resolve, reject) => {
      get(`${URL}/socket.io/?EIO=3&transport=polling`, { ca }, resolve).on("error", reject);
    });
    let body = "";
    for await (const chunk of response) body += chunk;
    assert.equal(response.statusCode, 400);
    assert.deepEqual(JSON.parse(body), { code: 5, message: "Unsupported protocol version" });
  });
});

function refusal(transport) {
  const socket = io(URL, { ca, transports: [transport], forceNew: true, reconnection: false });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE} ms`)), PATIENCE);
    socket.on("connect", () => reject(new Error("connected")));
    socket.on("connect_error", (error) => {
      clearTimeout(timer);
      socket.close();
      resolve(error);
    });
  });
}
