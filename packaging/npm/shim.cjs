#!/usr/bin/env node
// Starts the program of this platform's package. Where Node can, this process becomes the program; else it starts it and
// passes signals on.
"use strict";

const { spawn } = require("node:child_process");

// A client installs those that fit; where both are there, glibc's runs or musl's does.
const NAMES = {
  "linux-x64": ["linux-x64-gnu", "linux-x64-musl"],
  "linux-arm64": ["linux-arm64-gnu", "linux-arm64-musl"],
  "darwin-x64": ["darwin-x64"],
  "darwin-arm64": ["darwin-arm64"],
  "win32-x64": ["win32-x64"],
  "win32-arm64": ["win32-arm64"],
};

function isGlibc() {
  const report = process.report?.getReport?.();
  return report === undefined || report.header?.glibcVersionRuntime !== undefined;
}

function program() {
  const platform = `${process.platform}-${process.arch}`;
  const names = NAMES[platform];
  if (names === undefined) {
    fail(`there is no package of secure-io for ${platform}`, "build it from source: cargo install secure-io");
  }
  const ending = process.platform === "win32" ? ".exe" : "";
  const found = names.flatMap((name) => {
    try {
      return [{ name, path: require.resolve(`@secure-io/${name}/bin/secure-io${ending}`) }];
    } catch {
      return [];
    }
  });
  if (found.length === 0) {
    const name = names.length > 1 && !isGlibc() ? names[1] : names[0];
    fail(
      `the package @secure-io/${name}, which holds the program, is not installed`,
      `install without --omit=optional; or remove node_modules and the lockfile, then: npm install secure-io`,
    );
  }
  const wanted = found.length > 1 && !isGlibc() ? "musl" : "gnu";
  return (found.find(({ name }) => name.endsWith(wanted)) ?? found[0]).path;
}

function fail(message, hint) {
  process.stderr.write(`error: ${message}\nhint: ${hint}\n`);
  process.exit(2);
}

const path = program();
const words = process.argv.slice(2);
// npm and npx leave their children running when they are ended (npm/cli#6684): below them this process stays to watch.
const isWatched = process.env.npm_execpath !== undefined;
if (typeof process.execve === "function" && process.platform !== "win32" && !isWatched) {
  process.execve(path, ["secure-io", ...words], process.env);
}
const child = spawn(path, words, { stdio: "inherit", argv0: "secure-io" });
child.on("error", (error) => fail(`cannot start ${path}: ${error.message}`, "reinstall secure-io"));
// The terminal sends SIGINT to both.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"]) {
  try {
    process.on(signal, () => child.kill(signal));
  } catch {
    // Windows has no such signal.
  }
}
const parent = process.ppid;
const watch = setInterval(() => {
  if (isWatched && process.ppid !== parent) child.kill("SIGTERM");
}, 500);
child.on("exit", (status, signal) => {
  clearInterval(watch);
  if (signal === null) process.exit(status);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
