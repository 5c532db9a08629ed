//! The stack that `serve` stands on, with nothing in between: hyper, rustls and tokio-tungstenite, and the demo's events in a
//! few lines. It keeps neither sessions nor limits; it is what the rest costs that is measured against it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// The word that makes the benchmark be this server; certificate and key follow it.
pub(crate) const WORD: &str = "--serve-raw";

type Clients = Arc<Mutex<Vec<UnboundedSender<Message>>>>;

/// Serves until it is killed.
pub(crate) fn serve(certificate: &str, key: &str) {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let chain = CertificateDer::pem_file_iter(certificate).unwrap().map(Result::unwrap).collect();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config =
            config.with_no_client_auth().with_single_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap()).unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let (acceptor, clients) = (TlsAcceptor::from(Arc::new(config)), Clients::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        eprintln!("raw at https://localhost:{}", listener.local_addr().unwrap().port());
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            tcp.set_nodelay(true).unwrap();
            let (acceptor, clients) = (acceptor.clone(), Arc::clone(&clients));
            tokio::spawn(async move {
                let Ok(tls) = acceptor.accept(tcp).await else { return };
                let service = service_fn(|request| answer(request, Arc::clone(&clients)));
                http1::Builder::new().serve_connection(TokioIo::new(tls), service).with_upgrades().await.ok();
            });
        }
    });
}

#[expect(clippy::unused_async, reason = "a service is asynchronous")]
async fn answer(mut request: Request<Incoming>, clients: Clients) -> Result<Response<Full<Bytes>>, Infallible> {
    let Some(key) = request.headers().get(SEC_WEBSOCKET_KEY) else {
        return Ok(Response::new("Hello, Socket.io with SSL/TLS!".into()));
    };
    let accept = derive_accept_key(key.as_bytes());
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(&mut request).await else { return };
        talk(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await, clients).await;
    });
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept.try_into().unwrap());
    Ok(response)
}

async fn talk(mut socket: WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>, clients: Clients) {
    let (sender, mut waiting) = mpsc::unbounded_channel();
    clients.lock().unwrap().push(sender.clone());
    let open =
        r#"0{"sid":"AAAAAAAAAAAAAAAA","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
    if socket.send(Message::text(open)).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            received = socket.next() => match received {
                Some(Ok(Message::Text(text))) if text.starts_with("40") => {
                    socket.feed(Message::text(r#"40{"sid":"AAAAAAAAAAAAAAAA"}"#)).await.ok();
                    socket.send(Message::text(r#"42["message","Welcome to the secure server!"]"#)).await.ok();
                }
                Some(Ok(text @ Message::Text(_))) if text.to_text().is_ok_and(|text| text.starts_with("42[\"broadcast\"")) => {
                    clients.lock().unwrap().retain(|client| client.send(text.clone()).is_ok());
                }
                Some(Ok(text @ Message::Text(_))) => {
                    if socket.send(text).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
            Some(text) = waiting.recv() => {
                socket.feed(text).await.ok();
                while let Ok(text) = waiting.try_recv() {
                    socket.feed(text).await.ok();
                }
                if socket.flush().await.is_err() {
                    return;
                }
            }
        }
    }
}
