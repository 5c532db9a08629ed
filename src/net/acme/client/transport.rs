//! HTTPS to the CA: one connection for each request, to whose certificate the given roots lead.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::HOST;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Time for a request and its answer.
const LIMIT: Duration = Duration::from_secs(30);

/// The longest answer that is read: a chain has some KiB.
const LONGEST: usize = 1 << 20;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Makes the requests.
#[derive(Clone)]
pub(super) struct Transport {
    pub(super) tls: Arc<ClientConfig>,
    pub(super) resolve: Arc<[(String, IpAddr)]>,
}

impl Transport {
    async fn exchange(
        self,
        request: Request<BodyWrapper<axum::body::Bytes>>,
    ) -> Result<Response<Full<Bytes>>, Failure> {
        let (mut parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let uri = std::mem::take(&mut parts.uri);
        if uri.scheme_str() != Some("https") {
            return Err(format!("`{uri}` is not https").into());
        }
        let authority = uri.authority().ok_or("the URL names no host")?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(443);
        let tcp = self.connect(&host, port).await?;
        tcp.set_nodelay(true).ok();
        let name = ServerName::try_from(host)?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        parts.headers.insert(HOST, HeaderValue::from_str(authority.as_str())?);
        parts.uri = Uri::from(uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")));
        let exchange = async {
            let response = sender.send_request(Request::from_parts(parts, Full::new(body))).await?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, LONGEST).collect().await?.to_bytes();
            Ok::<_, Failure>(Response::from_parts(parts, Full::new(body)))
        };
        let mut exchange = std::pin::pin!(exchange);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            answer = &mut exchange => answer,
            _ = &mut connection => exchange.await,
        }
    }

    async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Failure> {
        let told = self.resolve.iter().find(|(name, _)| name.eq_ignore_ascii_case(host)).map(|(_, address)| *address);
        Ok(match told {
            Some(address) => TcpStream::connect(SocketAddr::new(address, port)).await?,
            // Not every resolver knows the names below `localhost` (RFC 6761 section 6.3).
            None if host == "localhost" || host.ends_with(".localhost") => {
                TcpStream::connect(
                    &[SocketAddr::from(([127, 0, 0, 1], port)), SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port))][..],
                )
                .await?
            }
            None => TcpStream::connect((host, port)).await?,
        })
    }
}

impl HttpClient for Transport {
    fn request(
        &self,
        request: Request<BodyWrapper<axum::body::Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let this = self.clone();
        Box::pin(async move {
            let exchanged = timeout(LIMIT, this.exchange(request)).await;
            let late = |_elapsed| Err(format!("no answer within {} s", LIMIT.as_secs()).into());
            exchanged.unwrap_or_else(late).map(BytesResponse::from).map_err(Error::Other)
        })
    }
}
