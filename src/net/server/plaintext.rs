//! Plain HTTP on the TLS port, answered in HTTP with the https:// address.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::net::server::authority::is_authority;
use crate::net::server::routes::Site;

/// The largest head that is read.
const MAX_HEAD: usize = 8 * 1024;

/// Longest wait for the client's last bytes: closing while bytes are unread would destroy the answer in transit.
const LINGER: Duration = Duration::from_secs(1);

/// Answers one request and closes the connection. A head that takes too long is not answered.
///
/// Returns false for a request of the server's health, which is not logged.
pub(super) async fn answer(mut tcp: TcpStream, site: &Site) -> bool {
    let Ok(Some(head)) = timeout(site.limits().header, read_head(&mut tcp)).await else { return true };
    let Ok(local) = tcp.local_addr() else { return true };
    let health = health(&head, site);
    let is_health = health.is_some();
    let reply = health.unwrap_or_else(|| reply(&head, local));
    if tcp.write_all(reply.as_bytes()).await.is_ok() && tcp.shutdown().await.is_ok() {
        timeout(LINGER, tokio::io::copy(&mut tcp, &mut tokio::io::sink())).await.ok();
    }
    !is_health
}

/// The answer to a request of the server's health: the probes of balancers speak plain HTTP.
fn health(head: &[u8], site: &Site) -> Option<String> {
    let head = Head::parse(head)?;
    let method = head.method.parse().ok()?;
    let status = site.front().health(&method, head.path)?.status();
    let body = if status.is_success() { "ok\n" } else { "no\n" };
    Some(response(status.to_string().as_str(), "Cache-Control: no-store\r\n", body, head.method != "HEAD"))
}

async fn read_head(tcp: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() >= MAX_HEAD || tcp.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

/// Parts of a request's head that matter here.
struct Head<'a> {
    method: &'a str,
    path: &'a str,
    host: Option<&'a str>,
    websocket: bool,
}

impl<'a> Head<'a> {
    fn parse(head: &'a [u8]) -> Option<Self> {
        let mut headers = [httparse::EMPTY_HEADER; 100];
        let mut request = httparse::Request::new(&mut headers);
        request.parse(head).ok().filter(httparse::Status::is_complete)?;
        let header = |name: &str| {
            let found = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
            str::from_utf8(found.value).ok()
        };
        let host = header("host").filter(|host| is_authority(host));
        let websocket = header("upgrade").is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"));
        Some(Self { method: request.method?, path: path(request.path?), host, websocket })
    }
}

/// The path and query of a request's target, which may be a whole URL.
fn path(target: &str) -> &str {
    let path = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => rest.find('/').map_or("/", |slash| &rest[slash..]),
        _ => target,
    };
    if path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()) { path } else { "/" }
}

fn reply(head: &[u8], local: SocketAddr) -> String {
    let Some(head) = Head::parse(head) else {
        return response("400 Bad Request", "", "This port speaks TLS: use https:// or wss://.\n", true);
    };
    let local = local.to_string();
    let (host, path) = (head.host.unwrap_or(&local), head.path);
    let with_body = head.method != "HEAD";
    if head.websocket {
        let body = format!("This port speaks TLS: use wss://{host}{path} in place of ws://{host}{path}\n");
        return response("426 Upgrade Required", "Upgrade: TLS/1.2, HTTP/1.1\r\n", &body, with_body);
    }
    let body = format!("This port speaks TLS: use https://{host}{path}\n");
    // A browser would keep the redirect for good, and with it away from whatever has the port next.
    let headers = format!("Location: https://{host}{path}\r\nCache-Control: no-store\r\n");
    response("308 Permanent Redirect", &headers, &body, with_body)
}

fn response(status: &str, headers: &str, body: &str, with_body: bool) -> String {
    let mut response = format!("HTTP/1.1 {status}\r\n{headers}Connection: close\r\n");
    write!(response, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n", body.len()).ok();
    response.push_str("X-Content-Type-Options: nosniff\r\n\r\n");
    if with_body {
        response.push_str(body);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replied(head: &str) -> String {
        reply(head.as_bytes(), "127.0.0.1:3000".parse().unwrap())
    }

    #[test]
    fn a_browser_is_redirected_to_what_it_asked_for() {
        let reply = replied("GET /chat?room=a%20b HTTP/1.1\r\nHost: localhost:3000\r\n\r\n");
        assert!(reply.starts_with("HTTP/1.1 308 "), "{reply}");
        assert!(reply.contains("\r\nLocation: https://localhost:3000/chat?room=a%20b\r\n"), "{reply}");
        assert!(reply.contains("\r\nCache-Control: no-store\r\n"), "{reply}");
    }

    #[test]
    fn a_websocket_is_told_of_wss() {
        let reply = replied("GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: [::1]:3000\r\nUpgrade: WebSocket\r\n\r\n");
        assert!(reply.starts_with("HTTP/1.1 426 "), "{reply}");
        assert!(reply.contains("use wss://[::1]:3000/socket.io/?EIO=4 in place"), "{reply}");
    }

    #[test]
    fn a_host_that_is_none_is_replaced_by_the_local_address() {
        for host in [
            "",
            "Host: \r\n",
            "Host: evil.com/x\r\n",
            "Host: user@evil.com\r\n",
            "Host: a b\r\n",
            "Host: é\r\n",
            "Host: a:99999\r\n",
        ] {
            let reply = replied(&format!("GET / HTTP/1.1\r\n{host}\r\n"));
            assert!(reply.contains("\r\nLocation: https://127.0.0.1:3000/\r\n"), "{host}: {reply}");
        }
    }

    #[test]
    fn a_target_that_is_no_path_leads_to_the_root() {
        for (target, path) in [
            ("*", "/"),
            ("example.com:443", "/"),
            ("http://localhost:3000/a?b=c://d", "/a?b=c://d"),
            ("http://localhost:3000", "/"),
            ("/a?b=http://c/d", "/a?b=http://c/d"),
            ("/\u{e9}", "/"),
        ] {
            assert_eq!(super::path(target), path, "{target}");
        }
    }

    #[test]
    fn headers_cannot_be_smuggled_in() {
        for head in [
            "GET /\rSet-Cookie:a HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: localhost\rSet-Cookie: a=b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: localhost\n Set-Cookie: a=b\r\n\r\n",
        ] {
            assert!(!replied(head).contains("Set-Cookie"), "{head:?}");
        }
    }

    #[test]
    fn a_head_answer_has_no_body() {
        assert!(replied("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n").ends_with("\r\n\r\n"));
    }
}
