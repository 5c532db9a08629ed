//! Flags of `serve` about a test PKI, whose certificates are shown by server name.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

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
    pub(super) fn read(&self) -> Result<Option<Expected>, Failure> {
        self.fixtures
            .as_deref()
            .map(|folder| fixtures::expected(folder).map_err(|error| failure::fixtures(folder, error)))
            .transpose()
    }

    /// Refuses to show keys that anybody can have to anybody.
    pub(super) fn check(
        &self,
        expected: Option<&Expected>,
        shown: &Credentials,
        address: IpAddr,
    ) -> Result<(), Failure> {
        let from_seed = expected.is_some_and(|expected| expected.test_only);
        self.check_address(from_seed || is_for_tests(&shown.chain, shown.key().pkcs8()), address)
    }

    fn check_address(&self, from_seed: bool, address: IpAddr) -> Result<(), Failure> {
        if from_seed && !address.is_loopback() && !self.allow_test_keys {
            return Err(Failure::message(format!(
                "will not serve certificates made from a seed on {address}: anybody can have their keys"
            ))
            .hint(format!("serve them on this machine alone: `{}`", CommandLine::typed().without(&ADDR)))
            .hint("--allow-test-keys serves them to other machines all the same"));
        }
        Ok(())
    }

    /// Adds the test PKI's certificates under their server names. Returns the names that nothing can be signed for, which
    /// are taken out of it.
    pub(super) fn add(
        &self,
        by_name: &mut ByName,
        expected: &mut Expected,
        address: IpAddr,
    ) -> Result<Vec<String>, Failure> {
        let folder = self.fixtures.as_deref().unwrap_or(Path::new("."));
        let mut left_out = Vec::new();
        for fixture in &expected.fixtures {
            let (chain, key) = load(folder, fixture)?;
            self.check_address(is_for_tests(&chain, key.secret_der()), address)?;
            if by_name.danger_insert(&fixture.server_name, chain, &key).is_err() {
                left_out.push(fixture.server_name.clone());
            }
        }
        expected.fixtures.retain(|fixture| !left_out.contains(&fixture.server_name));
        Ok(left_out)
    }

    /// Says which of the test PKI is shown.
    pub(super) fn describe(&self, expected: &Expected, left_out: &[String], out: &mut Output) {
        if !left_out.is_empty() {
            out.warning(format!("nothing can be signed with the keys of {}: left out", left_out.join(", ")));
        }
        let folder = self.fixtures.as_deref().unwrap_or(Path::new("."));
        let count = counted(expected.fixtures.len(), "certificate");
        out.note(format!("showing {count} of {} by server name", folder.display()));
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
