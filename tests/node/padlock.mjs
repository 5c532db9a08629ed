// Chromium opens a page over HTTPS, trusting what the NSS database of HOME has; the page's Socket.IO has to be welcomed.
// SECURE_IO_URL: the page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { chromium } from "playwright-core";

test("the page opens without a warning, and its socket is secure", async () => {
  const executablePath = process.env.SECURE_IO_CHROMIUM;
  const context = await chromium.launchPersistentContext("profile", { executablePath });
  try {
    const page = await context.newPage();
    const problems = [];
    const sockets = [];
    page.on("websocket", (socket) => sockets.push(socket.url()));
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => {
      const isOurs = !message.location().url.endsWith("/favicon.ico");
      if (isOurs && ["error", "warning"].includes(message.type())) problems.push(message.text());
    });
    const response = await page.goto(process.env.SECURE_IO_URL);
    assert.match((await response.securityDetails()).protocol, /^TLS 1\.3$/);
    await page.locator("#state", { hasText: "Welcome, securely" }).waitFor();
    assert.equal(await page.evaluate(() => window.isSecureContext), true);
    assert(sockets.length > 0);
    for (const address of sockets) assert(address.startsWith("wss://"), address);
    assert.deepEqual(problems, []);
  } finally {
    await context.close();
  }
});
