// Finds the program of this platform's package, and runs it.
"use strict";

const { execFile } = require("node:child_process");

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

/** An error with the advice that belongs to it. */
class SecureIoError extends Error {
  constructor(message, hints = []) {
    super([message, ...hints.map((hint) => `hint: ${hint}`)].join("\n"));
    this.name = "SecureIoError";
    this.reason = message;
    this.hints = hints;
  }
}

/** The path of the program. */
function program() {
  const platform = `${process.platform}-${process.arch}`;
  const names = NAMES[platform];
  if (names === undefined) {
    const hint = "build it from source: cargo install secure-io";
    throw new SecureIoError(`there is no package of secure-io for ${platform}`, [hint]);
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
    const hint = "install without --omit=optional; or remove node_modules and the lockfile, then: npm install secure-io";
    throw new SecureIoError(`the package @secure-io/${name}, which holds the program, is not installed`, [hint]);
  }
  const wanted = found.length > 1 && !isGlibc() ? "musl" : "gnu";
  return (found.find(({ name }) => name.endsWith(wanted)) ?? found[0]).path;
}

/** Runs the program to its end, and returns what it printed. */
function run(words, { cwd } = {}) {
  return new Promise((resolve, reject) => {
    const options = { cwd, maxBuffer: 64 << 20, windowsHide: true };
    const path = program();
    execFile(path, words, options, (error, stdout, stderr) => {
      if (error === null) return resolve({ stdout, stderr });
      const lines = stderr.split("\n");
      const after = (label) =>
        lines.filter((line) => line.startsWith(label)).map((line) => line.slice(label.length).trim());
      // Advice calls the program as it was called; what it was called with here was not typed by anybody.
      const hints = after("hint:").filter((hint) => !hint.includes("--out-dir"));
      const advice = hints.map((hint) => hint.replaceAll(`\`${path} `, "`npx secure-io "));
      reject(new SecureIoError(after("error:")[0] ?? error.message, advice));
    });
  });
}

module.exports = { SecureIoError, program, run };
