#!/usr/bin/env node
// Starts the program of this platform's package. Where Node can, this process becomes the program; else it starts it and
// passes signals on.
"use strict";

const { spawn } = require("node:child_process");
const { program } = require("../api/program.cjs");

function fail(message, hint) {
  process.stderr.write(`error: ${message}\nhint: ${hint}\n`);
  process.exit(2);
}

let path;
try {
  path = program();
} catch (error) {
  fail(error.reason ?? error.message, error.hints?.[0] ?? "reinstall secure-io");
}
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
