// Opens each certificate of a tree that `serve --fixtures` shows, by its server name, in Chromium; prints a JSON object
// of the results. SECURE_IO_PROGRAM is Chromium, SECURE_IO_PORT the server's port.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const { SECURE_IO_PROGRAM, SECURE_IO_PORT } = process.env;
const { fixtures } = JSON.parse(readFileSync("fixtures/expected.json"));
const context = await chromium.launchPersistentContext("profile", { executablePath: SECURE_IO_PROGRAM });

/** A page for each: the error page of the one before is still on its way when the next is opened. */
async function meet({ server_name }) {
  const page = await context.newPage();
  try {
    await page.goto(`https://${server_name}:${SECURE_IO_PORT}/`, { waitUntil: "commit" });
    return "accepts";
  } catch (error) {
    return `refuses: ${/net::(ERR_\w+)/.exec(error)?.[1] ?? error}`;
  } finally {
    await page.close();
  }
}

const results = {};
for (const fixture of fixtures) results[fixture.name] = await meet(fixture);
console.log(JSON.stringify(results));
await context.close();
