// Opens a page of a dev server as anybody would, changes a module, and waits for the change to show in `#text`.
// SECURE_IO_URL; Chromium at SECURE_IO_CHROMIUM; the module is `text.js` in this folder.

import { writeFileSync } from "node:fs";
import { chromium } from "playwright-core";

const { SECURE_IO_URL, SECURE_IO_CHROMIUM } = process.env;
const context = await chromium.launchPersistentContext("profile", { executablePath: SECURE_IO_CHROMIUM });
const page = await context.newPage();
const hot = page.waitForEvent("websocket", (socket) => socket.url().startsWith("wss://"));
await page.goto(SECURE_IO_URL);
const shows = (text) => page.waitForFunction((text) => document.querySelector("#text")?.textContent === text, text);
await shows("first");
const isSecure = await page.evaluate(() => window.isSecureContext && location.protocol === "https:");
console.log(isSecure ? "secure" : "insecure", "first");
await page.evaluate(() => (window.isTheSame = true));
await (await hot).waitForEvent("framereceived").catch(() => {});
writeFileSync("text.js", "export const text = 'second';\n");
await shows("second");
const isTheSame = await page.evaluate(() => window.isTheSame === true);
console.log("replaced second", isTheSame ? "without a reload" : "by a reload");
await context.close();
