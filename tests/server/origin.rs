//! Pages of other origins: who may connect, and the headers of npm's `cors`, which Node's server uses.

use hyper::Request;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self};

use crate::client::{Answer, Http, tls};
use crate::fixture::Running;

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

async fn ask(server: &Running, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Http::connect(server.address).await.send(request, "").await
}

/// Opens a WebSocket for a page of an origin. Returns the status of the answer.
async fn websocket(server: &Running, origin: &str) -> u16 {
    let mut request = "wss://localhost:3000/socket.io/?EIO=4&transport=websocket".into_client_request().unwrap();
    request.headers_mut().insert("origin", origin.parse().unwrap());
    match tokio_tungstenite::client_async(request, tls(server.address, &["http/1.1"]).await).await {
        Ok((_, response)) => response.status().as_u16(),
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
    }
}

/// The headers of an answer that are about origins.
fn about_origins(answer: &Answer) -> Vec<(&str, &str)> {
    let names = ["allow-origin", "allow-credentials", "allow-methods", "allow-headers"];
    let values = names.map(|name| (name, answer.header(&format!("access-control-{name}"))));
    let mut present: Vec<_> = values.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    for vary in answer.headers.get_all("vary") {
        present.push(("vary", vary.to_str().unwrap()));
    }
    present
}

#[tokio::test]
async fn a_page_of_another_origin_could_read_and_send() {
    let mut server = Running::demo().await;
    for origin in ["https://evil.example", "null", "http://localhost.evil.example"] {
        let answer = ask(&server, "GET", POLLING, &[("origin", origin)]).await;
        assert_eq!((answer.status, answer.text()), (403, r#"{"code":4,"message":"Origin not allowed"}"#), "{origin}");
        assert_eq!(about_origins(&answer), [("vary", "Origin")]);
        assert!(server.event("Refused").await.contains(&format!("ForeignOrigin({origin:?})")));
        assert_eq!(websocket(&server, origin).await, 403);
        assert!(server.event("Refused").await.contains(&format!("ForeignOrigin({origin:?})")));
    }
    // A browser asks before it sends what a form could not.
    let asked = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
    let answer = ask(&server, "OPTIONS", POLLING, &asked).await;
    assert_eq!((answer.status, about_origins(&answer)), (204, vec![("vary", "Origin")]));
}

#[tokio::test]
async fn a_session_cannot_be_used_by_a_page_of_another_origin() {
    let server = Running::demo().await;
    let opened = ask(&server, "GET", POLLING, &[]).await;
    let handshake: serde_json::Value = serde_json::from_str(&opened.text()[1..]).unwrap();
    let path = format!("{POLLING}&sid={}", handshake["sid"].as_str().unwrap());
    for method in ["GET", "POST"] {
        assert_eq!(ask(&server, method, &path, &[("origin", "https://evil.example")]).await.status, 403);
    }
    assert_eq!(ask(&server, "POST", &path, &[("origin", "http://localhost:5173")]).await.status, 400, "an empty body");
}

#[tokio::test]
async fn pages_of_this_machine_and_programs_may_connect() {
    let server = Running::demo().await;
    assert_eq!(about_origins(&ask(&server, "GET", POLLING, &[]).await), []);
    for origin in ["http://localhost:5173", "https://app.localhost", "http://127.0.0.1:8080", "http://192.168.1.10"] {
        let answer = ask(&server, "GET", POLLING, &[("origin", origin)]).await;
        let expected = [("allow-origin", origin), ("allow-credentials", "true"), ("vary", "Origin")];
        assert_eq!((answer.status, about_origins(&answer)), (200, expected.to_vec()));
        assert_eq!(websocket(&server, origin).await, 101, "{origin}");
    }
}

/// The answers of socket.io 4.8.4 with `cors: { origin: ["https://app.example"], credentials: true }`.
#[tokio::test]
async fn listed_origins_get_the_headers_of_nodes_cors() {
    let server = Running::start(|config| config.origins.allow("https://app.example").unwrap()).await;
    let origin = ("origin", "https://app.example");
    let allowed = [("allow-origin", "https://app.example"), ("allow-credentials", "true"), ("vary", "Origin")];
    for (method, path, status) in [
        ("GET", POLLING, 200),
        ("POST", "/socket.io/?EIO=4&transport=polling&sid=unknown", 400),
        ("GET", "/socket.io/?EIO=3&transport=polling", 400),
    ] {
        let answer = ask(&server, method, path, &[origin]).await;
        assert_eq!((answer.status, about_origins(&answer)), (status, allowed.to_vec()), "{method} {path}");
    }
    let answer = ask(&server, "GET", POLLING, &[]).await;
    assert_eq!(about_origins(&answer), [("allow-credentials", "true"), ("vary", "Origin")]);
    assert_eq!(websocket(&server, "https://app.example").await, 101);
    assert_eq!(websocket(&server, "https://app.example:8443").await, 403);

    let asked = [origin, ("access-control-request-method", "POST"), ("access-control-request-headers", "x-a,x-b")];
    let answer = ask(&server, "OPTIONS", POLLING, &asked).await;
    let expected = [
        ("allow-origin", "https://app.example"),
        ("allow-credentials", "true"),
        ("allow-methods", "GET,HEAD,PUT,PATCH,POST,DELETE"),
        ("allow-headers", "x-a,x-b"),
        ("vary", "Origin"),
        ("vary", "Access-Control-Request-Headers"),
    ];
    assert_eq!((answer.status, about_origins(&answer)), (204, expected.to_vec()));
}

/// The answers of socket.io 4.8.4 with `cors: { origin: "*" }`.
#[tokio::test]
async fn any_origin_is_let_in_without_credentials() {
    let server = Running::start(|config| config.origins.allow("*").unwrap()).await;
    for headers in [&[][..], &[("origin", "https://any.example")]] {
        assert_eq!(about_origins(&ask(&server, "GET", POLLING, headers).await), [("allow-origin", "*")]);
    }
    let asked = [("origin", "https://any.example"), ("access-control-request-headers", "x-a")];
    let expected = [
        ("allow-origin", "*"),
        ("allow-methods", "GET,HEAD,PUT,PATCH,POST,DELETE"),
        ("allow-headers", "x-a"),
        ("vary", "Access-Control-Request-Headers"),
    ];
    assert_eq!(about_origins(&ask(&server, "OPTIONS", POLLING, &asked).await), expected);
    assert_eq!(websocket(&server, "https://any.example").await, 101);
}
