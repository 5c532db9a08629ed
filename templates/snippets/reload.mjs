// New files are taken without a restart; half-written ones are not.
watchFile({{ v.certificate }}, () => {
  try {
    server.setSecureContext(tls());
  } catch (error) {
    console.error(`the certificate stays as it was: ${error.message}`);
  }
});
