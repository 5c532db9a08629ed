
/// Debian's ssl-cert puts a certificate for `localhost` among the system's: it is not the issuer of every other one.
#[test]
fn a_self_signed_certificate_is_no_other_ones_of_its_name() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet");
    sandbox.ok("secure-io gen-cert --quiet --name other");
    sandbox.run("secure-io verify --trust other-cert.pem server-cert.pem").exits(1).says("(self-signed)");
}
