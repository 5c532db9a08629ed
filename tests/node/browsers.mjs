// A browser that opens addresses as for anybody, checking certificates; nobody clicks on an exception.
// SECURE_IO_BROWSER: `chromium` or `firefox`, at SECURE_IO_PROGRAM. SECURE_IO_PAGES: a JSON array of
// [address, what must be in the page's text or in the error]. Hosts under `example`, and `bank`, are this machine.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, it } from "node:test";
import { chromium } from "playwright-core";
import WebSocket from "ws";

const { SECURE_IO_BROWSER, SECURE_IO_PROGRAM, SECURE_IO_PAGES } = process.env;
const start = { chromium: startChromium, firefox: startFirefox }[SECURE_IO_BROWSER];

let browser;
before(async () => {
  browser = await start(SECURE_IO_PROGRAM);
});
after(() => browser.close());

for (const [address, expected] of JSON.parse(SECURE_IO_PAGES)) {
  it(`${address}: ${expected}`, async () => {
    const seen = await browser.open(address);
    assert(seen.includes(expected), seen);
  });
}

async function startChromium(executablePath) {
  const args = ["--host-resolver-rules=MAP *.example 127.0.0.1, MAP bank 127.0.0.1"];
  const context = await chromium.launchPersistentContext("profile", { executablePath, args });
  const open = async (address) => {
    const page = await context.newPage();
    try {
      await page.goto(address);
      return await page.evaluate(() => `secure=${window.isSecureContext} ${document.body.innerText}`);
    } catch (error) {
      return String(error);
    }
  };
  return { open, close: () => context.close() };
}

/** Debian's Firefox, with the profile named `default`, by WebDriver BiDi: Playwright can drive none but its own. */
async function startFirefox(program) {
  const args = ["--headless", "--no-remote", "-P", "default", "--remote-debugging-port", "0"];
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  const socket = new WebSocket(`${await listening(child)}/session`);
  await once(socket, "open");
  let last = 0;
  const command = (method, params) => new Promise((resolve) => {
    const id = ++last;
    socket.on("message", function answer(data) {
      const message = JSON.parse(data);
      if (message.id !== id) return;
      socket.off("message", answer);
      resolve(message);
    });
    socket.send(JSON.stringify({ id, method, params }));
  });
  await command("session.new", { capabilities: { alwaysMatch: { acceptInsecureCerts: false } } });
  const { result } = await command("browsingContext.getTree", {});
  const [{ context }] = result.contexts;
  const expression = "`secure=${window.isSecureContext} ${document.body.innerText}`";
  const open = async (url) => {
    const answer = await command("browsingContext.navigate", { context, url, wait: "complete" });
    if (answer.type === "error") return answer.message;
    const page = await command("script.evaluate", { expression, target: { context }, awaitPromise: false });
    return page.result.result.value;
  };
  const close = async () => {
    const ended = once(child, "exit");
    await command("browser.close", {});
    await ended;
  };
  return { open, close };
}

/** Waits for the address that Firefox listens on. */
function listening(child) {
  return new Promise((resolve, reject) => {
    let log = "";
    child.stderr.on("data", (data) => {
      log += data;
      const [, address] = /WebDriver BiDi listening on (ws:\S+)/.exec(log) ?? [];
      if (address) resolve(address);
    });
    child.on("exit", () => reject(new Error(log)));
  });
}
