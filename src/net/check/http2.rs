//! Requests over HTTP/2, to servers that offer nothing else by ALPN.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::http::{Page, Request, Response};

/// Sends a request over a connection on which h2 was agreed, and reads up to `longest` octets of the body.
pub(super) async fn exchange(
    stream: TlsStream<TcpStream>,
    request: &Request,
    authority: &str,
    longest: usize,
) -> Option<Page> {
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let uri = format!("https://{authority}{}", request.target());
    let mut builder = hyper::Request::builder().method(request.method()).uri(uri);
    for (name, value) in request.fields() {
        builder = builder.header(name, value);
    }
    let body = Full::new(Bytes::from_static(request.body().as_bytes()));
    let mut response = sender.send_request(builder.body(body).ok()?).await.ok()?;
    let fields = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).trim().to_owned()));
    let head = Response::new(response.status().as_u16(), fields.collect());
    let mut body = Vec::new();
    while body.len() < longest
        && let Some(Ok(frame)) = response.frame().await
    {
        body.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
    }
    Some(Page { response: head, body })
}
