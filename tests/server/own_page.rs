//! `--static .` in a project's folder: the page is served, and nothing that nobody means to publish.

#![expect(clippy::disallowed_methods, reason = "files to be served, as a person writes them")]

use std::fs;

use crate::client::Http;
use crate::fixture::{CERTIFIED, Running};

#[tokio::test]
async fn keys_dot_files_and_links_that_leave_are_kept_back() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    fs::create_dir_all(site.join(".git")).unwrap();
    fs::create_dir_all(site.join(".well-known")).unwrap();
    fs::create_dir_all(site.join("sub")).unwrap();
    let der = CERTIFIED.signing_key.serialize_der();
    let pem = secure_io::container::pem("PRIVATE KEY", &der).unwrap();
    let certificate = secure_io::container::pem("CERTIFICATE", CERTIFIED.cert.der()).unwrap();
    for (name, content) in [
        ("index.html", &b"my page"[..]),
        ("server-cert.pem", certificate.as_bytes()),
        ("server-key.pem", pem.as_bytes()),
        ("notes.txt", format!("the key is\n\n{}\nkeep it", *pem).as_bytes()),
        ("key.der", &der),
        (".env", b"SECRET=1"),
        (".git/config", b"[remote]"),
        (".well-known/security.txt", b"Contact: me"),
        ("sub/.htpasswd", b"me:x"),
        ("sub/page.html", b"below"),
        ("../outside.txt", b"not part of it"),
    ] {
        fs::write(site.join(name), content).unwrap();
    }
    std::os::unix::fs::symlink("../outside.txt", site.join("link.txt")).unwrap();
    std::os::unix::fs::symlink(".env", site.join("env.txt")).unwrap();
    std::os::unix::fs::symlink("sub/page.html", site.join("inside.html")).unwrap();
    std::os::unix::fs::symlink("..", site.join("up")).unwrap();
    let mut server = Running::start(|config| config.static_dir = Some(site.clone())).await;
    let mut http = Http::connect(server.address).await;
    for (path, status) in [
        ("/", 200),
        ("/server-cert.pem", 200),
        ("/sub/page.html", 200),
        ("/inside.html", 200),
        ("/.well-known/security.txt", 200),
        ("/nothing", 404),
        ("/server-key.pem", 404),
        ("/server%2dkey.pem", 404),
        ("/notes.txt", 404),
        ("/key.der", 404),
        ("/.env", 404),
        ("/%2eenv", 404),
        ("/.git/config", 404),
        ("/sub/.htpasswd", 404),
        ("/sub/../.env", 404),
        ("/link.txt", 404),
        ("/env.txt", 404),
        ("/up/outside.txt", 404),
    ] {
        assert_eq!(http.get(path).await.status, status, "{path}");
    }
    assert!(server.event("Withheld").await.contains("PrivateKey"));
    // A key that comes later is seen, too.
    fs::write(site.join("index.html"), pem.as_bytes()).unwrap();
    assert_eq!(http.get("/").await.status, 404);
}
