// Test PKIs for Node's test suites.
"use strict";

const { existsSync, mkdirSync, readFileSync } = require("node:fs");
const https = require("node:https");
const { dirname, join, resolve } = require("node:path");
const { homedir } = require("node:os");
const { SecureIoError, run } = require("./program.cjs");
const { version } = require("../package.json");

/** The manifest of the project: here, or in a folder above. */
function manifestAbove(folder) {
  for (;;) {
    const manifest = join(folder, "secure-io.toml");
    if (existsSync(manifest)) return manifest;
    const above = dirname(folder);
    if (above === folder) return undefined;
    folder = above;
  }
}

/** The manifest that `fixtures init` writes, in a folder of its own. */
async function defaultManifest() {
  const { APPDATA, XDG_CACHE_HOME } = process.env;
  const cache = process.platform === "win32" ? APPDATA ?? homedir() : XDG_CACHE_HOME || join(homedir(), ".cache");
  const folder = join(cache, "secure-io", `fixtures-${version}`);
  const manifest = join(folder, "secure-io.toml");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(manifest)) {
    await run(["fixtures", "init"], { cwd: folder }).catch((error) => {
      // Another process was quicker.
      if (!existsSync(manifest)) throw error;
    });
  }
  return manifest;
}

/** A certificate of the tree, with what a right client does with it. */
class Fixture {
  constructor(folder, entry) {
    const at = (path) => (path === undefined ? undefined : join(folder, path));
    const files = { chain: at(entry.chain), key: at(entry.key), trust: at(entry.trust), crls: (entry.crls ?? []).map(at) };
    const node = entry.clients?.node ?? {};
    const { name, host, valid, code, why } = entry;
    Object.assign(this, { name, host, valid, code, why, files });
    this.accepted = node.accepts ?? valid;
    this.loads = node.loads ?? true;
  }

  get cert() {
    return readFileSync(this.files.chain, "utf8");
  }

  get key() {
    return readFileSync(this.files.key, "utf8");
  }

  get ca() {
    return readFileSync(this.files.trust, "utf8");
  }

  get crl() {
    return this.files.crls.map((file) => readFileSync(file, "utf8"));
  }
}

class Fixtures {
  #all;

  constructor(folder, entries) {
    this.folder = folder;
    this.#all = new Map(entries.map((entry) => [entry.name, new Fixture(folder, entry)]));
  }

  get(name) {
    const found = this.#all.get(name);
    if (found !== undefined) return found;
    throw new SecureIoError(`there is no fixture \`${name}\``, [`there are ${[...this.#all.keys()].join(", ")}`]);
  }

  [Symbol.iterator]() {
    return this.#all.values();
  }
}

const built = new Map();

/** Builds what is missing or stale of a tree, once for each process. */
async function fixtures(options = {}) {
  const given = typeof options === "string" ? options : options.manifest;
  const manifest = given === undefined ? manifestAbove(process.cwd()) ?? (await defaultManifest()) : resolve(given);
  if (!built.has(manifest)) built.set(manifest, build(manifest));
  return built.get(manifest);
}

async function build(manifest) {
  const { stdout } = await run(["fixtures", "--json", manifest]);
  const report = JSON.parse(stdout);
  const folder = resolve(dirname(manifest), report.folder ?? "fixtures");
  const { fixtures } = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8"));
  return new Fixtures(folder, fixtures);
}

/** A server on loopback that shows a fixture. */
async function serveFixture(name, options = {}) {
  const { handler = (_request, response) => response.end("ok\n"), port = 0, host = "127.0.0.1", manifest } = options;
  const fixture = (await fixtures({ manifest })).get(name);
  if (!fixture.loads) {
    const hint = `serve it with the program: npx secure-io serve --fixtures ${JSON.stringify((await fixtures({ manifest })).folder)}`;
    throw new SecureIoError(`Node loads no certificate such as \`${name}\`: ${fixture.why}`, [hint]);
  }
  const server = https.createServer({ cert: fixture.cert, key: fixture.key, ...options.tls }, handler);
  await new Promise((ready, failed) => server.once("error", failed).listen(port, host, ready));
  const bound = server.address().port;
  const close = () =>
    new Promise((done) => {
      server.close(() => done());
      server.closeAllConnections?.();
    });
  return {
    server,
    fixture,
    port: bound,
    url: `https://${fixture.host}:${bound}/`,
    // `fixture.host` need not resolve: this leads to the server, and asks for that host.
    connect: { host, port: bound, servername: fixture.host, ca: fixture.ca, agent: false },
    close,
    [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]: close,
  };
}

module.exports = { fixtures, serveFixture, SecureIoError };
