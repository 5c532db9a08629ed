// Photographs the demo page once it has had its welcome: demo-page.mjs URL FILE.

import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../../tests/node/package.json", import.meta.url))("playwright-core");
const [url, path] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.SECURE_IO_CHROMIUM ?? "/usr/bin/chromium" });
const page = await browser.newPage({ ignoreHTTPSErrors: true, viewport: { width: 860, height: 640 } });
await page.goto(url);
await page.locator("#welcome-text").waitFor();
await page.screenshot({ path, type: "jpeg", quality: 55 });
await browser.close();
