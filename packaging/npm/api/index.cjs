// Certificates for a server of Node's: from the local CA where there is one, else self-signed.
"use strict";

const { existsSync, readFileSync, statSync } = require("node:fs");
const { homedir } = require("node:os");
const { join } = require("node:path");
const { createSecureContext } = require("node:tls");
const { SecureIoError, run } = require("./program.cjs");

/** The folder for what is kept from run to run, as the program has it. */
function dataFolder() {
  const { APPDATA, XDG_DATA_HOME } = process.env;
  const base =
    process.platform === "win32" ? APPDATA ?? join(homedir(), "AppData/Roaming") : XDG_DATA_HOME || join(homedir(), ".local/share");
  return join(base, "secure-io");
}

/** How often files are looked at, in ms. */
const PACE = 1000;

/** Certificate and key in files that may be renewed. */
class Credentials {
  #folder;
  #state;
  #looked = 0;

  constructor(folder, { isSelfSigned, root, names }) {
    this.#folder = folder;
    this.#state = read(folder);
    // What `https.createServer` and others take, and nothing else, can be listed.
    Object.defineProperties(this, {
      key: { enumerable: true, get: () => this.#current().key },
      cert: { enumerable: true, get: () => this.#current().cert },
      SNICallback: { enumerable: true, value: (_name, done) => this.#contextFor(done) },
      files: { value: { cert: this.#state.certFile, key: this.#state.keyFile } },
      isSelfSigned: { value: isSelfSigned },
      root: { value: root },
      names: { value: names },
    });
  }

  #current() {
    const now = Date.now();
    if (now - this.#looked >= PACE) {
      this.#looked = now;
      try {
        if (changed(this.#folder) !== this.#state.changed) this.#state = read(this.#folder);
      } catch {
        // A set is replaced at once, so what cannot be read has been removed: what was there serves on.
      }
    }
    return this.#state;
  }

  #contextFor(done) {
    try {
      const state = this.#current();
      state.context ??= createSecureContext({ key: state.key, cert: state.cert });
      done(null, state.context);
    } catch (error) {
      done(error);
    }
  }

  /** Has a server show renewed files to clients that send no server name, too. Returns a function that ends that. */
  watch(server) {
    let shown = this.#current();
    const timer = setInterval(() => {
      const state = this.#current();
      if (state === shown) return;
      shown = state;
      server.setSecureContext({ key: state.key, cert: state.cert });
    }, PACE);
    timer.unref();
    const stop = () => clearInterval(timer);
    server.once("close", stop);
    return stop;
  }
}

const paths = (folder) => ({ certFile: join(folder, "server-cert.pem"), keyFile: join(folder, "server-key.pem") });

function changed(folder) {
  const { certFile, keyFile } = paths(folder);
  return `${statSync(certFile).mtimeMs} ${statSync(keyFile).mtimeMs}`;
}

function read(folder) {
  const { certFile, keyFile } = paths(folder);
  const seen = changed(folder);
  return { certFile, keyFile, changed: seen, cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
}

/** A folder's name for these hosts. */
function slug(names) {
  if (names.length === 0) return "localhost";
  return names.join("_").toLowerCase().replace(/\*/g, "any").replace(/[^a-z0-9._-]+/g, "-").slice(0, 120);
}

const told = new Set();

async function credentials(...given) {
  const last = given.at(-1);
  const options = typeof last === "object" && last !== null && !Array.isArray(last) ? given.pop() : {};
  const names = given.flat();
  for (const name of names) {
    if (typeof name !== "string") throw new TypeError(`a host is a string, not ${typeof name}`);
  }
  const { caDir, folder = join(dataFolder(), "credentials", slug(names)), quiet = false } = options;
  const inCaDir = caDir === undefined ? [] : ["--ca-dir", caDir];
  const ca = (await run(["ca", "path", ...inCaDir])).stdout.trimEnd();
  const root = join(ca, "root.pem");
  const isSelfSigned = !existsSync(root);
  const issuer = isSelfSigned ? ["--self-signed"] : ["--ca", ...inCaDir];
  await run(["gen-cert", "--quiet", "--renew", "--out-dir", folder, ...issuer, "--", ...names]);
  const made = new Credentials(folder, { isSelfSigned, root: isSelfSigned ? undefined : root, names });
  if (isSelfSigned && !quiet && !told.has(folder)) {
    told.add(folder);
    const hosts = names.length === 0 ? "localhost" : names.join(", ");
    process.stderr.write(
      `secure-io: the certificate for ${hosts} is self-signed, so browsers warn; for the padlock: npx secure-io ca trust\n`,
    );
  }
  return made;
}

module.exports = { credentials, SecureIoError };
