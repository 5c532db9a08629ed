//! Both ends: a client that writes octets into TLS, and a server that does as it is told.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::sandbox::{Background, Sandbox};

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) static CERTIFIED: LazyLock<rcgen::CertifiedKey<rcgen::KeyPair>> =
    LazyLock::new(|| rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap());

/// Starts the proxy, with the certificate that [`Client`] trusts.
pub(crate) fn proxy(sandbox: &Sandbox, flags: &str) -> Background {
    write_pair(sandbox, "proxy", CERTIFIED.cert.der(), &CERTIFIED.signing_key);
    sandbox.start(
        &format!("secure-io proxy --port 0 --cert proxy-cert.pem --key proxy-key.pem {flags}"),
        "Secure server is running on https://localhost:",
    )
}

/// Writes `NAME-cert.pem` and `NAME-key.pem`.
pub(crate) fn write_pair(sandbox: &Sandbox, name: &str, certificate: &CertificateDer<'_>, key: &rcgen::KeyPair) {
    let pem = |label: &str, der: &[u8]| secure_io::container::pem(label, der).unwrap().to_string();
    sandbox.write(&format!("{name}-cert.pem"), pem("CERTIFICATE", certificate));
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    sandbox.write(&format!("{name}-key.pem"), pem("PRIVATE KEY", key.secret_der()));
}

/// A client of the proxy.
pub(crate) struct Client(StreamOwned<ClientConnection, TcpStream>);

impl Client {
    pub(crate) fn connect(proxy: &Background) -> Self {
        Self::offering(proxy, b"http/1.1")
    }

    pub(crate) fn offering(proxy: &Background, protocol: &[u8]) -> Self {
        Self::after(proxy, b"", protocol)
    }

    /// Sends octets before TLS, as a balancer does.
    pub(crate) fn after(proxy: &Background, octets: &[u8], protocol: &[u8]) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CERTIFIED.cert.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        let tls = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut tcp = TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
        tcp.write_all(octets).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.set_write_timeout(Some(PATIENCE)).unwrap();
        tcp.set_nodelay(true).unwrap();
        Self(StreamOwned::new(tls, tcp))
    }

    /// Sends octets. The proxy may have closed the connection before it has them all.
    pub(crate) fn send(&mut self, octets: impl AsRef<[u8]>) -> &mut Self {
        self.0.write_all(octets.as_ref()).and_then(|()| self.0.flush()).ok();
        self
    }

    /// Reads until a text has come, and returns all that has.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) -> String {
        read_until(&mut self.0, text)
    }

    /// Reads a head.
    #[track_caller]
    pub(crate) fn head(&mut self) -> String {
        self.until("\r\n\r\n").to_lowercase()
    }

    /// Reads to the end of the connection.
    pub(crate) fn rest(&mut self) -> String {
        let mut all = Vec::new();
        match self.0.read_to_end(&mut all) {
            // The end of a connection that is cut has no word of TLS.
            Ok(_) => {}
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("no end ({error}) after {:?}", String::from_utf8_lossy(&all)),
        }
        String::from_utf8_lossy(&all).into_owned()
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }

    pub(crate) fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.0.write_all(octets)
    }

    /// The connection beneath, to end it without a word.
    pub(crate) fn tcp(&self) -> &TcpStream {
        &self.0.sock
    }
}

#[track_caller]
fn read_until(stream: &mut impl Read, text: &str) -> String {
    let mut all = Vec::new();
    let mut octet = [0];
    while !all.ends_with(text.as_bytes()) {
        match stream.read(&mut octet) {
            Ok(1) => all.push(octet[0]),
            end => panic!("{end:?} before {text:?} in {:?}", String::from_utf8_lossy(&all)),
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// A server whose connections are served by this, each on a thread; the number counts them. Returns its port.
pub(crate) fn server(serve: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for (number, tcp) in listener.incoming().map_while(Result::ok).enumerate() {
            tcp.set_read_timeout(Some(PATIENCE)).unwrap();
            tcp.set_nodelay(true).unwrap();
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(number, tcp));
        }
    });
    port
}

/// A server that gives the same answer to each request with a head alone or a chunked body, and shows what it was sent.
pub(crate) fn recorder(answer: &'static str) -> (u16, Receiver<String>) {
    let (seen, requests) = mpsc::channel();
    let port = server(move |_, mut tcp| {
        while let Some(request) = request(&mut tcp) {
            if seen.send(request).is_err() || tcp.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    (port, requests)
}

/// Reads a head.
pub(crate) fn head(tcp: &mut TcpStream) -> Option<String> {
    let mut all = Vec::new();
    let mut octet = [0];
    while !all.ends_with(b"\r\n\r\n") {
        if tcp.read(&mut octet).ok()? == 0 {
            return None;
        }
        all.push(octet[0]);
    }
    Some(String::from_utf8_lossy(&all).into_owned())
}

/// Reads a head with its body, as RFC 9112 has it.
pub(crate) fn request(tcp: &mut TcpStream) -> Option<String> {
    let head = head(tcp)?;
    let lower = head.to_lowercase();
    let mut body = Vec::new();
    let mut octet = [0];
    if lower.contains("\r\ntransfer-encoding: chunked\r\n") {
        // Behind the last chunk there may be trailers.
        let is_last = |body: &[u8]| body.starts_with(b"0\r\n") || body.windows(5).any(|part| part == b"\r\n0\r\n");
        while !(body.ends_with(b"\r\n\r\n") && is_last(&body)) {
            tcp.read_exact(&mut octet).ok()?;
            body.push(octet[0]);
        }
    } else if let Some((_, rest)) = lower.split_once("\r\ncontent-length: ") {
        let length = rest.split("\r\n").next()?.parse().ok()?;
        body.resize(length, 0);
        tcp.read_exact(&mut body).ok()?;
    }
    Some(head + &String::from_utf8_lossy(&body))
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The next request that a server saw.
#[track_caller]
pub(crate) fn next(requests: &Receiver<String>) -> String {
    requests.recv_timeout(PATIENCE).expect("no request came through")
}
