//! TLS in tests, with certificates that are made for them: the code of docs/from-rust.md.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use futures_util::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use secure_io::fixtures::{Fixtures, Pki};
use secure_io::validity;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_tungstenite::tungstenite::Message;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A root, a good certificate for localhost, and one that has expired: in memory, without files.
fn pki() -> Result<Pki> {
    Ok(Fixtures::new(validity::now()).certificate(["localhost"]).defect("expired").build()?)
}

/// Configurations of a server that shows a certificate of the PKI, and of a client that trusts its root.
fn configs(pki: &Pki, name: &str) -> Result<(Arc<ServerConfig>, Arc<ClientConfig>)> {
    let server = pki.get(name)?;
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(server.trust_pem().as_bytes()) {
        roots.add(root?)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let ours = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let ours = ours.with_no_client_auth().with_single_cert(server.chain(), server.key())?;
    let theirs = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let theirs = theirs.with_root_certificates(roots).with_no_client_auth();
    Ok((Arc::new(ours), Arc::new(theirs)))
}

/// rustls, both ends in memory.
#[test]
fn rustls_refuses_an_expired_certificate() -> Result<()> {
    let pki = pki()?;
    let expired = pki.get("expired")?;
    let (ours, theirs) = configs(&pki, "expired")?;
    let mut server = ServerConnection::new(ours)?;
    let mut client = ClientConnection::new(theirs, ServerName::try_from(expired.expected().host.clone())?)?;
    let refusal = loop {
        let mut wire = Vec::new();
        client.write_tls(&mut wire)?;
        server.read_tls(&mut wire.as_slice())?;
        server.process_new_packets()?;
        let mut wire = Vec::new();
        server.write_tls(&mut wire)?;
        client.read_tls(&mut wire.as_slice())?;
        if let Err(error) = client.process_new_packets() {
            break error;
        }
        assert!(client.is_handshaking(), "the client accepts it");
    };
    assert!(
        matches!(refusal, rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { .. })),
        "{refusal:?}"
    );
    Ok(())
}

/// Serves an application over HTTPS on loopback.
async fn serve(config: Arc<ServerConfig>, app: Router) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let acceptor = TlsAcceptor::from(config);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            // A client that refuses the certificate hangs up, which is what tests are about.
            let Ok(tls) = acceptor.accept(tcp).await else { continue };
            let service = TowerToHyperService::new(app.clone());
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(tls), service));
        }
    });
    Ok(address)
}

/// Gets a page with hyper, as reqwest does beneath.
async fn page(address: SocketAddr, host: &'static str, config: Arc<ClientConfig>) -> Result<String> {
    let tcp = TcpStream::connect(address).await?;
    let tls = TlsConnector::from(config).connect(ServerName::try_from(host)?, tcp).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls)).await?;
    tokio::spawn(connection);
    let response = sender.send_request(Request::get("/").header("host", host).body(Body::empty())?).await?;
    Ok(String::from_utf8(response.into_body().collect().await?.to_bytes().to_vec())?)
}

/// axum on one end, hyper on the other.
#[tokio::test]
async fn axum_is_reached_over_https() -> Result<()> {
    let pki = pki()?;
    let app = Router::new().route("/", get(|| async { "Hello" }));
    let (ours, theirs) = configs(&pki, "localhost")?;
    let address = serve(ours, app.clone()).await?;
    assert_eq!(page(address, "localhost", Arc::clone(&theirs)).await?, "Hello");
    assert!(page(address, "other.test", theirs).await.is_err(), "the certificate is for another host");

    let (ours, theirs) = configs(&pki, "expired")?;
    let address = serve(ours, app).await?;
    assert!(page(address, "localhost", theirs).await.is_err(), "it has expired");
    Ok(())
}

/// tokio-tungstenite on both ends.
#[tokio::test]
async fn a_websocket_is_secure() -> Result<()> {
    let (ours, theirs) = configs(&pki()?, "localhost")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.expect("a client comes");
        let tls = TlsAcceptor::from(ours).accept(tcp).await.expect("it accepts the certificate");
        let mut socket = tokio_tungstenite::accept_async(tls).await.expect("it asks for a WebSocket");
        socket.send(Message::text("Welcome, securely")).await.expect("it listens");
    });
    let tcp = TcpStream::connect(address).await?;
    let tls = TlsConnector::from(theirs).connect(ServerName::try_from("localhost")?, tcp).await?;
    let (mut socket, _) = tokio_tungstenite::client_async("wss://localhost/", tls).await?;
    let message = socket.next().await.ok_or("the server says nothing")??;
    assert_eq!(message, Message::text("Welcome, securely"));
    server.await?;
    Ok(())
}
