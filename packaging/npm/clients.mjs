// Installs and runs the packed packages with pnpm, yarn 1, yarn 4 (PnP) and bun, and checks the types with TypeScript:
// node packaging/npm/clients.mjs BINARY. The clients come from npm's registry; the packages from one on loopback.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { runner, serve } from "./registry.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const work = mkdtempSync(join(tmpdir(), "secure-io-clients-"));
const binary = resolve(process.argv[2] ?? "target/release/secure-io");
const built = join(work, "packages");
// Packages of other platforms have something in their program's place: nobody installs them here.
const others = ["linux-x64-musl", "linux-arm64-gnu", "linux-arm64-musl", "darwin-x64", "darwin-arm64", "win32-x64", "win32-arm64"];
const stub = join(here, "build.mjs");
const platforms = [`linux-x64-gnu=${binary}`, ...others.map((name) => `${name}=${stub}`)];
execFileSync(process.execPath, [join(here, "build.mjs"), built, ...platforms]);
const registry = await serve(built, work);

const tools = join(work, "tools");
mkdirSync(tools);
writeFileSync(join(tools, "package.json"), '{"private":true}');
const clients = ["pnpm@10", "yarn@1.22", "@yarnpkg/cli-dist@4", "@oven/bun-linux-x64@1", "typescript@5", "@types/node@20"];
execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", ...clients], { cwd: tools, stdio: "inherit" });
const tool = (path) => join(tools, "node_modules", path);

const env = {
  ...process.env,
  HOME: join(work, "home"),
  npm_config_registry: registry.url,
  YARN_NPM_REGISTRY_SERVER: registry.url,
  YARN_UNSAFE_HTTP_WHITELIST: "127.0.0.1",
  YARN_ENABLE_TELEMETRY: "0",
  YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
  YARN_REGISTRY: registry.url,
  BUN_CONFIG_REGISTRY: registry.url,
  CI: "1",
};
for (const name of Object.keys(env)) if (name.startsWith("npm_") && name !== "npm_config_registry") delete env[name];
mkdirSync(env.HOME);

const run = runner(env);

async function ok(program, words, cwd) {
  const result = await run(program, words, cwd);
  assert.equal(result.status, 0, `${words.join(" ")}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

function folder(name, manifest = { private: true }) {
  const path = join(work, name);
  mkdirSync(path);
  writeFileSync(join(path, "package.json"), JSON.stringify(manifest));
  return path;
}

async function uses(name, exec, cwd) {
  assert.match(await exec(["secure-io", "--version"]), /secure-io \d/);
  await exec(["secure-io", "gen-cert", "--quiet", "app.test"]);
  assert(existsSync(join(cwd, "server-cert.pem")), name);
  console.log(`${name}: ok`);
}

/** The file of a client's command, by its manifest. */
function command(name, bin) {
  const manifest = JSON.parse(readFileSync(tool(`${name}/package.json`)));
  return tool(`${name}/${typeof manifest.bin === "string" ? manifest.bin : manifest.bin[bin]}`);
}

const node = process.execPath;
try {
  let app = folder("pnpm");
  await ok(node, [command("pnpm", "pnpm"), "add", "secure-io"], app);
  await uses("pnpm", (words) => ok(node, [command("pnpm", "pnpm"), "exec", ...words], app), app);

  assert.match(await ok(node, [command("pnpm", "pnpm"), "dlx", "secure-io", "--version"], folder("pnpm-dlx")), /secure-io \d/);
  console.log("pnpm dlx: ok");

  app = folder("yarn1");
  await ok(node, [command("yarn", "yarn"), "add", "--no-progress", "secure-io"], app);
  await uses("yarn 1", (words) => ok(node, [command("yarn", "yarn"), "--silent", "run", ...words], app), app);

  app = folder("yarn4");
  writeFileSync(join(app, "yarn.lock"), "");
  const yarn = [command("@yarnpkg/cli-dist", "yarn")];
  await ok(node, [...yarn, "add", "secure-io"], app);
  assert(existsSync(join(app, ".pnp.cjs")), "it is Plug'n'Play");
  await uses("yarn 4, PnP", (words) => ok(node, [...yarn, "run", ...words], app), app);
  const code = "require('secure-io').credentials('pnp.test', { quiet: true }).then((made) => console.log(made.names[0]))";
  assert.match(await ok(node, [...yarn, "node", "-e", code], app), /pnp\.test/);

  app = folder("yarn4-modules");
  writeFileSync(join(app, "yarn.lock"), "");
  writeFileSync(join(app, ".yarnrc.yml"), "nodeLinker: node-modules\n");
  await ok(node, [...yarn, "add", "secure-io"], app);
  assert(!existsSync(join(app, ".pnp.cjs")) && existsSync(join(app, "node_modules/secure-io")), "it has node_modules");
  await uses("yarn 4, node_modules", (words) => ok(node, [...yarn, "run", ...words], app), app);
  app = folder("yarn4-dlx");
  writeFileSync(join(app, "yarn.lock"), "");
  assert.match(await ok(node, [...yarn, "dlx", "--quiet", "secure-io", "--version"], app), /secure-io \d/);
  console.log("yarn 4, dlx: ok");

  app = folder("bun");
  const bun = tool("@oven/bun-linux-x64/bin/bun");
  await ok(bun, ["add", "secure-io"], app);
  await uses("bun", (words) => ok(bun, ["x", ...words], app), app);
  const script = "import { credentials } from 'secure-io'; console.log((await credentials('bun.test', { quiet: true })).cert.slice(0, 27))";
  assert.match(await ok(bun, ["-e", script], app), /BEGIN CERTIFICATE/);

  for (const type of ["module", "commonjs"]) {
    app = folder(`types-${type}`, { private: true, type });
    await ok("npm", ["install", "--no-audit", "--no-fund", "secure-io"], app);
    writeFileSync(
      join(app, "check.ts"),
      `import https from "node:https";
import { credentials, SecureIoError, type Credentials } from "secure-io";
import { fixtures, serveFixture } from "secure-io/node";
${type === "module" ? 'import secureIo from "secure-io/vite";' : 'import secureIo = require("secure-io/vite");'}
export async function check(): Promise<string> {
  const made: Credentials = await credentials("app.test", { quiet: true });
  const server = https.createServer(made);
  made.watch(server)();
  const served = await serveFixture("expired");
  https.get(served.connect);
  for (const fixture of await fixtures()) if (fixture.code === "expired") return fixture.why;
  const plugin: { name: string } = secureIo({ names: ["app.test"] });
  // @ts-expect-error: a host is a string
  await credentials(1);
  return new SecureIoError(plugin.name).reason;
}
`,
    );
    const words = ["--noEmit", "--strict", "--module", "nodenext", "--esModuleInterop", "--typeRoots", tool("@types"), "--types", "node", "check.ts"];
    await ok(node, [command("typescript", "tsc"), ...words], app);
    console.log(`types, ${type}: ok`);
  }
} finally {
  registry.close();
  rmSync(work, { recursive: true, force: true });
}
