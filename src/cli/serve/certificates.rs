//! Certificates of `serve`: one, or by server name those of the local CA or of a test PKI.

use std::collections::HashSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secure_io::ca::LocalCa;
use secure_io::credentials::{self, Credentials};
use secure_io::generate::CertificateSpec;
use secure_io::name::SubjectAltName;
use secure_io::report::fixtures::{Expected, Fixture};
use secure_io::tls::{Answer, ByName, Issuer};
use secure_io::words::counted;
use secure_io::{files, fixtures, key, validity};

use super::log::Lines;
use crate::cli::caller::Caller;
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

/// The names and addresses that a certificate is for.
pub(super) fn names(credentials: &Credentials) -> Vec<String> {
    let names = credentials.report().map(|report| report.subject_alt_names).unwrap_or_default();
    let bare = names.iter().filter_map(|name| name.strip_prefix("DNS:").or_else(|| name.strip_prefix("IP:")));
    bare.map(str::to_owned).collect()
}

/// Largest number of certificates by name that one run of the server records in the CA's log: more than a person opens,
/// and few enough that a stranger who asks for thousands does not fill the disk.
const RECORDED: usize = 64;

/// Names without a certificate that get a line in the server's log.
const REFUSALS_SAID: usize = 64;

/// Issues certificates from the local CA for the names that clients send and the addresses they call.
pub(crate) struct FromCa {
    ca: LocalCa,
    /// Further names of a certificate for an address: it is also shown to clients that came by one of these.
    beside: Vec<SubjectAltName>,
    lines: Lines,
    told: Mutex<Told>,
}

/// A record of the names that were logged so far.
#[derive(Default)]
struct Told {
    issued: usize,
    refused: HashSet<String>,
    is_refusing_said: bool,
}

impl FromCa {
    pub(crate) fn new(ca: LocalCa, beside: Vec<SubjectAltName>, lines: Lines) -> Self {
        Self { ca, beside, lines, told: Mutex::default() }
    }

    /// Issues for these names, with an entry in the CA's log while there are few.
    fn credentials(&self, names: Vec<SubjectAltName>) -> Result<Credentials, credentials::Error> {
        let spec = CertificateSpec { names, ..CertificateSpec::default() };
        let (is_recorded, now) = (self.told().issued < RECORDED, validity::now());
        // Under sudo the log is the caller's.
        if is_recorded && let Ok(recorded) = Caller::acting(|| Credentials::from_ca(&self.ca, &spec, now)) {
            return recorded;
        }
        Credentials::unrecorded(&self.ca, &spec, now)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say_issued(&self, name: &str) {
        let mut told = self.told();
        told.issued += 1;
        if told.issued <= RECORDED {
            self.lines.send(format!("Issued a certificate for {name}"));
        }
        if told.issued == RECORDED {
            self.lines.send(format!(
                "Certificates were issued for {RECORDED} names. Further ones are issued, but neither listed here nor \
                 written into the CA's log"
            ));
        }
    }

    fn say_refused(&self, name: &str, error: &credentials::Error) {
        let mut told = self.told();
        if told.refused.len() < REFUSALS_SAID {
            if told.refused.insert(name.to_owned()) {
                self.lines.send(format!("No certificate for {name}: {error}"));
            }
        } else if !told.refused.contains(name) && !std::mem::replace(&mut told.is_refusing_said, true) {
            self.lines.send(format!("No certificate for more than {REFUSALS_SAID} names; further ones are not listed"));
        }
    }
}

impl Issuer for FromCa {
    fn issue(&self, name: &str) -> Answer {
        let Ok(parsed) = name.parse::<SubjectAltName>() else { return Answer::Refused };
        let mut names = vec![parsed];
        if matches!(names.as_slice(), [SubjectAltName::Ip(_)]) {
            names.extend(self.beside.iter().filter(|beside| beside.value() != name).cloned());
        }
        match self.credentials(names) {
            Ok(credentials) => {
                self.say_issued(name);
                let (chain, key) = credentials.into_parts();
                Answer::Issued(chain, key)
            }
            Err(error) => {
                self.say_refused(name, &error);
                Answer::Refused
            }
        }
    }

    fn forgets(&self, remembered: usize) {
        self.lines.send(format!(
            "Certificates for {remembered} names are kept in memory. From now on the one that was not asked for longest \
             is forgotten for each new one"
        ));
    }
}
