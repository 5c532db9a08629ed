//! The command as a whole: help, completions, man pages, JSON, closed pipes.

use std::process::Stdio;

use insta::assert_snapshot;
use secure_io::files;

use crate::sandbox::Sandbox;

#[test]
fn help_names_every_command() {
    assert_snapshot!(Sandbox::new().run("secure-io --help"), @r#"
    $ secure-io --help
    exit: 0
    --- stdout
    Certificates and development TLS for Socket.IO and WebSocket applications

    Usage: secure-io [OPTIONS] <COMMAND>

    Commands:
      gen-key      Make a private key
      gen-csr      Make a certification request (CSR) for a key
      gen-cert     Make a key, a CSR and a certificate; or sign a CSR
      inspect      Show the content of files: certificates, requests, CRLs, keys and stores, in any mix
      convert      Convert keys, certificates and stores: PEM, DER, PKCS#12, PKCS#7
      fingerprint  Print SHA-256 fingerprints of certificates, or pins of their keys
      verify       Say whether clients should accept a certificate, and if not, why not
      check        Audit a running server: TLS, certificates, HTTP, Socket.IO; with two grades
      connect      Connect to a Socket.IO server, and explain why it fails
      doctor       Look at this machine: local CA, trust stores, environment, this folder, ports, names
      ca           Make and show the local CA, which signs for development hosts only
      fixtures     Build a test PKI from a manifest: good certificates, and deliberately bad ones
      serve        Serve a demo HTTPS Socket.IO server
      snippet      Print a configuration of nginx, HAProxy, Node and others for a certificate and key
      proxy        Put TLS in front of another server
      run          Start a dev server behind https://NAME.localhost
      completions  Print completions for a shell
      man          Print the man page, or write one per command
      help         Print this message or the help of the given subcommand(s)

    Global options:
          --color <WHEN>
              When to colour the output

              Possible values:
              - auto:   On a terminal, unless `NO_COLOR` is set
              - always: Always
              - never:  Never
              
              [default: auto]

      -q, --quiet
              Print results and errors only

      -h, --help
              Print help, -h a summary of it

      -V, --version
              Print the version

    Examples:
      secure-io serve                      an HTTPS Socket.IO server, with nothing prepared
      secure-io gen-cert app.test          a key, a CSR and a certificate for a host
      secure-io gen-cert --ca app.test     the same, signed by the local CA (secure-io ca init)

    Exit status: 0 done, 1 the answer is no, 2 it could not be done
    "#);
}

/// Clap knew nothing of `--color`, and named its own tips and usage.
#[test]
fn usage_errors_look_like_all_errors() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("secure-io gen-key --algoritm ed25519 --color never"), @r#"
    $ secure-io gen-key --algoritm ed25519 --color never
    exit: 2
    --- stderr
    error: there is no flag `--algoritm`
    hint: write `secure-io gen-key --algorithm ed25519 --color never`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-key --algorithm dsa"), @r#"
    $ secure-io gen-key --algorithm dsa
    exit: 2
    --- stderr
    error: invalid value `dsa` for `--algorithm <ALGORITHM>`
      [possible values: ecdsa-p256, ecdsa-p384, ecdsa-p521, ed25519, rsa-2048, rsa-3072, rsa-4096]
    hint: see `secure-io gen-key --help`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --ca --self-signed"), @r#"
    $ secure-io gen-cert --ca --self-signed
    exit: 2
    --- stderr
    error: the argument `--ca` cannot be used with `--self-signed`
    hint: see `secure-io gen-cert --help`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-key x"), @r#"
    $ secure-io gen-key x
    exit: 2
    --- stderr
    error: `x` is one argument too many
    hint: see `secure-io gen-key --help`
    "#);
    let is_coloured = |line: &str| {
        let outcome = sandbox.run(line);
        outcome.stderr.contains('\x1b') || outcome.stdout_text().contains('\x1b')
    };
    for line in ["secure-io gen-key x", "secure-io gen-key --help", "secure-io"] {
        assert!(!is_coloured(line), "{line}");
        assert!(is_coloured(&format!("{line} --color always")), "{line}");
    }
}

/// Every command closes its help with examples or, if nothing can be shown, at least with its purpose.
#[test]
fn every_command_has_help() {
    let sandbox = Sandbox::new();
    for command in ["gen-key", "gen-csr", "gen-cert", "ca", "ca init", "ca path", "serve", "completions", "man"] {
        let help = sandbox.ok(&format!("secure-io {command} --help"));
        assert!(help.contains("Usage: secure-io"), "{command}: {help}");
        assert!(command.starts_with("ca") || help.contains("Examples:"), "{command}: {help}");
    }
}

#[test]
fn completions_and_man_pages_are_made() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(sandbox.ok(&format!("secure-io completions {shell}")).contains("gen-cert"), "{shell}");
    }
    assert!(sandbox.ok("secure-io man").contains(".TH secure-io 1"));
    sandbox.ok("secure-io man --out-dir man1");
    for page in ["secure-io.1", "secure-io-gen-cert.1", "secure-io-ca-init.1"] {
        assert!(sandbox.exists(&format!("man1/{page}")), "{page}");
    }
}

/// `secure-io … | head` ends quietly.
#[test]
fn a_closed_stdout_ends_it_quietly() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command("bash");
    command.args(["-c", "set -o pipefail; \"$0\" completions bash | true", env!("CARGO_BIN_EXE_secure-io")]);
    let outcome = sandbox.finish("completions | true", command.stdin(Stdio::null()), b"").success();
    assert_eq!(outcome.stderr, "");
}

/// The output of commands conforms to the published schemas.
#[test]
fn json_keeps_to_its_schema() {
    let sandbox = Sandbox::new();
    for (command, schema) in [
        ("secure-io gen-key --json", "gen-key"),
        ("secure-io gen-csr --key server-key.pem --json '*.test'", "gen-csr"),
        ("secure-io gen-cert --key server-key.pem --force --json '*.test' --days 900", "gen-cert"),
        ("secure-io gen-cert --renew --json '*.test'", "gen-cert"),
        ("secure-io gen-cert --renew --json a.test", "gen-cert"),
    ] {
        let json = serde_json::from_str(&sandbox.ok(command)).unwrap_or_else(|error| panic!("{command}: {error}"));
        let path = format!("{}/docs/json/{schema}.json", env!("CARGO_MANIFEST_DIR"));
        let schema = serde_json::from_slice(&files::read(path.as_ref()).unwrap()).unwrap();
        let errors: Vec<_> =
            jsonschema::validator_for(&schema).unwrap().iter_errors(&json).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{command}: {errors:?}\n{json}");
    }
}
