//! Java's keytool opens the PKCS#12 files, and uses the keys in them.

use crate::sandbox::Sandbox;

const KEYSTORE: &str = "-keystore server.p12 -storetype PKCS12 -storepass:file password";

#[test]
fn keytool_opens_pkcs12_modern_and_legacy() {
    for (algorithm, ciphers) in [("ecdsa-p256", ""), ("ed25519", ""), ("rsa-2048", ""), ("ecdsa-p256", "--p12-legacy")]
    {
        let sandbox = Sandbox::new();
        sandbox.write("password", "p12 password\n");
        sandbox.ok(&format!(
            "secure-io gen-cert --algorithm {algorithm} --p12 server.p12 --p12-password-file password {ciphers}"
        ));
        let listed = sandbox.run(&format!("keytool -list -v {KEYSTORE}")).success();
        let listed = listed.says("Entry type: PrivateKeyEntry").says("Certificate chain length: 1");
        listed.says("Alias name: server").says("DNSName: localhost");
        // Signs with the private key.
        let request = sandbox.ok(&format!("keytool -certreq -alias server {KEYSTORE}"));
        sandbox.write("request.pem", request);
        sandbox.run("openssl req -in request.pem -verify -noout").success().says("verify OK");
    }
}

/// Under an intermediate the file holds the chain.
#[test]
fn keytool_sees_the_chain() {
    let sandbox = Sandbox::new();
    sandbox.write("password", "p12 password\n");
    sandbox
        .ok("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root-key.pem -out root.pem \
                -subj /CN=Root");
    sandbox
        .ok("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca-key.pem -out ca-csr.pem \
                -subj /CN=Intermediate -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign");
    sandbox.ok("openssl x509 -req -in ca-csr.pem -CA root.pem -CAkey root-key.pem -copy_extensions copy -out ca.pem");
    sandbox.ok("secure-io gen-cert --ca-cert ca.pem --ca-key ca-key.pem --p12 server.p12 --p12-password-file password");
    let listed = sandbox.run(&format!("keytool -list -v {KEYSTORE}")).success();
    listed.says("Certificate chain length: 2").says("Owner: CN=Intermediate");
}

/// The certificate itself, as Java's own parser sees it.
#[test]
fn keytool_prints_certificates_and_requests() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --subject CN=app.test,O=Example app.test me@app.test spiffe://td/app 10.0.0.1");
    let printed = sandbox.run("keytool -printcert -file server-cert.pem").success();
    printed.says("Owner: CN=app.test, O=Example").says("DNSName: app.test").says("IPAddress: 10.0.0.1");
    let printed = sandbox.run("keytool -printcertreq -file server-csr.pem").success();
    printed.says("Subject: CN=app.test, O=Example").says("RFC822Name: me@app.test").says("URIName: spiffe://td/app");
}

/// Tomcat and others name an alias that they want; it was that of the files.
#[test]
fn a_pkcs12_file_has_the_alias_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.write("pw", "changeit");
    sandbox.ok("secure-io gen-cert -q --p12 a.p12 --p12-password-file pw --p12-alias 'tomcat 1' app.test");
    let list = sandbox.ok("keytool -list -keystore a.p12 -storepass changeit");
    assert!(list.contains("tomcat 1, ") && list.contains("PrivateKeyEntry"), "{list}");
    let text = sandbox.run("openssl pkcs12 -in a.p12 -passin file:pw -nodes").success().stdout_text();
    assert!(text.contains("friendlyName: tomcat 1"), "{text}");
    sandbox.run("secure-io gen-cert -q --name b --p12 b.p12 --p12-password-file pw --p12-alias ''").exits(2);
}
