//! Certificates of `serve`: one, or by server name those of the local CA or of a test PKI.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secure_io::ca::LocalCa;
use secure_io::credentials::{self, Credentials};
use secure_io::generate::CertificateSpec;
use secure_io::name::SubjectAltName;
use secure_io::tls::{Answer, ByName, Issuer};
use secure_io::validity;

use super::ServerArgs;
use super::fixtures::TestPki;
use super::log::Lines;
use super::reach::Covered;
use crate::cli::caller::Caller;
use crate::cli::failure::Failure;

/// The certificates by server name.
pub(super) struct Shown {
    pub(super) by_name: ByName,
    /// True if the local CA issues for names that have none.
    pub(super) issues: bool,
    /// The names of the test PKI that nothing can be signed for.
    pub(super) left_out: Vec<String>,
}

impl ServerArgs {
    /// The certificates by server name: the test PKI's; else, unless files were named, new ones from the local CA.
    ///
    /// Warns of a local CA that cannot be used.
    pub(super) fn shown(
        &self,
        credentials: &Credentials,
        spec: &CertificateSpec,
        test_pki: Option<&mut TestPki<'_>>,
        lines: &Lines,
        warn: impl FnOnce(String),
    ) -> Result<Shown, Failure> {
        let (chain, key) = credentials.parts();
        let by_name = ByName::with_profile(chain, key, &self.clients.profile()?);
        let mut by_name = by_name.map_err(|error| Failure::new(error.into()))?;
        let shown = |by_name, issues| Shown { by_name, issues, left_out: Vec::new() };
        if let Some(test_pki) = test_pki {
            let left_out = test_pki.add(&mut by_name, self.listen.address())?;
            return Ok(Shown { left_out, ..shown(by_name, false) });
        }
        let paths = if self.acme.domains().is_none() { self.local_ca_in_use()? } else { None };
        let Some(paths) = paths else { return Ok(shown(by_name, false)) };
        match Caller::acting(|| LocalCa::load(&paths))? {
            Ok(ca) => {
                let issuer = FromCa::new(ca, spec.effective_names(), lines.clone());
                Ok(shown(by_name.issuing(names(credentials), Arc::new(issuer)), true))
            }
            Err(error) => {
                warn(format!("the local CA issues nothing for other names: {error}"));
                Ok(shown(by_name, false))
            }
        }
    }

    /// The names that clients are shown a certificate for.
    pub(super) fn covered(&self, credentials: &Credentials, issues: bool, is_plain: bool) -> Covered {
        let is_made = self.cert.is_none() && self.acme.domains().is_none();
        let hosts_typed = is_made.then_some(!self.listen.hosts.is_empty());
        Covered { names: names(credentials), issues, hosts_typed, is_plain }
    }
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
