//! The own search for a path, for when webpki finds none: it finds the most telling reason, and the few paths that
//! webpki refuses though they are valid.

use super::certificate::Certificate;
use super::path::{self, Rejection};
use super::{Request, signature};
use crate::report::verdict::Code;

/// Signatures checked at most: twice webpki's figure, as each is checked as soon as its issuer is a candidate.
const SIGNATURES: u32 = 200;
/// Candidates looked at at most.
const STEPS: u32 = 100_000;
/// Intermediates on a path at most: webpki's figure, so that no path is found that rustls clients refuse for its length.
const INTERMEDIATES: usize = 6;

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

    pub(super) fn take(self) -> Option<(Rejection, Vec<&'a Certificate>)> {
        self.best.map(|(_, rejection, path)| (rejection, path))
    }
}

/// How telling a reason is: those about a path to an anchor before those for which there is none.
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
    path: Vec<&'a Certificate>,
    signatures: u32,
    steps: u32,
    best: Best<'a>,
}

impl<'a, 'r> Search<'a, 'r> {
    pub(super) fn new(leaf: &'a Certificate, request: &'r Request<'a>) -> Self {
        Self { request, path: vec![leaf], signatures: SIGNATURES, steps: STEPS, best: Best::default() }
    }

    /// A path that is valid, else the most telling reason.
    pub(super) fn run(mut self) -> Result<Vec<&'a Certificate>, Best<'a>> {
        if self.extend() { Ok(self.path) } else { Err(self.best) }
    }

    fn extend(&mut self) -> bool {
        let Some(&head) = self.path.last() else { return false };
        let request = self.request;
        let mut is_named = false;
        for anchor in request.anchors.issuers_of(head) {
            is_named = true;
            if self.try_issuer(head, anchor) {
                if self.is_valid() {
                    return true;
                }
                self.path.pop();
            }
        }
        if self.path.len() > INTERMEDIATES {
            return self
                .refuse(Code::ChainTooComplex, "more than six intermediates stand above it, which rustls refuses");
        }
        let mut issuers: Vec<&Certificate> = Vec::new();
        for issuer in request.presented {
            let Some(steps) = self.steps.checked_sub(1) else {
                return self.refuse(Code::ChainTooComplex, "more paths could lead from it than are tried");
            };
            self.steps = steps;
            if head.names_as_issuer(issuer) && !self.is_on_path(issuer) && !request.anchors.contains(issuer) {
                issuers.push(issuer);
            }
        }
        issuers.sort_by_key(|issuer| !path::key_ids_agree(head, issuer));
        for issuer in issuers {
            is_named = true;
            if self.try_issuer(head, issuer) {
                if self.extend() {
                    return true;
                }
                self.path.pop();
            }
        }
        if !is_named {
            self.refuse_unknown(head);
        }
        false
    }

    /// Puts an issuer on the path if it signed what is below it.
    fn try_issuer(&mut self, head: &'a Certificate, issuer: &'a Certificate) -> bool {
        let Some(signatures) = self.signatures.checked_sub(1) else {
            return self.refuse(Code::ChainTooComplex, "more signatures would have to be checked than anybody needs");
        };
        self.signatures = signatures;
        match signature::verify(head.signed(), issuer.spki()) {
            Ok(()) => {
                self.path.push(issuer);
                true
            }
            Err(signature::Fault::Algorithm(name)) => {
                self.refuse(Code::WeakSignature, &format!("it is signed with {name}, which is not accepted"))
            }
            Err(signature::Fault::Bad) if issuer.parts.fault.is_some() => {
                self.path.push(issuer);
                let rejection = path::check(&self.path, self.request).err();
                let path = self.path.clone();
                if let Some(rejection) = rejection {
                    self.best.add(rejection, &path);
                }
                self.path.pop();
                false
            }
            // Many a machine has a certificate for `localhost` among its roots: that one was not meant.
            Err(signature::Fault::Bad)
                if head.is_self_issued() && signature::verify(head.signed(), head.spki()).is_ok() =>
            {
                self.refuse_unknown(head);
                false
            }
            Err(signature::Fault::Bad) if !path::key_ids_agree(head, issuer) => self.refuse(
                Code::UnknownIssuer,
                "its issuer is not there: there is one of the same name, but with another key",
            ),
            Err(signature::Fault::Bad) => self.refuse(
                Code::BadSignature,
                "its signature is not its issuer's: it was changed, or signed by another key",
            ),
        }
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

    fn refuse(&mut self, code: Code, message: &str) -> bool {
        let path = self.path.clone();
        self.best.add(Rejection::new(code, path.len().saturating_sub(1), message), &path);
        false
    }

    fn refuse_unknown(&mut self, head: &Certificate) {
        if head.is_self_issued() && signature::verify(head.signed(), head.spki()).is_ok() {
            self.refuse(Code::SelfSigned, "it is signed by itself, and it is not trusted");
        } else {
            let issuer = &head.link().issuer;
            self.refuse(
                Code::UnknownIssuer,
                &format!("its issuer `{issuer}` is neither trusted nor among the certificates given"),
            );
        }
    }
}
