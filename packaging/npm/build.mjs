// Writes the npm packages: node packaging/npm/build.mjs OUT [PLATFORM=BINARY…]
// `secure-io` picks the program's package by optionalDependencies; nothing is run or fetched when it is installed.
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const version = /^version = "(.*)"/m.exec(readFileSync(join(root, "Cargo.toml"), "utf8"))[1];

export const PLATFORMS = {
  "linux-x64-gnu": { os: "linux", cpu: "x64", libc: "glibc" },
  "linux-x64-musl": { os: "linux", cpu: "x64", libc: "musl" },
  "linux-arm64-gnu": { os: "linux", cpu: "arm64", libc: "glibc" },
  "linux-arm64-musl": { os: "linux", cpu: "arm64", libc: "musl" },
  "darwin-x64": { os: "darwin", cpu: "x64" },
  "darwin-arm64": { os: "darwin", cpu: "arm64" },
  "win32-x64": { os: "win32", cpu: "x64" },
  "win32-arm64": { os: "win32", cpu: "arm64" },
};

const shared = {
  version,
  license: "MIT OR Apache-2.0",
  description: "Certificates and development TLS for Socket.IO and WebSocket applications",
};

function write(folder, manifest, files) {
  rmSync(folder, { recursive: true, force: true });
  for (const name of ["bin", ...Object.keys(files).map(dirname)]) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest, null, 2) + "\n");
  for (const [name, source] of Object.entries({ ...files, "LICENSE-MIT": "LICENSE-MIT", "LICENSE-APACHE": "LICENSE-APACHE" })) {
    copyFileSync(resolve(root, source), join(folder, name));
    chmodSync(join(folder, name), name.startsWith("bin/") ? 0o755 : 0o644);
  }
}

const [out, ...binaries] = process.argv.slice(2);
if (out === undefined) throw new Error("usage: build.mjs OUT [PLATFORM=BINARY…]");
for (const argument of binaries) {
  const [name, binary] = argument.split("=");
  const platform = PLATFORMS[name];
  if (platform === undefined) throw new Error(`unknown platform ${name}: ${Object.keys(PLATFORMS).join(", ")}`);
  const file = platform.os === "win32" ? "bin/secure-io.exe" : "bin/secure-io";
  const { os, cpu, libc } = platform;
  const manifest = {
    name: `@secure-io/${name}`,
    ...shared,
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc] }),
    preferUnplugged: true,
    files: ["bin"],
  };
  write(join(out, name), manifest, { [file]: binary });
}
/** Both kinds of modules, each with its types. */
function exported(name) {
  const kind = (letter) => ({ types: `./api/${name}.d.${letter}ts`, default: `./api/${name}.${letter}js` });
  return { import: kind("m"), require: kind("c") };
}
const api = { "api/program.cjs": "packaging/npm/api/program.cjs" };
for (const name of ["index", "vite", "node"]) {
  for (const letter of ["c", "m"]) {
    api[`api/${name}.${letter}js`] = `packaging/npm/api/${name}.${letter}js`;
    api[`api/${name}.d.${letter}ts`] = `packaging/npm/api/${name}.d.${letter}ts`;
  }
}
// CommonJS exports vite's function itself; the other modules have the types of their ES module.
const derived = ["index", "node"];
for (const name of derived) delete api[`api/${name}.d.cts`];
const main = {
  name: "secure-io",
  ...shared,
  keywords: ["certificate", "tls", "https", "socket.io", "localhost"],
  bin: { "secure-io": "bin/secure-io.cjs" },
  files: ["bin", "api"],
  main: "./api/index.cjs",
  types: "./api/index.d.cts",
  exports: {
    ".": exported("index"),
    "./vite": exported("vite"),
    "./node": exported("node"),
    "./package.json": "./package.json",
  },
  engines: { node: ">=18" },
  optionalDependencies: Object.fromEntries(Object.keys(PLATFORMS).map((name) => [`@secure-io/${name}`, version])),
};
write(join(out, "secure-io"), main, {
  "bin/secure-io.cjs": "packaging/npm/shim.cjs",
  ...api,
  "README.md": "README.md",
});
for (const name of derived) {
  const types = readFileSync(join(here, `api/${name}.d.mts`), "utf8");
  writeFileSync(join(out, "secure-io/api", `${name}.d.cts`), types.replaceAll('.mjs"', '.cjs"'), { mode: 0o644 });
}
