// A plugin for Vite: HTTPS for `vite` and `vite preview`, its hot module replacement included.
"use strict";

const { networkInterfaces } = require("node:os");
const { credentials } = require("./index.cjs");

/** This machine's addresses on its networks, for phones. */
function addresses() {
  const all = Object.values(networkInterfaces()).flat();
  return all.filter(({ family, internal }) => family === "IPv4" && !internal).map(({ address }) => address);
}

/** The hosts of the certificate: those asked for, localhost, and the networks' addresses where the server is there. */
function hosts(names, host) {
  const own = ["localhost", "127.0.0.1", "::1"];
  const here = host === true || host === "0.0.0.0" || host === "::" ? addresses() : [];
  const named = typeof host === "string" && here.length === 0 && host !== "" ? [host] : [];
  return [...new Set([...names, ...own, ...named, ...here])];
}

function secureIo(options = {}) {
  const { names = [], ...rest } = options;
  let made;
  const watch = (server) => {
    if (server.httpServer && typeof server.httpServer.setSecureContext === "function") made?.watch(server.httpServer);
  };
  return {
    name: "secure-io",
    async config(config) {
      const host = config.server?.host ?? config.preview?.host;
      made = await credentials(...hosts(names, host), rest);
      const https = { key: made.key, cert: made.cert, SNICallback: made.SNICallback };
      const given = config.server?.allowedHosts;
      const allowedHosts = given === true ? true : [...(given ?? []), ...names.map((name) => name.replace(/^\*/, ""))];
      const hmr = config.server?.hmr;
      return {
        server: { https, allowedHosts, ...(hmr === false ? {} : { hmr: { protocol: "wss", ...(hmr === true ? {} : hmr) } }) },
        preview: { https, allowedHosts },
      };
    },
    configureServer: watch,
    configurePreviewServer: watch,
  };
}

module.exports = secureIo;
module.exports.default = secureIo;
