//! Mutual TLS: who is let in by a certificate, who is refused, and with which reason.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::ExtendedKeyUsagePurpose;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use secure_io::tls::{ByName, Clients, Profile};
use time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::client_ca::ClientCa;
use crate::fixture::{CERTIFIED, Running};

type Shown = Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>;

async fn server(ca: &ClientCa, crls: Vec<CertificateRevocationListDer<'static>>, is_required: bool) -> Running {
    let clients = Clients::new(vec![ca.certificate.clone()], crls, is_required).unwrap();
    let profile = Profile { clients: Some(clients), ..Profile::default() };
    let key = PrivateKeyDer::try_from(CERTIFIED.signing_key.serialize_der()).unwrap();
    let tls = ByName::with_profile(vec![CERTIFIED.cert.der().clone()], key, &profile).unwrap();
    Running::start(|config| config.tls = Arc::new(tls)).await
}

/// The answer to a request of a client that shows this certificate.
async fn ask(address: SocketAddr, shown: &Shown) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CERTIFIED.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let config = match shown {
        Some((certificate, key)) => builder.with_client_auth_cert(vec![certificate.clone()], key.clone_key()).unwrap(),
        None => builder.with_no_client_auth(),
    };
    let tcp = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn clients_are_let_in_by_their_certificates_and_refused_with_the_reason() {
    let (ca, other) = (ClientCa::new("clients' CA"), ClientCa::new("clients' CA"));
    let now = secure_io::validity::now();
    let mut server = server(&ca, vec![ca.crl(&[66])], true).await;
    for (shown, reason) in [
        (Some(ca.client("alice", 1, |_| ())), None),
        (None, Some("client-certificate-required")),
        (Some(ca.client("revoked", 66, |_| ())), Some("revoked")),
        (Some(other.client("stranger", 1, |_| ())), Some("(")),
        (Some(ca.client("expired", 2, |params| params.not_after = now - Duration::days(1))), Some("(expired)")),
        (Some(ca.client("early", 3, |params| params.not_before = now + Duration::days(1))), Some("(not-yet-valid)")),
        (
            Some(
                ca.client("server", 4, |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]),
            ),
            Some("(wrong-purpose)"),
        ),
    ] {
        let answer = ask(server.address, &shown).await;
        match reason {
            None => assert!(answer.unwrap().starts_with("HTTP/1.1 200 ")),
            Some(reason) => {
                assert!(answer.is_err(), "{reason}: {answer:?}");
                let event = server.event("handshake failed").await;
                assert!(event.contains(reason), "{event}");
            }
        }
    }
}

#[tokio::test]
async fn a_certificate_that_is_only_requested_may_be_missing_but_not_wrong() {
    let (ca, other) = (ClientCa::new("clients' CA"), ClientCa::new("clients' CA"));
    let server = server(&ca, Vec::new(), false).await;
    assert!(ask(server.address, &None).await.unwrap().starts_with("HTTP/1.1 200 "));
    assert!(ask(server.address, &Some(ca.client("alice", 1, |_| ()))).await.is_ok());
    assert!(ask(server.address, &Some(other.client("stranger", 1, |_| ()))).await.is_err());
}
