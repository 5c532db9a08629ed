// TLSRef's intermediate profile.
const tls = () => ({
  cert: readFileSync({{ v.certificate }}),
  key: readFileSync({{ v.key }}),
  minVersion: "TLSv1.2",
  ciphers: "{{ v.tls13_suites() }}:{{ v.suites() }}",
  ecdhCurve: "X25519:P-256:P-384",
});
