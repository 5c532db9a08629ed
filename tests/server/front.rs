//! Proxies in front of the server: whom it believes, whom it sends to https, and what balancers ask it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use secure_io::server::{Config, Trusted};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::client::tls;
use crate::fixture::{PATIENCE, Running};

fn plain(config: &mut Config) {
    config.front.is_plain = true;
}

fn trusting(config: &mut Config) {
    config.front.is_plain = true;
    config.front.trusted = trusted(&["127.0.0.0/8"]);
}

fn trusted(networks: &[&str]) -> Trusted {
    let mut trusted = Trusted::default();
    for network in networks {
        trusted.allow(network).unwrap();
    }
    trusted
}

/// Sends octets in pieces, and reads to the end.
async fn raw(address: SocketAddr, pieces: &[&[u8]]) -> String {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    for piece in pieces {
        if tcp.write_all(piece).await.is_err() {
            break;
        }
        if pieces.len() > 1 {
            sleep(Duration::from_millis(5)).await;
        }
    }
    let mut answer = Vec::new();
    timeout(PATIENCE, tcp.read_to_end(&mut answer)).await.unwrap().ok();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn get(address: SocketAddr, path: &str, headers: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n{headers}\r\n");
    raw(address, &[request.as_bytes()]).await
}

/// The client's address as the page shows it.
async fn shown(address: SocketAddr, headers: &str) -> String {
    let page = get(address, "/", &format!("Accept: text/html\r\n{headers}")).await;
    let (_, rest) = page.split_once("<code id=\"client\">").unwrap_or_else(|| panic!("{page}"));
    rest.split_once('<').unwrap().0.to_owned()
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_from_the_right_and_a_stranger_never() {
    let server = Running::start(trusting).await;
    for (headers, expected) in [
        ("", "127.0.0.1"),
        ("X-Forwarded-For: 6.6.6.6, 203.0.113.7\r\n", "203.0.113.7, through 127.0.0.1"),
        ("X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 203.0.113.7, 127.0.0.2\r\n", "203.0.113.7, through 127.0.0.1"),
        ("Forwarded: for=6.6.6.6, for=\"[2001:db8::7]:80\"\r\n", "2001:db8::7, through 127.0.0.1"),
    ] {
        assert_eq!(shown(server.address, headers).await, expected, "{headers}");
    }
    let stranger = Running::start(plain).await;
    for headers in ["X-Forwarded-For: 6.6.6.6\r\n", "Forwarded: for=6.6.6.6\r\n", "X-Real-IP: 6.6.6.6\r\n"] {
        assert_eq!(shown(stranger.address, headers).await, "127.0.0.1", "{headers}");
    }
}

/// A page that came by https through a trusted proxy is of this server, under whatever name the proxy has a certificate for.
/// Over http anybody can make a name of his own lead here.
#[tokio::test]
async fn a_page_from_the_believed_host_may_use_socket_io() {
    let (behind, alone) = (Running::start(trusting).await, Running::start(plain).await);
    let status = async |server: &Running, headers: &str| {
        let answer = get(server.address, "/socket.io/?EIO=4&transport=polling", headers).await;
        answer.get(9..12).unwrap_or_default().to_owned()
    };
    let host = "Origin: https://app.example\r\nX-Forwarded-Host: app.example\r\n";
    assert_eq!(status(&behind, &format!("{host}X-Forwarded-Proto: https\r\n")).await, "200");
    assert_eq!(status(&behind, &format!("{host}X-Forwarded-Proto: http\r\n")).await, "403");
    assert_eq!(status(&behind, host).await, "403");
    assert_eq!(status(&alone, &format!("{host}X-Forwarded-Proto: https\r\n")).await, "403");
    let other = "Origin: https://evil.example\r\nX-Forwarded-Host: app.example\r\nX-Forwarded-Proto: https\r\n";
    assert_eq!(status(&behind, other).await, "403");
}

#[tokio::test]
async fn https_is_enforced_for_what_can_be_asked_again() {
    let server = Running::start(|config| {
        trusting(config);
        config.front.enforces_https = true;
        config.front.hsts = Some(Duration::from_mins(1));
    })
    .await;
    let answer = get(server.address, "/a?b=c", "").await;
    assert!(answer.starts_with("HTTP/1.1 308 "), "{answer}");
    assert!(answer.contains("\r\nlocation: https://app.test/a?b=c\r\n"), "{answer}");
    assert!(!answer.contains("strict-transport-security"), "never over http: {answer}");
    for (path, expected) in
        [("//evil.test/", "https://app.test//evil.test/"), ("/\\evil.test", "https://app.test/%5Cevil.test")]
    {
        let answer = get(server.address, path, "").await;
        assert!(answer.contains(&format!("\r\nlocation: {expected}\r\n")), "{answer}");
    }
    let told = get(server.address, "/", "X-Forwarded-Host: public.test:8443\r\nX-Forwarded-Proto: http\r\n").await;
    assert!(told.contains("\r\nlocation: https://public.test:8443/\r\n"), "{told}");
    let secure = get(server.address, "/", "X-Forwarded-Proto: https\r\n").await;
    assert!(secure.starts_with("HTTP/1.1 200 "), "{secure}");
    assert_eq!(secure.matches("strict-transport-security: max-age=60\r\n").count(), 1, "{secure}");
    for (head, status) in [
        ("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 0\r\n", 403),
        ("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: app.test\r\nUpgrade: websocket\r\n", 403),
        ("HEAD / HTTP/1.1\r\nHost: app.test\r\n", 308),
        ("GET /healthz HTTP/1.1\r\nHost: app.test\r\n", 200),
        ("GET /readyz HTTP/1.1\r\nHost: app.test\r\n", 200),
        ("GET / HTTP/1.1\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: app.test\r\nHost: evil.test\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: user@evil.test\r\n", 400),
    ] {
        let answer = raw(server.address, &[format!("{head}Connection: close\r\n\r\n").as_bytes()]).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {answer}");
    }
}

/// The commonest report of all: TLS ends at the balancer, and the application redirects for ever.
#[tokio::test]
async fn a_redirect_loop_is_told_once_with_its_reason() {
    let mut server = Running::start(|config| {
        plain(config);
        config.front.enforces_https = true;
    })
    .await;
    for _ in 0..6 {
        assert!(get(server.address, "/", "X-Forwarded-Proto: https\r\n").await.starts_with("HTTP/1.1 308 "));
    }
    let event = server.event("RedirectLoop").await;
    assert!(event.contains("127.0.0.1") && event.contains("is_claimed: true"), "{event}");
    assert!(server.events("RedirectLoop").is_empty());
}

#[tokio::test]
async fn plain_http_on_the_tls_port_is_enforced_too_but_health_is_answered() {
    for enforces in [false, true] {
        let server = Running::start(|config| config.front.enforces_https = enforces).await;
        assert!(get(server.address, "/healthz", "").await.starts_with("HTTP/1.1 200 "));
        assert!(get(server.address, "/", "").await.starts_with("HTTP/1.1 308 "));
    }
    let strict = Running::start(|config| config.front.enforces_https = true).await;
    let post = b"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    assert!(raw(strict.address, &[post]).await.starts_with("HTTP/1.1 403 "));
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: app.test\r\nAccept: text/html\r\nConnection: close\r\n\r\n";

fn version2(rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n\x21\x11", &length[..], rest].concat()
}

#[tokio::test]
async fn the_proxy_protocol_is_read_in_pieces_and_demanded_of_trusted_proxies() {
    let mut server = Running::start(|config| {
        trusting(config);
        config.front.has_proxy_header = true;
        // Octet by octet, a header takes half a second on a busy machine.
        config.limits.handshake = Duration::from_secs(2);
    })
    .await;
    let two = version2(&[203, 0, 113, 7, 10, 0, 0, 1, 0x15, 0xb3, 1, 0xbb]);
    for header in [b"PROXY TCP4 203.0.113.7 10.0.0.1 5555 443\r\n".to_vec(), two] {
        let whole = [&header[..], REQUEST].concat();
        let bytes: Vec<&[u8]> = header.chunks(1).chain([REQUEST]).collect();
        for pieces in [vec![&whole[..]], bytes] {
            let answer = raw(server.address, &pieces).await;
            assert!(answer.contains("<code id=\"client\">203.0.113.7, through 127.0.0.1<"), "{answer}");
        }
    }
    let wrong = version2(&[203, 0, 113, 7, 10, 0, 0, 1, 0x15, 0xb3, 1, 0xbb, 3, 0, 4, 1, 2, 3, 4]);
    for (pieces, reason) in [
        (vec![REQUEST], "Missing"),
        (vec![&b"PROXY TCP9 1 2 3 4\r\n"[..], REQUEST], "Malformed"),
        (vec![&wrong[..], REQUEST], "Checksum"),
        (vec![&b"PROXY TCP4 203."[..]], "TimedOut"),
    ] {
        assert_eq!(raw(server.address, &pieces).await, "", "{reason}");
        let event = server.event("ProxyHeader").await;
        assert!(event.contains(reason), "{event}");
    }
}

#[tokio::test]
async fn a_strangers_proxy_header_is_not_believed() {
    let server = Running::start(|config| {
        plain(config);
        config.front.trusted = trusted(&["10.0.0.0/8"]);
        config.front.has_proxy_header = true;
    })
    .await;
    assert!(raw(server.address, &[REQUEST]).await.contains("<code id=\"client\">127.0.0.1<"));
    let answer = raw(server.address, &[b"PROXY TCP4 203.0.113.7 10.0.0.1 5555 443\r\n", REQUEST]).await;
    assert!(!answer.contains("203.0.113.7") && !answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Without the flag, or of a machine that is not trusted, a header is no fault of TLS or HTTP.
#[tokio::test]
async fn a_proxy_header_that_nobody_asked_for_is_named() {
    let one = b"PROXY TCP4 203.0.113.7 10.0.0.1 5555 443\r\n".to_vec();
    let two = version2(&[203, 0, 113, 7, 10, 0, 0, 1, 0x15, 0xb3, 1, 0xbb]);
    for (is_plain, network) in [(true, None), (false, None), (false, Some("10.0.0.0/8")), (true, Some("127.0.0.1"))] {
        let mut server = Running::start(|config| {
            config.front.is_plain = is_plain;
            config.front.has_proxy_header = network.is_some();
            config.front.trusted = trusted(network.as_slice());
        })
        .await;
        for header in [&one, &two] {
            let is_second = network == Some("127.0.0.1");
            let first = if is_second { &header[..] } else { &[] };
            assert_eq!(raw(server.address, &[&[first, header, REQUEST].concat()]).await, "");
            let event = server.event("ProxyHeader").await;
            assert!(event.contains(if is_second { "a second one" } else { "NotBelieved" }), "{event}");
        }
    }
}

/// HAProxy, until this is dropped.
struct Haproxy(Child);

impl Haproxy {
    fn start(configuration: &Path) -> Self {
        let mut command = Command::new("/usr/sbin/haproxy");
        command.args(["-db", "-f"]).arg(configuration).stderr(Stdio::null()).stdout(Stdio::null());
        Self(command.spawn().expect("HAProxy is installed"))
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The peer that sends these headers in the field.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "HAProxy's own configuration")]
async fn haproxy_names_the_client_in_both_versions() {
    for send in ["send-proxy", "send-proxy-v2"] {
        let server = Running::start(|config| {
            config.front.trusted = trusted(&["127.0.0.1"]);
            config.front.has_proxy_header = true;
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let front = socket.local_addr().unwrap();
        drop(socket);
        let to = server.address;
        let lines = format!(
            "defaults\n mode tcp\n timeout client 10s\n timeout server 10s\n timeout connect 5s\nlisten a\n bind {front}\n \
             server s {to} {send}\n"
        );
        let file = folder.path().join("haproxy.cfg");
        std::fs::write(&file, lines).unwrap();
        let _haproxy = Haproxy::start(&file);
        let connected = async {
            while TcpStream::connect(front).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, connected).await.unwrap();
        // 127.0.0.9 is not trusted, so that the client is told from the proxy.
        let local = tokio::net::TcpSocket::new_v4().unwrap();
        local.bind("127.0.0.9:0".parse().unwrap()).unwrap();
        let tcp = local.connect(front).await.unwrap();
        let mut stream = crate::client::tls_over(tcp).await;
        stream.write_all(REQUEST).await.unwrap();
        let mut answer = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().ok();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.contains("<code id=\"client\">127.0.0.9, through 127.0.0.1<"), "{send}: {answer}");
    }
}

#[tokio::test]
async fn a_tls_client_of_a_plain_server_is_named() {
    let mut server = Running::start(plain).await;
    assert!(crate::client::try_tls(server.address, &[]).await.is_err());
    assert!(server.event("handshake failed").await.contains("TLS is to end in front of it"));
}

#[tokio::test]
async fn a_server_that_drains_says_so_and_serves_on() {
    let mut server = Running::start(|config| {
        plain(config);
        config.front.drain = Duration::from_secs(1);
    })
    .await;
    assert!(get(server.address, "/readyz", "").await.starts_with("HTTP/1.1 200 "));
    server.stop();
    server.event("Draining").await;
    assert!(get(server.address, "/readyz", "").await.starts_with("HTTP/1.1 503 "));
    assert!(get(server.address, "/healthz", "").await.starts_with("HTTP/1.1 200 "));
    assert!(get(server.address, "/", "").await.starts_with("HTTP/1.1 200 "));
    server.ended().await;
}

#[tokio::test]
async fn a_session_of_another_server_is_answered_with_the_reason() {
    let (here, mut there) = (Running::start(plain).await, Running::start(plain).await);
    let open = get(here.address, "/socket.io/?EIO=4&transport=polling", "").await;
    let (_, rest) = open.split_once("\"sid\":\"").unwrap();
    let sid = rest.split_once('"').unwrap().0;
    for _ in 0..2 {
        let answer = get(there.address, &format!("/socket.io/?EIO=4&transport=polling&sid={sid}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("{\"code\":1,"), "{answer}");
        assert!(answer.contains("sticky"), "{answer}");
    }
    there.event("NotSticky").await;
    assert!(there.events("NotSticky").is_empty(), "told once");
}

#[tokio::test]
async fn the_page_has_the_headers_that_helmet_sets() {
    let server = Running::demo().await;
    let mut stream = tls(server.address, &["http/1.1"]).await;
    stream.write_all(REQUEST).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    let answer = String::from_utf8_lossy(&answer);
    for header in [
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "x-frame-options: SAMEORIGIN",
        "x-dns-prefetch-control: off",
        "x-xss-protection: 0",
        "x-permitted-cross-domain-policies: none",
        "x-download-options: noopen",
        "origin-agent-cluster: ?1",
        "cross-origin-opener-policy: same-origin",
        "cross-origin-resource-policy: same-origin",
    ] {
        assert_eq!(answer.matches(header).count(), 1, "{header}: {answer}");
    }
    assert!(!answer.contains("strict-transport-security"), "off by default: it pins every port of localhost");
}
