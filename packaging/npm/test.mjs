// Installs the packed packages from a registry on loopback, and uses them: node packaging/npm/test.mjs BINARY
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { runner, serve } from "./registry.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const work = mkdtempSync(join(tmpdir(), "secure-io-npm-"));
const binary = resolve(process.argv[2] ?? "target/release/secure-io");
const built = join(work, "packages");
execFileSync(process.execPath, [join(here, "build.mjs"), built, `linux-x64-gnu=${binary}`]);

const registry = await serve(built, work);

const env = { ...process.env, npm_config_registry: registry.url, npm_config_cache: join(work, "cache") };
delete env.npm_execpath;

const run = runner(env);

function folder(name) {
  const path = mkdtempSync(join(work, name));
  writeFileSync(join(path, "package.json"), '{"private":true}');
  return path;
}

try {
  const app = folder("app-");
  const installed = await run("npm", ["install", "--no-audit", "--no-fund", "secure-io"], app);
  assert.equal(installed.status, 0, installed.stderr);
  assert.deepEqual(readdirSync(join(app, "node_modules/@secure-io")), ["linux-x64-gnu"]);
  const version = await run("npx", ["secure-io", "--version"], app);
  assert.match(version.stdout, /^secure-io 0\.1\.0/);
  const made = await run(join(app, "node_modules/.bin/secure-io"), ["gen-cert", "app.test"], app);
  assert.equal(made.status, 0, made.stderr);
  assert.match(made.stdout, /Made a certificate for app\.test/);
  const refused = await run("npx", ["secure-io", "gen-cert", "app.test"], app);
  assert.equal(refused.status, 2, "the exit status comes through");
  console.log("npm install, npx, exit status: ok");

  const fresh = folder("fresh-");
  const first = await run("npx", ["-y", "secure-io", "--version"], fresh);
  assert.match(first.stdout, /^secure-io 0\.1\.0/, first.stderr);
  console.log("npx -y in an empty folder: ok");

  const without = folder("without-");
  await run("npm", ["install", "--no-audit", "--no-fund", "--omit=optional", "secure-io"], without);
  const missing = await run(join(without, "node_modules/.bin/secure-io"), ["--version"], without);
  assert.equal(missing.status, 2);
  assert.match(missing.stderr, /@secure-io\/linux-x64-gnu.*is not installed\nhint: install without --omit=optional/);
  console.log("--omit=optional names the package and the fix: ok");

  // A server under npx ends when npx does.
  const npx = spawn("npx", ["secure-io", "serve", "--port", "0"], { cwd: app, env });
  let log = "";
  npx.stderr.on("data", (text) => (log += text));
  const port = await until(() => /https:\/\/localhost:(\d+)/.exec(log)?.[1], "the server is ready");
  npx.kill("SIGTERM");
  const isGone = () => spawnSync("curl", ["-sk", "--max-time", "2", `https://localhost:${port}/`]).status === 7;
  await until(isGone, "the server has ended");
  console.log("a server ends with npx: ok");

  const direct = spawn(join(app, "node_modules/.bin/secure-io"), ["serve", "--port", "0"], { cwd: app, env });
  log = "";
  direct.stderr.on("data", (text) => (log += text));
  await until(() => log.includes("is running on"), "the server is ready");
  // Where Node can, the process that was started is the program itself by now.
  const program = realpathSync(`/proc/${direct.pid}/exe`);
  const isOurs = program === realpathSync(join(app, "node_modules/@secure-io/linux-x64-gnu/bin/secure-io"));
  assert.equal(isOurs, typeof process.execve === "function", program);
  const ended = new Promise((done) => direct.on("close", (status, signal) => done([status, signal])));
  direct.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null], "it stops in good order");
  console.log(`SIGTERM reaches the program (${isOurs ? "by execve" : "below Node"}, ${process.version}): ok`);
} finally {
  registry.close();
  rmSync(work, { recursive: true, force: true });
}

async function until(isSo, what) {
  for (let tries = 0; tries < 300; tries += 1) {
    const result = isSo();
    if (result) return result;
    await sleep(100);
  }
  throw new Error(`not within 30 s: ${what}`);
}
