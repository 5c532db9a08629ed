//! Certificates that change while the server runs: those who come see the new one, those who are there notice nothing,
//! and what is no good is not shown.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;

use crate::client::Channel;
use crate::client_ca::ClientCa;
use crate::fixture::{CERTIFIED, pem};
use crate::sandbox::{Background, Sandbox};

/// A certificate with its key, in PEM, and in DER.
struct Pair {
    certificate: String,
    key: String,
    der: CertificateDer<'static>,
}

impl Pair {
    /// The one that the other tests trust.
    fn known() -> Self {
        Self::of(CERTIFIED.cert.der(), &CERTIFIED.signing_key)
    }

    fn new(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Self::of(params.self_signed(&key).unwrap().der(), &key)
    }

    fn of(certificate: &CertificateDer<'static>, key: &KeyPair) -> Self {
        let key = pem("PRIVATE KEY", &key.serialize_der());
        Self { certificate: pem("CERTIFICATE", certificate), key, der: certificate.clone() }
    }

    /// Puts both files in place of those that are there, the certificate first.
    fn put(&self, sandbox: &Sandbox) {
        replace(sandbox, "cert.pem", &self.certificate);
        replace(sandbox, "key.pem", &self.key);
    }
}

/// Puts a file in place of one that is there.
pub(crate) fn replace(sandbox: &Sandbox, name: &str, content: &str) {
    sandbox.write("new", content);
    std::fs::rename(sandbox.path("new"), sandbox.path(name)).unwrap();
}

/// A server with the certificate that the other tests trust.
pub(crate) fn start(sandbox: &Sandbox, flags: &str) -> (Background, SocketAddr) {
    Pair::known().put(sandbox);
    let server = sandbox.serve(&format!("--cert cert.pem --key key.pem {flags}"));
    let address = SocketAddr::from(([127, 0, 0, 1], server.port));
    (server, address)
}

fn hang_up(server: &Background) {
    assert!(Command::new("kill").arg("-HUP").arg(server.id().to_string()).status().unwrap().success());
}

/// A client that trusts these certificates.
fn client(trusted: &[&CertificateDer<'static>]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        roots.add((*certificate).clone()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    builder.with_root_certificates(roots).with_no_client_auth()
}

/// The certificate that a request was answered under.
async fn shown(address: SocketAddr, config: &Arc<ClientConfig>) -> std::io::Result<CertificateDer<'static>> {
    let tcp = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::clone(config)).connect(name, tcp).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    Ok(stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_replaced_under_load_and_nothing_is_lost() {
    let sandbox = Sandbox::new();
    let (mut server, address) = start(&sandbox, "");
    let pairs = [Pair::new(|_| ()), Pair::known()];
    let config = Arc::new(client(&[&pairs[0].der, &pairs[1].der]));
    let (is_over, handshakes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut channel = Channel::join(address).await;
    let echoing = tokio::spawn({
        let is_over = Arc::clone(&is_over);
        async move {
            let mut number = 0;
            while !is_over.load(Ordering::Relaxed) {
                channel.send(&format!("42[\"echo\",{number}]")).await;
                assert_eq!(channel.next().await, format!("42[\"echo\",{number}]"));
                number += 1;
            }
            number
        }
    });
    let shaking: Vec<_> = (0..3)
        .map(|_| {
            let (config, is_over, handshakes) = (Arc::clone(&config), Arc::clone(&is_over), Arc::clone(&handshakes));
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    shown(address, &config).await.unwrap();
                    handshakes.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for round in 0..4 {
        let pair = &pairs[round % 2];
        pair.put(&sandbox);
        server.wait_for("New connections are shown the certificate for localhost, which expires");
        assert_eq!(shown(address, &config).await.unwrap(), pair.der, "{round}");
    }
    is_over.store(true, Ordering::Relaxed);
    for task in shaking {
        task.await.expect("a handshake failed");
    }
    assert!(echoing.await.expect("a connection was lost") > 10);
    assert!(handshakes.load(Ordering::Relaxed) > 10);
}

#[tokio::test]
async fn what_is_no_good_is_refused_and_the_certificate_in_use_stays() {
    let sandbox = Sandbox::new();
    let (mut server, address) = start(&sandbox, "");
    let known = Pair::known();
    let config = Arc::new(client(&[&known.der]));
    let now = secure_io::validity::now();
    let expired = Pair::new(|params| params.not_after = now - time::Duration::days(1));
    let early = Pair::new(|params| params.not_before = now + time::Duration::days(1));
    let other = Pair::new(|_| ());
    let half = other.certificate.get(..other.certificate.len() / 2).unwrap().to_owned();
    for (certificate, key, reason) in [
        (&half, &other.key, "cannot use `cert.pem`"),
        (&other.certificate, &known.key, "`key.pem` does not belong to `cert.pem`"),
        (&expired.certificate, &expired.key, "it expired"),
        (&early.certificate, &early.key, "it is not valid before"),
    ] {
        replace(&sandbox, "key.pem", key);
        replace(&sandbox, "cert.pem", certificate);
        let line = server.wait_for("The certificate in use stays, because a new one is refused: ");
        assert!(line.contains(reason), "{reason}: {line}");
        assert_eq!(shown(address, &config).await.unwrap(), known.der, "{reason}");
    }
    std::fs::remove_file(sandbox.path("cert.pem")).unwrap();
    assert!(server.wait_for("The certificate in use stays").contains("cannot read `cert.pem`"));
    // SIGHUP says it again, and a good pair is shown after all that.
    hang_up(&server);
    server.wait_for("The certificate in use stays");
    other.put(&sandbox);
    server.wait_for("New connections are shown");
    let config = Arc::new(client(&[&other.der]));
    assert_eq!(shown(address, &config).await.unwrap(), other.der);
}

/// Kubernetes mounts secrets so: `cert.pem -> ..data/cert.pem`, and `..data` is exchanged.
#[cfg(unix)]
#[tokio::test]
async fn files_behind_a_link_that_is_exchanged_are_read_again() {
    use std::os::unix::fs::symlink;
    let sandbox = Sandbox::new();
    let versions = [Pair::known(), Pair::new(|_| ())];
    let link = |from: &str, to: &str| symlink(Path::new(from), sandbox.path(to)).unwrap();
    for (number, pair) in versions.iter().enumerate() {
        std::fs::create_dir_all(sandbox.path(&format!("certs/..version{number}"))).unwrap();
        sandbox.write(&format!("certs/..version{number}/tls.crt"), &pair.certificate);
        sandbox.write(&format!("certs/..version{number}/tls.key"), &pair.key);
    }
    link("..version0", "certs/..data");
    link("..data/tls.crt", "certs/tls.crt");
    link("..data/tls.key", "certs/tls.key");
    let mut server = sandbox.serve("--cert certs/tls.crt --key certs/tls.key");
    let address = SocketAddr::from(([127, 0, 0, 1], server.port));
    let config = Arc::new(client(&[&versions[0].der, &versions[1].der]));
    assert_eq!(shown(address, &config).await.unwrap(), versions[0].der);
    link("..version1", "certs/..data_new");
    std::fs::rename(sandbox.path("certs/..data_new"), sandbox.path("certs/..data")).unwrap();
    server.wait_for("New connections are shown");
    assert_eq!(shown(address, &config).await.unwrap(), versions[1].der);
}

/// SIGHUP would end a program that does nothing about it.
#[tokio::test]
async fn sighup_reads_again_and_never_ends_the_server() {
    let sandbox = Sandbox::new();
    let (mut server, address) = start(&sandbox, "");
    for _ in 0..3 {
        hang_up(&server);
        server.wait_for("New connections are shown");
    }
    assert_eq!(shown(address, &Arc::new(client(&[CERTIFIED.cert.der()]))).await.unwrap(), *CERTIFIED.cert.der());
    let mut plain = sandbox.start("secure-io serve --port 0 --plain", "is running on http://localhost:");
    hang_up(&plain);
    plain.wait_for("SIGHUP: there is nothing to read again, because TLS ends in front of this server");
    let url = format!("http://localhost:{}/", plain.port);
    assert_eq!(sandbox.ok(&format!("curl -s {url}")), "Hello, Socket.io with SSL/TLS!");
    let mut proxy = sandbox.start(
        &format!("secure-io proxy --port 0 --to {} --cert cert.pem --key key.pem", plain.port),
        "Secure server is running on https://localhost:",
    );
    hang_up(&proxy);
    proxy.wait_for("New connections are shown");
    assert_eq!(sandbox.ok(&format!("curl -sk {}/", proxy.url())), "Hello, Socket.io with SSL/TLS!");
}

/// A ticket lets a client in without its certificate being looked at (RFC 8446 section 2.2).
#[tokio::test]
async fn a_client_that_is_revoked_is_not_let_in_by_its_last_session() {
    let sandbox = Sandbox::new();
    let ca = ClientCa::new("clients' CA");
    let crl = |serials: &[u64]| pem("X509 CRL", &ca.crl(serials));
    sandbox.write("clients.pem", pem("CERTIFICATE", &ca.certificate));
    sandbox.write("clients.crl", crl(&[]));
    let (mut server, address) = start(&sandbox, "--client-ca clients.pem --client-crl clients.crl");
    let (certificate, key) = ca.client("alice", 66, |_| ());
    let configs: Vec<_> = [&rustls::version::TLS13, &rustls::version::TLS12]
        .map(|version| {
            let mut roots = RootCertStore::empty();
            roots.add(CERTIFIED.cert.der().clone()).unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
            let builder = builder.with_root_certificates(roots);
            // Sessions are kept in the configuration from one connection to the next.
            Arc::new(builder.with_client_auth_cert(vec![certificate.clone()], key.clone_key()).unwrap())
        })
        .into();
    for config in &configs {
        shown(address, config).await.unwrap();
        shown(address, config).await.unwrap();
    }
    replace(&sandbox, "clients.crl", &crl(&[66]));
    server.wait_for("New connections are shown");
    for config in &configs {
        shown(address, config).await.unwrap_err();
        assert!(server.wait_for("No TLS with").contains("revoked"));
    }
    replace(&sandbox, "clients.crl", "-----BEGIN X509 CRL-----\nAAAA\n");
    assert!(server.wait_for("The certificate in use stays").contains("clients.crl"));
    replace(&sandbox, "clients.crl", &crl(&[]));
    server.wait_for("New connections are shown");
    shown(address, &configs[0]).await.unwrap();
}

/// A pipe has nothing to say a second time, and a passphrase nobody to type it.
#[tokio::test]
async fn what_cannot_be_read_a_second_time_is_said() {
    let sandbox = Sandbox::new();
    Pair::known().put(&sandbox);
    sandbox.write(
        "start.sh",
        "exec secure-io-under-test serve --port 0 --cert <(cat cert.pem) --key <(cat key.pem)"
            .replace("secure-io-under-test", env!("CARGO_BIN_EXE_secure-io")),
    );
    let mut server = sandbox.start("bash start.sh", "Secure server is running on https://localhost:");
    hang_up(&server);
    assert!(server.wait_for("The certificate in use stays").contains("cannot be read a second time"));
}

#[tokio::test]
async fn what_the_local_ca_has_issued_follows_a_new_intermediate() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init --quiet");
    let mut server = sandbox.serve("");
    let root = format!("{}/root.pem", sandbox.ok("secure-io ca path").trim());
    let _first = sandbox.ok(&format!("curl -s --cacert {root} https://localhost:{}/", server.port));
    sandbox.ok("secure-io ca renew --force --quiet");
    server.wait_for("New connections are shown the certificate for localhost");
    let again = sandbox.ok(&format!("curl -s --cacert {root} https://localhost:{}/", server.port));
    assert_eq!(again, "Hello, Socket.io with SSL/TLS!");
}

/// The end is a few seconds nearer than a third of its life when the server starts.
#[tokio::test]
async fn the_certificate_of_a_file_is_renewed_in_time() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init --quiet");
    sandbox.ok("secure-io gen-cert --ca --quiet --not-after 1803s localhost");
    let before = sandbox.read("server-cert.pem");
    let mut server = sandbox.serve("--cert server-cert.pem --key server-key.pem --renew");
    let line = server.wait_for("enewed server-cert.pem, because it expires in ");
    assert!(line.contains("it now expires in 30 minutes"), "{line}");
    server.wait_for("New connections are shown");
    assert_ne!(sandbox.read("server-cert.pem"), before);
    sleep(Duration::from_millis(10)).await;
    // Somebody else's certificate is not for us to renew.
    Pair::known().put(&sandbox);
    let refused = sandbox.run("secure-io serve --port 0 --cert cert.pem --key key.pem --renew").exits(2);
    assert!(refused.stderr.contains("cannot renew `cert.pem`: the local CA has not issued it"), "{}", refused.stderr);
}
