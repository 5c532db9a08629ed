// Vite on {{ v.url() }}, hot reloading included
// Save it as vite.config.mjs, or take its `server` into yours; npx vite
import { readFileSync } from "node:fs";
import { defineConfig } from "vite";

export default defineConfig({
  server: {
    port: {{ v.port }},
    strictPort: true,
    // Names of the certificate; Vite answers others with 403.
    allowedHosts: [{% for name in v.names %}"{% if name.starts_with("*") %}{{ name[1..] }}{% else %}{{ name }}{% endif %}"{% if !loop.last %}, {% endif %}{% endfor %}],
    https: {
      cert: readFileSync({{ v.certificate }}),
      key: readFileSync({{ v.key }}),
      minVersion: "TLSv1.2",
      ciphers: "{{ v.tls13_suites() }}:{{ v.suites() }}",
      ecdhCurve: "X25519:P-256:P-384",
    },
{%- for to in v.to %}
    proxy: {
      // Socket.IO, its WebSockets included.
      "/socket.io": { target: "http://{{ to }}", ws: true, xfwd: true },
    },
{%- endfor %}
  },
});
