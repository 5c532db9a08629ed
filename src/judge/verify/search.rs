//! Our own search for a path, for when webpki finds none: it finds the most specific reason, and the few paths that
//! webpki refuses though they are valid.

use std::collections::HashSet;

use super::candidates::{Candidates, INTERMEDIATES, Reach};
use super::certificate::Certificate;
use super::fault::Rejection;
use super::path::{self, Agreement};
use super::{Request, signature};
use crate::judge::report::verdict::Code;

/// Signatures checked at most: twice webpki's figure, as each is checked as soon as its issuer is a candidate.
const SIGNATURES: u32 = 200;
/// Candidates looked at at most.
const STEPS: u32 = 100_000;

/// The most telling reason so far, with the path that it is about.
#[derive(Debug, Default)]
pub(super) struct Best<'a> {
    best: Option<(u8, Rejection, Vec<&'a Certificate>)>,
}

impl<'a> Best<'a> {
    pub(super) fn add(&mut self, rejection: Rejection, path: &[&'a Certificate]) {
        let rank = rank(rejection.code);
        if self.best.as_ref().is_none_or(|(best, ..)| rank > *best) {
            self.best = Some((rank, rejection, path.to_vec()));
        }
    }

    fn is_empty(&self) -> bool {
        self.best.is_none()
    }

    pub(super) fn take(self) -> Option<(Rejection, Vec<&'a Certificate>)> {
        self.best.map(|(_, rejection, path)| (rejection, path))
    }
}

/// Ranks reasons: those about a path to an anchor come before those for a path that reaches none.
const fn rank(code: Code) -> u8 {
    match code {
        Code::Revoked => 20,
        Code::NameConstraint => 19,
        Code::Expired | Code::NotYetValid => 18,
        Code::PathTooLong => 17,
        Code::NotACa | Code::CaAsLeaf => 16,
        Code::WrongPurpose | Code::HostMismatch | Code::KeyMismatch => 15,
        Code::UnknownCriticalExtension => 14,
        Code::CrlInvalid => 13,
        Code::RevocationUnknown => 12,
        Code::WeakSignature | Code::WeakKey => 11,
        Code::Malformed | Code::Version => 10,
        Code::ChainTooComplex => 9,
        Code::BadSignature => 8,
        Code::SelfSigned => 7,
        Code::UnknownIssuer => 6,
    }
}

/// Searches depth first, those issuers first whose subjectKeyIdentifier is the one asked for.
pub(super) struct Search<'a, 'r> {
    request: &'r Request<'a>,
    candidates: &'r Candidates<'a>,
    path: Vec<&'a Certificate>,
    signatures: u32,
    steps: u32,
    /// True if a path was not followed further because of its length.
    is_cut: bool,
    /// Certificates from which no trust anchor can be reached, because all their issuers were tried.
    tried: HashSet<*const Certificate>,
    best: Best<'a>,
}

/// The result of trying an issuer.
enum Tried {
    /// The issuer signed the certificate, and is on the path now.
    Signed,
    /// This issuer's reason, which is reported if no other issuer fits.
    Not(Rejection),
    /// Nothing more is tried.
    Exhausted,
}

impl<'a, 'r> Search<'a, 'r> {
    pub(super) fn new(leaf: &'a Certificate, candidates: &'r Candidates<'a>, request: &'r Request<'a>) -> Self {
        Self {
            request,
            candidates,
            path: vec![leaf],
            signatures: SIGNATURES,
            steps: STEPS,
            is_cut: false,
            tried: HashSet::new(),
            best: Best::default(),
        }
    }

    /// A path that is valid, else the most telling reason.
    pub(super) fn run(mut self) -> Result<Vec<&'a Certificate>, Best<'a>> {
        const TOO_LONG: &str = "more than six intermediates stand above it, which rustls refuses";
        if self.candidates.reach == Reach::TooFar {
            self.refuse(Code::ChainTooComplex, TOO_LONG);
        } else if self.extend() {
            return Ok(self.path);
        } else if self.best.is_empty() && self.is_cut {
            self.refuse(Code::ChainTooComplex, TOO_LONG);
        } else if self.best.is_empty() {
            self.refuse(Code::UnknownIssuer, "no path leads from it to a certificate that is trusted");
        }
        Err(self.best)
    }

    fn is_hopeless(&self) -> bool {
        self.candidates.reach == Reach::Nothing
    }

    fn extend(&mut self) -> bool {
        let Some(&head) = self.path.last() else { return false };
        if self.is_hopeless() && !self.tried.insert(std::ptr::from_ref(head)) {
            return false;
        }
        let issuers = self.candidates.ranked(head);
        if issuers.is_empty() {
            self.refuse_unknown(head);
        }
        let mut reasons = Vec::new();
        let mut is_signed = false;
        for (is_anchor, issuer) in issuers {
            if !is_anchor && (self.is_on_path(issuer) || self.is_too_long()) {
                continue;
            }
            match self.try_issuer(head, issuer) {
                Tried::Signed => {
                    is_signed = true;
                    if if is_anchor { self.is_valid() } else { self.extend() } {
                        return true;
                    }
                    self.path.pop();
                }
                Tried::Not(rejection) => reasons.push((rejection, issuer)),
                Tried::Exhausted => {
                    if !self.is_hopeless() {
                        let message = "more paths could lead from it than are tried";
                        self.refuse(Code::ChainTooComplex, message);
                    }
                    break;
                }
            }
        }
        // Another of the same name says nothing, where the one that was meant is there.
        for (rejection, issuer) in reasons.into_iter().filter(|_| !is_signed) {
            let mut path = self.path.clone();
            path.extend((rejection.index == path.len()).then_some(issuer));
            self.best.add(rejection, &path);
        }
        false
    }

    fn is_too_long(&mut self) -> bool {
        let is_too_long = self.path.len() > INTERMEDIATES && !self.is_hopeless();
        self.is_cut |= is_too_long;
        is_too_long
    }

    /// Adds an issuer to the path if it signed the certificate below.
    fn try_issuer(&mut self, head: &'a Certificate, issuer: &'a Certificate) -> Tried {
        let (Some(signatures), Some(steps)) = (self.signatures.checked_sub(1), self.steps.checked_sub(1)) else {
            return Tried::Exhausted;
        };
        (self.signatures, self.steps) = (signatures, steps);
        let place = self.path.len() - 1;
        let not = |code, message: &str| Tried::Not(Rejection::new(code, place, message));
        match signature::verify(head.signed(), issuer.spki()) {
            Ok(()) => {
                self.path.push(issuer);
                Tried::Signed
            }
            Err(signature::Fault::Algorithm(name)) => {
                not(Code::WeakSignature, &format!("it is signed with {name}, which is not accepted"))
            }
            Err(signature::Fault::Bad) => Tried::Not(self.no_issuer(head, issuer)),
        }
    }

    /// The reason to give when an issuer, by its name, did not sign a certificate.
    fn no_issuer(&self, head: &Certificate, issuer: &Certificate) -> Rejection {
        let place = self.path.len() - 1;
        // One that could sign nothing that is checked: a weak key, or none.
        if let Some(fault) = issuer.fault() {
            return Rejection::new(fault.code, place + 1, fault.message.clone());
        }
        // Many a machine has a certificate for `localhost` among its roots: that one was not meant.
        if head.is_self_issued() && signature::verify(head.signed(), head.spki()).is_ok() {
            let (code, message) = unknown(head);
            return Rejection::new(code, place, message);
        }
        let (code, message) = match path::key_ids(head, issuer) {
            Agreement::Different => {
                (Code::UnknownIssuer, "its issuer is not there: there is one of the same name, but with another key")
            }
            Agreement::Same | Agreement::Unknown => {
                (Code::BadSignature, "its signature is not its issuer's: it was changed, or signed by another key")
            }
        };
        Rejection::new(code, place, message)
    }

    fn is_valid(&mut self) -> bool {
        match path::check(&self.path, self.request) {
            Ok(()) => true,
            Err(rejection) => {
                let path = self.path.clone();
                self.best.add(rejection, &path);
                false
            }
        }
    }

    /// Loops are left out as RFC 4158 section 5.2 has it: same name and same key.
    fn is_on_path(&self, issuer: &Certificate) -> bool {
        self.path.iter().any(|on_path| on_path.spki() == issuer.spki() && on_path.subject() == issuer.subject())
    }

    fn refuse(&mut self, code: Code, message: &str) {
        let path = self.path.clone();
        self.best.add(Rejection::new(code, path.len().saturating_sub(1), message), &path);
    }

    fn refuse_unknown(&mut self, head: &Certificate) {
        let (code, message) = unknown(head);
        self.refuse(code, &message);
    }
}

/// The reason to give where a certificate has no issuer.
fn unknown(head: &Certificate) -> (Code, String) {
    if head.is_self_issued() && signature::verify(head.signed(), head.spki()).is_ok() {
        return (Code::SelfSigned, "it is signed by itself, and it is not trusted".to_owned());
    }
    let issuer = &head.link().issuer;
    (Code::UnknownIssuer, format!("its issuer `{issuer}` is neither trusted nor among the certificates given"))
}
