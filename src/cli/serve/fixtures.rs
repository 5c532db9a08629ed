//! Flags of `serve` about a test PKI, whose certificates are shown by server name.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secure_io::credentials::Credentials;
use secure_io::report::fixtures::{Expected, Fixture};
use secure_io::tls::ByName;
use secure_io::words::counted;
use secure_io::{files, fixtures, key};

use crate::cli::command_line::{ADDR, CommandLine};
use crate::cli::failure::{self, Failure};
use crate::cli::output::Output;

/// A test PKI to serve.
#[derive(clap::Args)]
#[command(next_help_heading = "Test PKI")]
pub(super) struct FixtureArgs {
    /// Show the certificates of this folder, which `secure-io fixtures` made, each under its server name
    #[arg(long, value_name = "DIR", conflicts_with_all = ["cert", "key", "acme"])]
    fixtures: Option<PathBuf>,
    /// Show certificates made from a seed, whose keys anybody can have, to other machines, too
    #[arg(long)]
    allow_test_keys: bool,
}

impl FixtureArgs {
    /// The test PKI that was named.
    pub(super) fn read(&self) -> Result<Option<TestPki<'_>>, Failure> {
        let Some(folder) = self.fixtures.as_deref() else { return Ok(None) };
        let expected = fixtures::expected(folder).map_err(|error| failure::fixtures(folder, error))?;
        Ok(Some(TestPki { folder, expected, keys: self.keys() }))
    }

    /// Whether keys that anybody can have are shown to other machines.
    pub(super) fn keys(&self) -> TestKeys {
        if self.allow_test_keys { TestKeys::Everywhere } else { TestKeys::OnLoopback }
    }
}

/// The addresses at which a server shows certificates whose keys anybody can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TestKeys {
    OnLoopback,
    Everywhere,
}

impl TestKeys {
    /// Refuses to show credentials to other machines if anybody can have their key.
    pub(super) fn check(self, shown: &Credentials, address: IpAddr) -> Result<(), Failure> {
        self.check_address(is_for_tests(&shown.chain, shown.key().pkcs8()), address)
    }

    fn check_address(self, from_seed: bool, address: IpAddr) -> Result<(), Failure> {
        if from_seed && !address.is_loopback() && self == Self::OnLoopback {
            return Err(Failure::message(format!(
                "will not serve certificates made from a seed on {address}: anybody can have their keys"
            ))
            .hint(format!("serve them on this machine alone: `{}`", CommandLine::typed().without(&ADDR)))
            .hint("--allow-test-keys serves them to other machines all the same"));
        }
        Ok(())
    }
}

/// A test PKI, whose certificates are shown by server name.
pub(super) struct TestPki<'a> {
    folder: &'a Path,
    expected: Expected,
    keys: TestKeys,
}

impl TestPki<'_> {
    /// Refuses a PKI made from a seed at an address of other machines.
    pub(super) fn check(&self, address: IpAddr) -> Result<(), Failure> {
        self.keys.check_address(self.expected.test_only, address)
    }

    /// Adds the certificates under their server names. Returns the names that nothing can be signed for, which are taken
    /// out of the PKI.
    pub(super) fn add(&mut self, by_name: &mut ByName, address: IpAddr) -> Result<Vec<String>, Failure> {
        let mut left_out = Vec::new();
        for fixture in &self.expected.fixtures {
            let (chain, key) = load(self.folder, fixture)?;
            self.keys.check_address(is_for_tests(&chain, key.secret_der()), address)?;
            if by_name.danger_insert(&fixture.server_name, chain, &key).is_err() {
                left_out.push(fixture.server_name.clone());
            }
        }
        self.expected.fixtures.retain(|fixture| !left_out.contains(&fixture.server_name));
        Ok(left_out)
    }

    /// Says which of the PKI is shown.
    pub(super) fn describe(&self, left_out: &[String], out: &mut Output) {
        if !left_out.is_empty() {
            out.warning(format!("nothing can be signed with the keys of {}: left out", left_out.join(", ")));
        }
        let count = counted(self.expected.fixtures.len(), "certificate");
        out.note(format!("showing {count} of {} by server name", self.folder.display()));
    }

    /// The PKI's description, for the page that lists it.
    pub(super) fn shared(&self) -> Arc<Expected> {
        Arc::new(self.expected.clone())
    }
}

/// Decides whether anybody can have the key, or that of a CA in the chain.
fn is_for_tests(chain: &[CertificateDer<'_>], key: &[u8]) -> bool {
    key::is_test_key(key) || chain.iter().any(|der| fixtures::is_test_certificate(der))
}

/// A fixture's chain as raw octets, sound or not, and its key.
fn load(folder: &Path, fixture: &Fixture) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Failure> {
    let unreadable = |path: &Path| Failure::message(format!("`{}` is not what `fixtures` made", path.display()));
    let (chain_file, key_file) = (folder.join(&fixture.chain), folder.join(&fixture.key));
    let chain = files::read(&chain_file)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain).collect();
    let key = PrivateKeyDer::from_pem_slice(&files::read(&key_file)?);
    let again = |failure: Failure| failure.hint("build the folder again from its manifest");
    Ok((chain.map_err(|_| again(unreadable(&chain_file)))?, key.map_err(|_| again(unreadable(&key_file)))?))
}
