use std::fs;

use hyper::Request;

use crate::client::{Http, Polling, tls};
use crate::fixture::Running;

const GREETING: &str = "Hello, Socket.io with SSL/TLS!";

#[tokio::test]
async fn the_root_is_text_unless_html_is_accepted() {
    let server = Running::demo().await;
    let mut http = Http::connect(server.address).await;
    for (accept, is_page) in [
        ("*/*", false),
        ("text/plain", false),
        ("text/html;q=0, */*", false),
        ("application/xhtml+xml, TEXT/HTML;q=0.9, */*;q=0.8", true),
        ("text/html", true),
    ] {
        let answer = http.send(Request::get("/").header("accept", accept), "").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("vary"), "Accept", "{accept}");
        if is_page {
            assert!(answer.text().contains("shown on the page"), "{accept}");
            assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        } else {
            assert_eq!(answer.text(), GREETING, "{accept}");
            assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        }
    }
}

#[tokio::test]
async fn the_page_may_load_nothing_from_elsewhere() {
    let server = Running::demo().await;
    for mut http in [Http::connect(server.address).await, Http::connect_http2(server.address).await] {
        let answer = http.send(Request::get("/").header("accept", "text/html"), "").await;
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
        assert!(policy.contains("connect-src 'self' wss://localhost:3000;"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
    }
}

#[tokio::test]
async fn both_protocols_are_spoken_and_none_need_be_named() {
    let server = Running::demo().await;
    for (offered, agreed) in
        [(&["h2", "http/1.1"][..], Some(&b"h2"[..])), (&["http/1.1"], Some(b"http/1.1")), (&[], None)]
    {
        let tls = tls(server.address, offered).await;
        assert_eq!(tls.get_ref().1.alpn_protocol(), agreed);
    }
    for mut http in [Http::connect(server.address).await, Http::connect_http2(server.address).await] {
        assert_eq!(http.get("/").await.text(), GREETING);
    }
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let server = Running::demo().await;
    let mut http = Http::connect(server.address).await;
    for (request, status) in [
        (Request::get("/nothing"), 404),
        (Request::post("/"), 405),
        (Request::delete("/demo.css"), 405),
        (Request::get("/socket.io/socket.io.txt"), 404),
    ] {
        let answer = http.send(request, "").await;
        assert_eq!(answer.status, status);
        assert!(!answer.text().is_empty());
    }
    let head = http.send(Request::head("/"), "").await;
    assert_eq!((head.status, head.text()), (200, ""));
    assert_eq!(head.header("content-length"), GREETING.len().to_string());
}

#[tokio::test]
async fn a_supplied_client_library_is_served_and_known_again() {
    let server = Running::start(|config| config.client_js = Some(b"window.io = null;".to_vec())).await;
    let mut http = Http::connect(server.address).await;
    for path in ["/socket.io/socket.io.js", "/socket.io/socket.io.min.js"] {
        let answer = http.get(path).await;
        assert_eq!((answer.status, answer.text()), (200, "window.io = null;"));
        assert_eq!(answer.header("content-type"), "application/javascript; charset=utf-8");
        let etag = answer.header("etag").to_owned();
        for known in [&*etag, "\"another\", *", etag.trim_start_matches("W/")] {
            let again = http.send(Request::get(path).header("if-none-match", known), "").await;
            assert_eq!((again.status, again.header("etag")), (304, &*etag), "{known}");
        }
        let changed = http.send(Request::get(path).header("if-none-match", "W/\"another\""), "").await;
        assert_eq!(changed.status, 200);
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "files to be served, as a person writes them")]
async fn a_persons_own_page_takes_the_place_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    fs::create_dir(&site).unwrap();
    fs::write(site.join("index.html"), "my page").unwrap();
    fs::write(folder.path().join("secret"), "not part of it").unwrap();
    let server = Running::start(|config| config.static_dir = Some(site)).await;
    let mut http = Http::connect(server.address).await;
    let answer = http.get("/").await;
    assert_eq!((answer.status, answer.text()), (200, "my page"));
    assert_eq!(answer.header("cache-control"), "no-cache", "a changed file must be seen at the next load");
    assert_eq!(answer.header("content-security-policy"), "");
    for path in ["/../secret", "/%2e%2e/secret", "/..%2fsecret", "//etc/passwd", "/%2fetc/passwd", "/demo.css"] {
        assert_eq!(http.get(path).await.status, 404, "{path}");
    }
    assert_eq!(http.send(Request::post("/"), "").await.status, 405);
    Polling::join(server.address).await;
}
