// A registry on loopback for packed packages, as npm and others ask it: the way to install what is not published yet.
import { createHash } from "node:crypto";
import { execFileSync, spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

/** Packs every package below a folder into `work`, and serves them; other names are asked of the real registry. */
export async function serve(built, work, { upstream } = {}) {
  const packages = new Map();
  for (const folder of readdirSync(built)) {
    execFileSync("npm", ["pack", "--silent", "--pack-destination", work], { cwd: join(built, folder) });
    const manifest = JSON.parse(readFileSync(join(built, folder, "package.json")));
    const file = `${manifest.name.replace("@", "").replace("/", "-")}-${manifest.version}.tgz`;
    packages.set(manifest.name, { manifest, tarball: readFileSync(join(work, file)) });
  }
  const server = createServer(async (request, response) => {
    const name = decodeURIComponent(request.url.slice(1).replace(/\/-\/.*/, "").replace(/\?.*/, ""));
    const found = packages.get(name);
    if (found === undefined) {
      if (upstream === undefined) return response.writeHead(404).end("{}");
      return response.writeHead(302, { location: new URL(request.url, upstream).href }).end();
    }
    if (request.url.includes("/-/")) return response.end(found.tarball);
    const { manifest, tarball } = found;
    const dist = {
      tarball: `${url}/${name}/-/${name.split("/").at(-1)}-${manifest.version}.tgz`,
      shasum: createHash("sha1").update(tarball).digest("hex"),
      integrity: "sha512-" + createHash("sha512").update(tarball).digest("base64"),
    };
    const versions = { [manifest.version]: { ...manifest, dist } };
    const time = { [manifest.version]: "2026-01-01T00:00:00.000Z", modified: "2026-01-01T00:00:00.000Z" };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ name, "dist-tags": { latest: manifest.version }, versions, time }));
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const url = `http://127.0.0.1:${server.address().port}`;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url, close };
}

/** Runs clients of the registry in an environment. The registry is this process, which must not wait for its clients. */
export function runner(env) {
  return (program, words, cwd) =>
    new Promise((done) => {
      const child = spawn(program, words, { cwd, env });
      const result = { stdout: "", stderr: "" };
      for (const stream of ["stdout", "stderr"]) child[stream].on("data", (text) => (result[stream] += text));
      child.on("close", (status) => done({ ...result, status }));
    });
}
