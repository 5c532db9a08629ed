//! rustls at both ends of a connection in memory, with its own verifier.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection};
use secure_io::report::fixtures::Fixture;

/// Serves a fixture, connects to it, and describes the client's reaction.
pub(crate) fn meet(folder: &Path, fixture: &Fixture) -> String {
    match server(folder, fixture) {
        Err(error) => format!("cannot be loaded: {error}"),
        Ok(server) => match shake_hands(client(folder, fixture), server) {
            Err(error) => format!("refuses: {}", reason(&error)),
            Ok(()) => "accepts".to_owned(),
        },
    }
}

fn server(folder: &Path, fixture: &Fixture) -> Result<ServerConnection, String> {
    let chain = certificates(&folder.join(&fixture.chain));
    let key = PrivateKeyDer::from_pem_file(folder.join(&fixture.key)).expect("a private key");
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the versions of the provider")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| reason(&error))?;
    Ok(ServerConnection::new(Arc::new(config)).expect("a connection"))
}

fn client(folder: &Path, fixture: &Fixture) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(&folder.join(&fixture.trust)));
    let crls =
        fixture.crls.iter().map(|crl| CertificateRevocationListDer::from_pem_file(folder.join(crl)).expect("a CRL"));
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).with_crls(crls);
    let verifier = verifier.enforce_revocation_expiration().build().expect("a verifier");
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the versions of the provider")
        .with_webpki_verifier(verifier)
        .with_no_client_auth();
    let host = ServerName::try_from(fixture.host.clone()).expect("a host");
    ClientConnection::new(Arc::new(config), host).expect("a connection")
}

/// Connects to a chain and key of files, trusting the certificates of another file alone.
pub(crate) fn trusting(anchors: &Path, chain: &Path, key: &Path, host: &'static str) -> String {
    let key = PrivateKeyDer::from_pem_file(key).expect("a private key");
    let server = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the versions of the provider")
        .with_no_client_auth()
        .with_single_cert(certificates(chain), key)
        .expect("the key belongs to the chain");
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(anchors));
    let client = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the versions of the provider")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let host = ServerName::try_from(host).expect("a host");
    let client = ClientConnection::new(Arc::new(client), host).expect("a connection");
    let server = ServerConnection::new(Arc::new(server)).expect("a connection");
    match shake_hands(client, server) {
        Err(error) => format!("refuses: {}", reason(&error)),
        Ok(()) => "accepts".to_owned(),
    }
}

/// Passes records to and fro until the client knows.
fn shake_hands(client: ClientConnection, server: ServerConnection) -> Result<(), rustls::Error> {
    let (mut client, mut server) = (Connection::from(client), Connection::from(server));
    while client.is_handshaking() {
        pass(&mut client, &mut server)?;
        pass(&mut server, &mut client)?;
    }
    Ok(())
}

/// Hands over all that one end has to send.
fn pass(from: &mut Connection, to: &mut Connection) -> Result<(), rustls::Error> {
    let mut records = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut records).expect("memory can be written");
    }
    let mut reader = records.as_slice();
    while !reader.is_empty() {
        to.read_tls(&mut reader).expect("memory can be read");
        to.process_new_packets()?;
    }
    Ok(())
}

/// The error without names and times, which differ from tree to tree.
fn reason(error: &rustls::Error) -> String {
    let text = format!("{error:?}");
    let text = text.trim_start_matches("InvalidCertificate(");
    text.split([' ', '{', '(', ')']).next().unwrap_or_default().to_owned()
}

fn certificates(file: &Path) -> Vec<CertificateDer<'static>> {
    let all = CertificateDer::pem_file_iter(file).expect("a file");
    all.collect::<Result<_, _>>().expect("certificates")
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
