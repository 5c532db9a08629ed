// What Socket.IO protocol 5 asks of a server: https://socket.io/docs/v4/socket-io-protocol/
// Each case is run over WebSocket; those that carry messages over polling as well.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Channel, Polling } from "./session.mjs";

/** Sends a connect packet, and reads its answer and the application's greeting. */
async function connect(session, namespace = "", auth = undefined) {
  session.send(`40${namespace}${auth === undefined ? "" : JSON.stringify(auth)}`);
  const prefix = `40${namespace}{`;
  const answer = await session.next();
  assert(answer.startsWith(prefix), `${answer} instead of ${prefix}…`);
  const { sid } = JSON.parse(answer.slice(prefix.length - 1));
  assert.equal(typeof sid, "string");
  assert.equal(await session.next(), `42${namespace}["auth",${JSON.stringify(auth ?? {})}]`);
  return sid;
}

const placeholder = (num) => `{"_placeholder":true,"num":${num}}`;
const FIRST = Buffer.from([1, 2, 3, 4]);
const SECOND = Buffer.from([0, 255, 0x1e]);

describe("connect", () => {
  for (const namespace of ["", "/custom,"]) {
    const name = namespace === "" ? "the main namespace" : "a custom namespace";
    it(`to ${name}`, async () => {
      const channel = await Channel.session();
      const sid = await connect(channel, namespace);
      assert.notEqual(sid, channel.handshake.sid, "the namespace's id must not give the session's away");
    });

    it(`to ${name} with a payload`, async () => {
      const channel = await Channel.session();
      await connect(channel, namespace, { token: "123" });
    });
  }

  it("to the main namespace by its path", async () => {
    const channel = await Channel.session();
    channel.send("40/,");
    assert.match(await channel.next(), /^40\{"sid":/);
  });

  it("to two namespaces on one session", async () => {
    const channel = await Channel.session();
    await connect(channel);
    await connect(channel, "/custom,");
  });

  for (const packet of ["40/random", "40/random,", "40/random,{}"]) {
    it(`is refused to an unknown namespace (${packet})`, async () => {
      const channel = await Channel.session();
      channel.send(packet);
      assert.equal(await channel.next(), '44/random,{"message":"Invalid namespace"}');
    });
  }

  it("is due within the time for it, or the session ends", async () => {
    const channel = await Channel.session();
    await channel.closed();
  });

  it("works over polling", async () => {
    const session = await Polling.open();
    await connect(session, "", { token: "polling" });
  });
});

describe("disconnect", () => {
  it("from the main namespace leaves the session up", async () => {
    const channel = await Channel.session({ heartbeat: false });
    await connect(channel);
    channel.send("41");
    assert.equal(await channel.next(), "2");
    channel.send("3");
    await connect(channel);
  });

  it("from a custom namespace leaves the others up", async () => {
    const channel = await Channel.session();
    await connect(channel);
    await connect(channel, "/custom,");
    channel.send("41/custom,", '42["message","still here"]');
    assert.equal(await channel.next(), '42["message-back","still here"]');
  });
});

const transports = { WebSocket: () => Channel.session(), polling: () => Polling.open() };
for (const [transport, open] of Object.entries(transports)) {
  const isPolling = transport === "polling";
  // Polling carries binary as `b` and base64.
  const attachment = (bytes) => (isPolling ? `b${bytes.toString("base64")}` : bytes);

  describe(`message over ${transport}`, () => {
    for (const namespace of ["", "/custom,"]) {
      it(`in namespace ${namespace || "/"}`, async () => {
        const session = await open();
        await connect(session, namespace);
        const rest = '1,"2",{"3":[true,null,1.5,"ü\\u0000€😀"]}]';
        await session.send(`42${namespace}["message",${rest}`);
        assert.equal(await session.next(), `42${namespace}["message-back",${rest}`);
      });
    }

    it("with acknowledgement", async () => {
      const session = await open();
      await connect(session);
      await session.send('42456["message-with-ack",1,"2",{"3":[false]}]');
      assert.equal(await session.next(), '43456[1,"2",{"3":[false]}]');
    });

    it("with acknowledgement, id 0 and no arguments", async () => {
      const session = await open();
      await connect(session);
      await session.send('420["message-with-ack"]');
      assert.equal(await session.next(), "430[]");
    });

    it("with two binary attachments", async () => {
      const session = await open();
      await connect(session);
      const rest = `${placeholder(0)},{"nested":${placeholder(1)}},"text"]`;
      await session.send(`452-["message",${rest}`, attachment(FIRST), attachment(SECOND));
      assert.equal(await session.next(), `452-["message-back",${rest}`);
      assert.deepEqual([await session.next(), await session.next()], [FIRST, SECOND].map(attachment));
    });

    it("with binary attachments and acknowledgement", async () => {
      const session = await open();
      await connect(session);
      const rest = `${placeholder(0)},${placeholder(1)}]`;
      await session.send(`452-789["message-with-ack",${rest}`, attachment(FIRST), attachment(SECOND));
      assert.equal(await session.next(), `462-789[${rest}`);
      assert.deepEqual([await session.next(), await session.next()], [FIRST, SECOND].map(attachment));
    });

    it("of several in one go comes back in order", async () => {
      const session = await open();
      await connect(session);
      const numbers = Array.from({ length: 100 }, (_, i) => i);
      await session.send(...numbers.map((i) => `42["message",${i}]`));
      for (const i of numbers) assert.equal(await session.next(), `42["message-back",${i}]`);
    });
  });
}

describe("a malformed packet ends the connection:", () => {
  const malformed = {
    "unknown packet type": "4abc",
    "packet type out of range": "49",
    "event with an object for its payload": '42{}',
    "event with broken JSON": '42["message"',
    "event without a name": "42[]",
    "event whose name is an object": "42[{}]",
    "acknowledgement id that is no number": '42abc["message-with-ack",1]',
    "binary event without a number of attachments": '45["message",1]',
    "binary frame that was not announced": Buffer.from([1]),
  };
  for (const [what, packet] of Object.entries(malformed)) {
    it(what, async () => {
      const channel = await Channel.session();
      await connect(channel);
      channel.send(packet);
      await channel.closed();
    });
  }

  it("text where an attachment was announced", async () => {
    const channel = await Channel.session();
    await connect(channel);
    channel.send('451-["message",{"_placeholder":true,"num":0}]', '42["message",1]');
    await channel.closed();
  });
});
