// What Engine.IO protocol 4 asks of a server: https://socket.io/docs/v4/engine-io-protocol/

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Channel, PING_INTERVAL, PING_TIMEOUT, Polling, packets, request, soon } from "./session.mjs";

const HANDSHAKE_KEYS = ["maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"];

function checkHandshake(packet, upgrades) {
  assert.equal(packet[0], "0");
  const handshake = JSON.parse(packet.slice(1));
  assert.deepEqual(Object.keys(handshake).sort(), HANDSHAKE_KEYS);
  assert.equal(typeof handshake.sid, "string");
  assert.notEqual(handshake.sid, "");
  assert.deepEqual(handshake.upgrades, upgrades);
  assert.equal(handshake.pingInterval, PING_INTERVAL);
  assert.equal(handshake.pingTimeout, PING_TIMEOUT);
  assert.equal(handshake.maxPayload, 1_000_000);
}

describe("handshake over polling", () => {
  it("opens a session", async () => {
    const response = await request("EIO=4&transport=polling");
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type"), /^text\/plain/);
    checkHandshake((await response.text()).split("\x1e")[0], ["websocket"]);
  });

  for (const query of [
    "transport=polling",
    "EIO=abc&transport=polling",
    "EIO=2&transport=polling",
    "EIO=3&transport=polling",
    "EIO=4",
    "EIO=4&transport=abc",
    "EIO=4&transport=polling&sid=unknown",
  ]) {
    it(`refuses ?${query}`, async () => {
      assert.equal((await request(query)).status, 400);
    });
  }

  for (const method of ["POST", "PUT", "DELETE"]) {
    it(`refuses ${method} without a session`, async () => {
      assert.equal((await request("EIO=4&transport=polling", { method })).status, 400);
    });
  }

  it("refuses PUT within a session", async () => {
    const session = await Polling.open();
    const { status } = await request(session.query, { method: "PUT" });
    assert(status >= 400, `answered ${status}`); // Node's own answer is 500
  });
});

describe("handshake over WebSocket", () => {
  it("opens a session", async () => {
    const channel = Channel.open();
    checkHandshake(await channel.next(), []);
  });

  for (const query of [
    "transport=websocket",
    "EIO=abc&transport=websocket",
    "EIO=3&transport=websocket",
    "EIO=4",
    "EIO=4&transport=abc",
    "EIO=4&transport=websocket&sid=unknown",
  ]) {
    it(`refuses ?${query}`, async () => {
      await Channel.open({ query }).closed();
    });
  }
});

describe("heartbeat", () => {
  it("goes on over polling while it is answered", async () => {
    const session = await Polling.open({ heartbeat: false });
    for (let beat = 0; beat < 3; beat++) {
      assert.equal(await session.next(), "2");
      await session.send("3");
    }
  });

  it("goes on over WebSocket while it is answered", async () => {
    const channel = await Channel.session({ heartbeat: false });
    for (let beat = 0; beat < 3; beat++) {
      assert.equal(await channel.next(), "2");
      channel.send("3");
    }
  });

  it("ends a polling session that does not answer", async () => {
    const session = await Polling.open({ heartbeat: false });
    await session.closed();
  });

  it("ends a WebSocket session that does not answer", async () => {
    const channel = await Channel.session({ heartbeat: false });
    await channel.closed();
  });
});

describe("close", () => {
  it("ends a polling session and releases the pending poll", async () => {
    const session = await Polling.open();
    const pending = session.poll();
    await session.send("1");
    assert.equal(await (await pending).text(), "6");
    await session.closed();
  });

  it("ends a WebSocket session", async () => {
    const channel = await Channel.session();
    channel.send("1");
    await channel.closed();
  });
});

describe("polling", () => {
  it("ends the session on two polls at once", async () => {
    const session = await Polling.open();
    await quietMoment(session);
    const statuses = await Promise.all([session.poll(), session.poll()].map(async (poll) => (await poll).status));
    const [released, refused] = statuses.sort();
    assert.equal(released, 200);
    // Node answers the second one with 400, earlier versions with 500.
    assert([400, 500].includes(refused), `the second poll was answered ${refused}`);
    await session.closed();
  });

  it("ends the session on a cancelled poll", async () => {
    const session = await Polling.open();
    await quietMoment(session);
    const cancel = new AbortController();
    const pending = session.poll({ signal: cancel.signal });
    // Its own poll gone, the session takes a POST as proof that the server has seen the poll.
    await session.send("3");
    cancel.abort();
    await assert.rejects(pending, { name: "AbortError" });
    await session.closed();
  });

  it("ends the session on a payload that is no packet", async () => {
    const session = await Polling.open();
    await session.post("abc"); // Node answers 200 all the same
    await session.closed();
  });

  it("refuses a payload over maxPayload", async () => {
    const session = await Polling.open();
    const { status } = await session.post("4".padEnd(session.handshake.maxPayload + 1, "a"));
    assert.equal(status, 413);
  });
});

describe("WebSocket", () => {
  it("ends on a message that is no packet", async () => {
    const channel = await Channel.session();
    channel.send("abc");
    await channel.closed();
  });

  it("ends on a message over maxPayload", async () => {
    const channel = await Channel.session();
    channel.send("4".padEnd(channel.handshake.maxPayload + 1, "a"));
    await channel.closed();
  });
});

describe("upgrade", () => {
  it("moves a polling session to WebSocket and releases the pending poll", async () => {
    const session = await Polling.open();
    const pending = session.poll();
    const channel = await probe(session);
    assert.equal(await (await pending).text(), "6");
    channel.send("5", "40");
    assert.match(await channel.next(), /^40\{"sid":/);
  });

  it("releases a poll that comes after the probe", async () => {
    const session = await Polling.open();
    await probe(session);
    assert.equal(await (await session.poll()).text(), "6");
  });

  it("leaves the session to polling when the probe is given up", async () => {
    const session = await Polling.open();
    (await probe(session)).abandon();
    await session.send("40");
    let packet;
    do packet = await session.next();
    while (packet === "6"); // the probe's own release of a pending poll
    assert.match(packet, /^40\{"sid":/);
  });

  it("refuses polling afterwards", async () => {
    const [session, channel] = await upgraded();
    assert.equal((await session.poll()).status, 400);
    assert.equal((await session.post("4abc")).status, 400);
  });

  it("refuses a second WebSocket afterwards", async () => {
    const [session, channel] = await upgraded();
    const second = Channel.open({ query: `EIO=4&transport=websocket&sid=${session.sid}` });
    second.hasOpened.then(() => second.send("2probe"));
    await second.closed();
    channel.send('42["message","still here"]');
    assert.equal(await channel.next(), '42["message-back","still here"]');
  });
});

/** Waits for a ping and answers it: for the next 300 ms the server has nothing to say. */
async function quietMoment(session) {
  const response = await session.poll();
  assert.deepEqual(packets(await response.text()), ["2"]);
  await session.send("3");
}

async function probe(session) {
  const channel = Channel.open({ query: `EIO=4&transport=websocket&sid=${session.sid}` });
  await channel.opened();
  channel.send("2probe");
  assert.equal(await channel.next(), "3probe");
  return channel;
}

/** A session that has moved to WebSocket, known by its first packet there. */
async function upgraded() {
  const session = await Polling.open();
  const channel = await probe(session);
  channel.send("5", "40");
  assert.match(await soon(channel.next(), "connect"), /^40/);
  assert.match(await channel.next(), /^42\["auth"/);
  return [session, channel];
}
