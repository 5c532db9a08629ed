//! OpenSSL and keytool read what `convert` writes, and it reads what they write.

use crate::sandbox::Sandbox;

/// OpenSSL's key, chain and stores.
fn with_chain(key: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("pw", "a password\n");
    sandbox.ok(&format!("openssl req -x509 -newkey {key} -nodes -keyout root-key.pem -out root.pem -subj /CN=Root"));
    sandbox.ok(&format!("openssl req -new -newkey {key} -nodes -keyout key.pem -out csr.pem -subj /CN=app.test"));
    sandbox.ok("openssl x509 -req -in csr.pem -CA root.pem -CAkey root-key.pem -out leaf.pem");
    sandbox.ok("bash -c 'cat root.pem leaf.pem > mixed.pem'");
    sandbox
}

const KEYS: [&str; 3] = ["rsa:2048", "ec -pkeyopt ec_paramgen_curve:P-256", "ed25519"];

#[test]
fn openssl_and_keytool_read_our_pkcs12() {
    for key in KEYS {
        for ciphers in ["", "--p12-legacy"] {
            let sandbox = with_chain(key);
            let convert = "secure-io convert mixed.pem key.pem --to p12 --out a.p12 --alias web --p12-password-file pw";
            sandbox.ok(&format!("{convert} {ciphers}"));
            let read = sandbox.run("openssl pkcs12 -in a.p12 -passin file:pw -nodes").success();
            let text = read.says("friendlyName: web").stdout_text();
            assert_eq!(text.matches("-----BEGIN CERTIFICATE-----").count(), 2, "{key}: {text}");
            assert_eq!(text.matches("-----BEGIN PRIVATE KEY-----").count(), 1, "{key}: {text}");
            let list = "keytool -list -v -keystore a.p12 -storepass:file pw";
            sandbox.run(list).success().says("Alias name: web").says("Certificate chain length: 2");
        }
    }
}

/// Old ciphers by OpenSSL's `-legacy`, a password on the key's PEM: what people have.
#[test]
fn what_openssl_writes_is_read() {
    let sandbox = with_chain(KEYS[0]);
    let export = "openssl pkcs12 -export -in leaf.pem -inkey key.pem -certfile root.pem -name web -passout file:pw";
    for (name, flags) in [("new.p12", ""), ("old.p12", "-legacy -certpbe PBE-SHA1-RC2-40")] {
        sandbox.ok(&format!("{export} {flags} -out {name}"));
        sandbox.ok(&format!("secure-io convert {name} --to pem --passphrase-file pw --out {name}.pem"));
        sandbox.ok(&format!("secure-io convert {name}.pem --to pem --kind private-key --out {name}.key"));
        let same = "bash -c 'cmp <(openssl pkey -in key.pem -outform DER) <(openssl pkey -outform DER -in";
        sandbox.ok(&format!("{same} {name}.key)'"));
    }
    sandbox.ok("openssl rsa -in key.pem -aes128 -traditional -passout file:pw -out enc.pem");
    sandbox.ok("secure-io convert enc.pem --to der --passphrase-file pw --out key.der");
    sandbox.ok("bash -c 'cmp key.der <(openssl pkcs8 -topk8 -nocrypt -in key.pem -outform DER)'");
    sandbox.ok("openssl crl2pkcs7 -nocrl -certfile mixed.pem -out chain.p7b");
    let pem = sandbox.ok("secure-io convert chain.p7b --to pem");
    assert_eq!(pem.matches("BEGIN CERTIFICATE").count(), 2, "{pem}");
}

#[test]
fn openssl_and_keytool_read_our_pkcs7() {
    let sandbox = with_chain(KEYS[1]);
    sandbox.ok("secure-io convert mixed.pem --to p7b --out a.p7b");
    sandbox.ok("secure-io convert mixed.pem --to p7b --p7b-der --out b.p7b");
    for command in [
        "openssl pkcs7 -in a.p7b -print_certs -noout",
        "openssl pkcs7 -in b.p7b -inform DER -print_certs -noout",
        "openssl cms -cmsout -in a.p7b -inform PEM -print",
        "keytool -printcert -file a.p7b",
        "keytool -printcert -file b.p7b",
    ] {
        let text = sandbox.ok(command);
        let (leaf, root) = (text.find("app.test"), text.rfind("Root"));
        assert!(leaf.is_some() && leaf < root, "{command}: {text}");
    }
}

/// A Java trust store needs Oracle's attribute, without which keytool sees 0 entries.
#[test]
fn keytool_trusts_certificates_without_keys() {
    let sandbox = with_chain(KEYS[1]);
    sandbox.ok("secure-io convert root.pem --to p12 --out t.p12 --p12-password-file pw --alias root");
    sandbox.run("keytool -list -keystore t.p12 -storepass:file pw").success().says("trustedCertEntry");
}

/// The line that is printed for those who insist on JKS works as it stands.
#[test]
fn the_line_for_jks_works() {
    let sandbox = with_chain(KEYS[0]);
    let outcome =
        sandbox.run("secure-io convert mixed.pem key.pem --to p12 --out a.p12 --p12-password-file pw").success();
    let line = outcome.stderr.split('`').find(|word| word.starts_with("keytool ")).expect("a line").to_owned();
    sandbox.ok(&format!("{line} -srcstorepass:file pw -deststorepass:file pw"));
    sandbox.run("keytool -list -keystore a.jks -storepass:file pw").success().says("PrivateKeyEntry");
}

/// Java's own keystores held the only copy of a key, and only keytool got it out, by way of PKCS#12.
#[test]
fn java_keystores_are_read() {
    for format in ["JKS", "JCEKS"] {
        let sandbox = Sandbox::new();
        sandbox.write("pw", "a password\n");
        sandbox.write("wrong", "wrong password\n");
        let generate = "keytool -genkeypair -alias web -keyalg RSA -dname CN=app.test -keystore store";
        sandbox.ok(&format!("{generate} -storetype {format} -storepass:file pw -keypass:file pw"));
        sandbox.ok("keytool -exportcert -rfc -alias web -keystore store -storepass:file pw -file theirs.pem");
        sandbox.ok("secure-io convert store --to pem --kind certificate --out ours.pem");
        let pin = |file: &str| {
            sandbox.ok(&format!("secure-io fingerprint --spki {file}")).split(' ').next().map(str::to_owned)
        };
        assert_eq!(pin("ours.pem"), pin("theirs.pem"), "{format}");
        sandbox.ok("secure-io convert store --to p12 --out a.p12 --passphrase-file pw");
        let read = sandbox.run("openssl pkcs12 -in a.p12 -passin file:pw -nodes").success().says("friendlyName: web");
        sandbox.write("key.pem", read.stdout_text());
        sandbox.run("openssl pkey -in key.pem -check -noout").success().says("Key is valid");
        assert_eq!(pin("ours.pem"), pin("key.pem"), "{format}");
        // A wrong password, and a store that somebody has changed, are both noticed.
        sandbox.run("secure-io convert store --to pem --passphrase-file wrong").exits(2);
        sandbox.run("secure-io convert store --to pem").exits(2).says("is encrypted");
        sandbox.ok("bash -c 'sed -i s/web/wob/ store'");
        sandbox.run("secure-io convert store --to pem --passphrase-file pw").exits(2).says("somebody has changed it");
    }
}
