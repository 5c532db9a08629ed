//! Which certificates `serve` shows: one, and by server name those of the local CA or of a test PKI.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secure_io::ca::LocalCa;
use secure_io::credentials::{self, Credentials};
use secure_io::material::Order;
use secure_io::name::SubjectAltName;
use secure_io::report::fixtures::{Expected, Fixture};
use secure_io::tls::{Answer, ByName, Issue};
use secure_io::{files, fixtures, validity};

use super::log::Lines;
use crate::cli::failure::{self, Failure};
use crate::cli::output::Output;

/// A test PKI to serve.
#[derive(clap::Args)]
#[command(next_help_heading = "Test PKI")]
pub(super) struct FixtureArgs {
    /// Show the certificates of this folder, which `secure-io fixtures` made, each under its server name
    #[arg(long, value_name = "DIR", conflicts_with_all = ["cert", "key"])]
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
        let leaf = shown.chain.first().map(AsRef::as_ref).unwrap_or_default();
        let from_seed = expected.is_some_and(|expected| expected.test_only) || fixtures::is_test_certificate(leaf);
        if from_seed && !address.is_loopback() && !self.allow_test_keys {
            return Err(Failure::message(format!(
                "will not serve certificates made from a seed on {address}: anybody can have their keys"
            ))
            .hint("serve them on this machine alone, without `--addr`; or say `--allow-test-keys`"));
        }
        Ok(())
    }

    /// Adds the test PKI's certificates under their server names.
    ///
    /// Those that nothing can be signed for are taken out of it.
    pub(super) fn add(&self, by_name: &mut ByName, expected: &mut Expected, out: &mut Output) -> Result<(), Failure> {
        let folder = self.fixtures.as_deref().unwrap_or(Path::new("."));
        let mut left_out = Vec::new();
        for fixture in &expected.fixtures {
            let (chain, key) = load(folder, fixture)?;
            if by_name.danger_insert(&fixture.server_name, chain, &key).is_err() {
                left_out.push(fixture.server_name.clone());
            }
        }
        if !left_out.is_empty() {
            out.warning(format!("nothing can be signed with the keys of {}: left out", left_out.join(", ")));
        }
        expected.fixtures.retain(|fixture| !left_out.contains(&fixture.server_name));
        let count = expected.fixtures.len();
        out.note(format!("showing {count} certificates of {} by server name", folder.display()));
        Ok(())
    }
}

/// A fixture's chain as the octets it is, sound or not, and its key.
fn load(folder: &Path, fixture: &Fixture) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Failure> {
    let unreadable = |path: &Path| Failure::message(format!("`{}` is not what `fixtures` made", path.display()));
    let (chain_file, key_file) = (folder.join(&fixture.chain), folder.join(&fixture.key));
    let chain = files::read(&chain_file)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain).collect();
    let key = PrivateKeyDer::from_pem_slice(&files::read(&key_file)?);
    let again = |failure: Failure| failure.hint("build the folder anew with `secure-io fixtures`");
    Ok((chain.map_err(|_| again(unreadable(&chain_file)))?, key.map_err(|_| again(unreadable(&key_file)))?))
}

/// The names that a certificate is for and that clients send.
pub(super) fn server_names(credentials: &Credentials) -> Vec<String> {
    let names = credentials.report().map(|report| report.subject_alt_names).unwrap_or_default();
    names.iter().filter_map(|name| name.strip_prefix("DNS:")).map(str::to_owned).collect()
}

/// Issues certificates from the local CA for the names that clients send, each once, with a line in the log.
pub(super) fn issue_from(ca: LocalCa, lines: Lines) -> Issue {
    let ca = Arc::new(ca);
    Box::new(move |name| {
        let Ok(name) = name.parse::<SubjectAltName>() else { return Answer::Refused };
        let order = Order { names: vec![name.clone()], ..Order::default() };
        match Credentials::from_ca(&ca, &order, validity::now()) {
            Ok(credentials) => {
                lines.send(format!("Issued a certificate for {}", name.value()));
                let (chain, key) = credentials.into_parts();
                Answer::Issued(chain, key)
            }
            Err(error) => {
                lines.send(format!("No certificate for {}: {error}", name.value()));
                if matches!(error, credentials::Error::Material(_)) { Answer::Refused } else { Answer::Failed }
            }
        }
    })
}
