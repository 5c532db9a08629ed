//! `secure-io ca`.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

#[test]
fn it_is_made_once() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("secure-io ca init --ca-dir ca"), @r#"
    $ secure-io ca init --ca-dir ca
    exit: 0
    --- stdout
    Made a local CA in ca
      root.pem          what clients trust, expires [DATE], sha256 [HEX]…
      intermediate.pem  what signs
    --- stderr
    hint: trust ca/root.pem in your browser or system, then `secure-io gen-cert --ca --ca-dir ca`
    "#);
    assert_snapshot!(sandbox.run("secure-io ca init --ca-dir ca"), @r#"
    $ secure-io ca init --ca-dir ca
    exit: 2
    --- stderr
    error: there is a local CA in `ca` already
    hint: it signs with `secure-io gen-cert --ca`
    "#);
    assert!(!sandbox.exists("ca/root-key.pem"));
    assert_snapshot!(sandbox.run("secure-io ca path --ca-dir ca"), @r#"
    $ secure-io ca path --ca-dir ca
    exit: 0
    --- stdout
    ca
    "#);
}

#[test]
fn what_it_may_sign_for_is_chosen() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("secure-io ca init --ca-dir a --permit 10.0.0.0/40"), @r#"
    $ secure-io ca init --ca-dir a --permit 10.0.0.0/40
    exit: 2
    --- stderr
    error: `10.0.0.0/40` is neither a domain nor a range of addresses (10.0.0.0/8)
    "#);
    assert_snapshot!(sandbox.run("secure-io ca init --ca-dir a --permit any --keep-root-key"), @r#"
    $ secure-io ca init --ca-dir a --permit any --keep-root-key
    exit: 0
    --- stdout
    Made a local CA in a
      root.pem          what clients trust, expires [DATE], sha256 [HEX]…
      intermediate.pem  what signs
    --- stderr
    warning: whoever steals this CA's key can sign for every host on the Internet, for you
    hint: trust a/root.pem in your browser or system, then `secure-io gen-cert --ca --ca-dir a`
    "#);
    assert!(sandbox.exists("a/root-key.pem"));
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir a example.com");
}

#[test]
fn its_folder_is_the_platforms_unless_said_otherwise() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("secure-io ca path"), @r#"
    $ secure-io ca path
    exit: 0
    --- stdout
    [DIR]/.local/share/secure-io/ca
    "#);
}
