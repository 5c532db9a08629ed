// Chromium on the demo page of a running `serve`, checking certificates as it does for everybody: what it trusts is in
// the NSS database of HOME. The page tells its state in `data-` attributes of its body (templates/page/demo.js).
// SECURE_IO_URL: the server. SECURE_IO_TRUSTED: `no` where its certificate is to be refused.
// SECURE_IO_SCREENSHOTS: a path that `-light.png` and `-dark.png` are appended to.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { chromium } from "playwright-core";

const URL = process.env.SECURE_IO_URL;
const WELCOME = "Welcome to the secure server!";
// Debian's: Playwright's own browsers are not downloaded.
const executablePath = process.env.SECURE_IO_CHROMIUM;

let context;
before(async () => {
  context = await chromium.launchPersistentContext("profile", { executablePath });
});
after(() => context.close());

if (process.env.SECURE_IO_TRUSTED === "no") {
  it("refuses a certificate that is not trusted", async () => {
    const page = await context.newPage();
    await assert.rejects(page.goto(URL), /ERR_CERT_AUTHORITY_INVALID/);
  });
} else {
  it("shows a secure connection, upgraded to wss", async () => {
    const page = await context.newPage();
    const seen = watch(page);
    const response = await page.goto(URL);
    assert.equal((await response.securityDetails()).protocol, "TLS 1.3");
    assert.match(response.headers()["content-security-policy"], /default-src '(none|self)'/);
    assert.doesNotMatch(response.headers()["content-security-policy"], /unsafe/);
    await connected(page);

    const state = await page.evaluate(() => ({ ...document.body.dataset }));
    assert.equal(await page.evaluate(() => window.isSecureContext), true);
    assert.equal(state.welcome, WELCOME);
    assert(state.url.startsWith(URL.replace("https:", "wss:")), state.url);
    assert.equal(state.tlsVersion, "TLSv1.3");
    assert(await page.getByText(WELCOME).first().isVisible());

    const { host } = new globalThis.URL(URL);
    for (const address of seen.sockets) assert.match(address, new RegExp(`^wss://${host}/socket\\.io/`));
    assert.equal(seen.sockets.length, 1);
    for (const address of seen.requests) assert.equal(new globalThis.URL(address).host, host);
    assert.deepEqual(seen.problems, []);

    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      const path = `${process.env.SECURE_IO_SCREENSHOTS}-${colorScheme}.png`;
      await page.screenshot({ path, fullPage: true, animations: "disabled" });
    }
    await page.close();
  });

  it("echoes, and broadcasts from one tab to the other", async () => {
    const [one, two] = await Promise.all([context.newPage(), context.newPage()]);
    const seen = [watch(one), watch(two)];
    await Promise.all([one, two].map(async (page) => {
      await page.goto(URL);
      await connected(page);
    }));
    await one.bringToFront(); // a tab behind another draws no frames, and is slow to take clicks
    await one.locator("#echo-text").fill("echo <b>me</b>");
    await one.locator("#echo-form button").click();
    await one.locator("#echo-result", { hasText: "echo <b>me</b>" }).waitFor();
    await one.locator("#broadcast-text").fill("to both tabs");
    await one.locator("#broadcast-form button").click();
    for (const page of [one, two]) await page.locator("#broadcast-messages", { hasText: "to both tabs" }).waitFor();
    for (const { problems } of seen) assert.deepEqual(problems, []);
  });

  it("shows what the browser says of mixed content", async () => {
    const page = await context.newPage();
    const complaints = [];
    page.on("console", (message) => complaints.push(message.text()));
    await page.goto(new globalThis.URL("/mixed-content", URL).href);
    await page.waitForSelector('body[data-state="done"]');
    const trials = await page.$$eval("[data-trial]", (rows) =>
      rows.map((row) => [row.dataset.trial, row.dataset.outcome, row.children[1].textContent]));
    const [here, , elsewhere, fetched] = trials;
    // Chromium takes loopback for trustworthy, so there the server is what refuses.
    assert.deepEqual(here.slice(0, 2), ["websocket-here", "failed"]);
    assert.deepEqual(elsewhere.slice(0, 2), ["websocket-elsewhere", "blocked"]);
    assert.match(elsewhere[2], /^SecurityError: .*insecure WebSocket connection/);
    assert.deepEqual(fetched, ["fetch-elsewhere", "failed", "TypeError: Failed to fetch"]);
    // The page's own policy hides nothing: the browser's rule is what the console names.
    assert(complaints.some((text) => text.startsWith("Mixed Content: ")), complaints.join("\n"));
    assert(!complaints.some((text) => text.includes("Content Security Policy")), complaints.join("\n"));
    await page.close();
  });
}

/** Waits until the page says that it is connected over WebSocket and has been welcomed. */
function connected(page) {
  return page.waitForSelector('body[data-state="connected"][data-transport="websocket"][data-welcome]');
}

/** Notes where a page connects to, and everything that it or the browser complains about. */
function watch(page) {
  const seen = { sockets: [], requests: [], problems: [] };
  page.on("websocket", (socket) => seen.sockets.push(socket.url()));
  page.on("request", (request) => seen.requests.push(request.url()));
  page.on("requestfailed", (request) => {
    // The poll that the upgrade makes superfluous is cancelled by the client itself.
    const reason = request.failure().errorText;
    if (reason !== "net::ERR_ABORTED") seen.problems.push(`${request.url()}: ${reason}`);
  });
  page.on("pageerror", (error) => seen.problems.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) seen.problems.push(message.text());
  });
  return seen;
}
