//! A server on a free port, with a certificate of its own.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use secure_io::report;
use secure_io::server::{App, Config, Event, Limits, Server, Timing};
use time::macros::datetime;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything here takes; what takes as long will not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) static CERTIFIED: LazyLock<rcgen::CertifiedKey<rcgen::KeyPair>> =
    LazyLock::new(|| rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap());

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    secure_io::container::pem(label, der).unwrap().to_string()
}

/// A server that runs until it is stopped or dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    events: mpsc::UnboundedReceiver<String>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn demo() -> Self {
        Self::start(|_| ()).await
    }

    /// With the times that the protocol's test suite wants.
    pub(crate) async fn conformance() -> Self {
        Self::start(|config| {
            config.app = App::Conformance;
            config.timing = Timing {
                ping_interval: Duration::from_millis(300),
                ping_timeout: Duration::from_millis(200),
                connect_timeout: Duration::from_secs(1),
            };
        })
        .await
    }

    /// With short deadlines.
    pub(crate) async fn impatient() -> Self {
        Self::start(|config| {
            let deadline = Duration::from_millis(500);
            config.limits = Limits { handshake: deadline, header: deadline, body: deadline, ..Limits::default() };
        })
        .await
    }

    pub(crate) async fn start(configure: impl FnOnce(&mut Config)) -> Self {
        let key = PrivateKeyDer::try_from(CERTIFIED.signing_key.serialize_der()).unwrap();
        let tls = secure_io::tls::ByName::new(vec![CERTIFIED.cert.der().clone()], key).unwrap();
        let mut config = Config::new(Arc::new(tls), certificate());
        config.port = 0;
        configure(&mut config);
        let (sender, events) = mpsc::unbounded_channel();
        let observer = Arc::new(move |event: &Event| drop(sender.send(describe(event))));
        let server = Server::bind(config, observer).await.unwrap();
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.run(async { drop(stopped.await) }));
        Self { address, events, stop: Some(stop), task }
    }

    /// Waits for an event that begins so, and returns it.
    pub(crate) async fn event(&mut self, beginning: &str) -> String {
        let found = async {
            loop {
                let event = self.events.recv().await.unwrap();
                if event.starts_with(beginning) {
                    return event;
                }
            }
        };
        timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("no event {beginning}"))
    }

    /// The events so far that begin so.
    pub(crate) fn events(&mut self, beginning: &str) -> Vec<String> {
        let mut events = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            if event.starts_with(beginning) {
                events.push(event);
            }
        }
        events
    }

    /// Asks the server to stop, without waiting for it.
    pub(crate) fn stop(&mut self) {
        self.stop.take();
    }

    /// Waits until a stopped server has ended.
    pub(crate) async fn ended(&mut self) {
        timeout(PATIENCE, &mut self.task).await.unwrap().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An event in a word or a few.
fn describe(event: &Event) -> String {
    let client = |client: &secure_io::server::Client| {
        let Some(connection) = &client.connection else { return format!("{} without TLS", client.namespace) };
        let transport = client.transport.name();
        format!("{} {transport} {} {}", client.namespace, connection.tls_version, connection.cipher_suite)
    };
    match event {
        Event::Connected(who) => format!("connected {}", client(who)),
        Event::Upgraded(who) => format!("upgraded {}", client(who)),
        Event::Disconnected(who, reason) => format!("disconnected {reason}: {}", client(who)),
        Event::Overflowed(who) => format!("overflowed {}", client(who)),
        Event::HandshakeFailed { error, .. } => format!("handshake failed: {error}"),
        Event::Plaintext { .. } => "plaintext".to_owned(),
        other => format!("{other:?}"),
    }
}

pub(crate) fn certificate() -> report::Certificate {
    report::Certificate {
        version: 3,
        serial: "01".to_owned(),
        subject: "CN=shown on the page".to_owned(),
        issuer: String::new(),
        not_before: datetime!(2026-11-22 09:00 UTC).into(),
        not_after: datetime!(2027-02-20 09:00 UTC).into(),
        subject_alt_names: vec!["DNS:localhost".to_owned()],
        public_key: report::PublicKey {
            algorithm: "EC".to_owned(),
            curve: Some("P-256".to_owned()),
            bits: Some(256),
            exponent: None,
        },
        signature_algorithm: "ecdsa-with-SHA256".to_owned(),
        is_ca: false,
        path_len: None,
        key_usage: Vec::new(),
        extended_key_usage: Vec::new(),
        subject_key_id: None,
        authority_key_id: None,
        sha256_fingerprint: String::new(),
        sha1_fingerprint: String::new(),
        spki_sha256: String::new(),
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Vec::new(),
        notes: Vec::new(),
        lint: None,
        self_signed: true,
    }
}
