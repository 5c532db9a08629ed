//! Orders, their authorizations and challenges (RFC 8555 section 7.1), in memory and bounded in number.
//!
//! They do not survive a restart: a client that was in the middle of an order begins a new one.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde::Serialize;
use time::{Duration, OffsetDateTime};

use super::problem::{Kind, Problem};
use crate::base::octets::random;
use crate::x509::name::SubjectAltName;

/// The most orders in all. Beyond, the oldest one that is finished makes room.
const MOST: usize = 4_096;

/// The most orders of one account that are not finished.
const MOST_OPEN: usize = 64;

/// The most orders of one account that are remembered.
const MOST_OF_ACCOUNT: usize = 512;

/// The most names in one order.
pub(super) const MOST_NAMES: usize = 100;

/// Time in which an order has to be finished.
const OPEN: Duration = Duration::hours(6);

/// The state of an order, an authorization or a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Pending,
    Ready,
    Processing,
    Valid,
    Invalid,
    Deactivated,
    Expired,
}

/// A way to show that a host is the client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Method {
    /// A file served by plain HTTP (RFC 8555 section 8.3).
    #[serde(rename = "http-01")]
    Http01,
    /// A certificate shown to a protocol of its own (RFC 8737).
    #[serde(rename = "tls-alpn-01")]
    TlsAlpn01,
}

impl Method {
    pub(in crate::net::acme) const ALL: [Self; 2] = [Self::Http01, Self::TlsAlpn01];

    /// Its name in the registry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http01 => "http-01",
            Self::TlsAlpn01 => "tls-alpn-01",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Debug, Clone)]
pub(super) struct Challenge {
    pub(super) method: Method,
    pub(super) token: String,
    pub(super) status: Status,
    pub(super) validated: Option<OffsetDateTime>,
    pub(super) error: Option<Problem>,
}

/// An authorization, for one name of one order.
#[derive(Debug, Clone)]
pub(super) struct Authorization {
    pub(super) name: SubjectAltName,
    pub(super) status: Status,
    pub(super) challenges: [Challenge; 2],
}

impl Authorization {
    fn new(name: SubjectAltName) -> Self {
        let challenge = |method| Challenge {
            method,
            token: BASE64URL.encode_to_string(random::<32>()),
            status: Status::Pending,
            validated: None,
            error: None,
        };
        Self { name, status: Status::Pending, challenges: Method::ALL.map(challenge) }
    }

    pub(super) fn challenge(&self, method: Method) -> Option<&Challenge> {
        self.challenges.iter().find(|challenge| challenge.method == method)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) id: String,
    /// The account's identifier.
    pub(super) account: String,
    pub(super) status: Status,
    pub(super) names: Vec<SubjectAltName>,
    pub(super) authorizations: Vec<Authorization>,
    pub(super) not_before: Option<OffsetDateTime>,
    pub(super) not_after: Option<OffsetDateTime>,
    pub(super) expires: OffsetDateTime,
    pub(super) error: Option<Problem>,
    /// The certificate that it is to replace (RFC 9773 section 5).
    pub(super) replaces: Option<String>,
    /// The chain as PEM, once it is issued.
    pub(super) chain: Option<Arc<str>>,
    /// The address that the order came from.
    pub(super) from: IpAddr,
}

/// A client's request for an order.
pub(super) struct Wanted {
    pub(super) account: String,
    pub(super) names: Vec<SubjectAltName>,
    pub(super) not_before: Option<OffsetDateTime>,
    pub(super) not_after: Option<OffsetDateTime>,
    pub(super) replaces: Option<String>,
    pub(super) from: IpAddr,
}

impl Order {
    fn is_open(&self) -> bool {
        matches!(self.status, Status::Pending | Status::Ready | Status::Processing)
    }

    /// Follows from the states of the authorizations (RFC 8555 section 7.1.6), and from the time.
    fn update(&mut self, now: OffsetDateTime) {
        if !self.is_open() || self.status == Status::Processing {
            return;
        }
        if now > self.expires {
            for authorization in &mut self.authorizations {
                if matches!(authorization.status, Status::Pending | Status::Valid) {
                    authorization.status = Status::Expired;
                }
            }
            self.fail(Problem::malformed("the order was not finished in time"));
        } else if let Some(failed) =
            self.authorizations.iter().find(|one| !matches!(one.status, Status::Pending | Status::Valid))
        {
            let error = failed.challenges.iter().find_map(|challenge| challenge.error.clone());
            let given_up = || Problem::unauthorized("an authorization of the order was given up");
            self.fail(error.unwrap_or_else(given_up));
        } else if self.authorizations.iter().all(|one| one.status == Status::Valid) {
            self.status = Status::Ready;
        }
    }

    fn fail(&mut self, error: Problem) {
        self.status = Status::Invalid;
        self.error = Some(error);
    }
}

/// All orders.
#[derive(Debug, Default)]
pub(super) struct Orders {
    all: HashMap<String, Order>,
    /// Oldest first.
    sequence: VecDeque<String>,
}

impl Orders {
    /// Takes an order.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of the kind `rateLimited`, or `alreadyReplaced`.
    pub(super) fn add(&mut self, wanted: Wanted, now: OffsetDateTime) -> Result<&Order, Problem> {
        self.update_all(now);
        let of_account = |order: &&Order| order.account == wanted.account;
        if self.all.values().filter(of_account).filter(|order| order.is_open()).count() >= MOST_OPEN {
            let detail = format!("the account has {MOST_OPEN} orders that are not finished, as many as it may");
            return Err(Problem::new(Kind::RateLimited, detail));
        }
        let is_replaced = |order: &Order| order.replaces == wanted.replaces && order.status != Status::Invalid;
        if wanted.replaces.is_some() && self.all.values().any(is_replaced) {
            return Err(Problem::new(Kind::AlreadyReplaced, "another order replaces that certificate already"));
        }
        if self.all.values().filter(of_account).count() >= MOST_OF_ACCOUNT {
            self.forget(|order| order.account == wanted.account);
        }
        if self.all.len() >= MOST && !self.forget(|_| true) {
            return Err(Problem::new(Kind::RateLimited, format!("there are {MOST} open orders, as many as may be")));
        }
        let id = BASE64URL.encode_to_string(random::<12>());
        let order = Order {
            id: id.clone(),
            account: wanted.account,
            status: Status::Pending,
            authorizations: wanted.names.iter().cloned().map(Authorization::new).collect(),
            names: wanted.names,
            not_before: wanted.not_before,
            not_after: wanted.not_after,
            expires: now + OPEN,
            error: None,
            replaces: wanted.replaces,
            chain: None,
            from: wanted.from,
        };
        self.sequence.push_back(id.clone());
        Ok(self.all.entry(id).or_insert(order))
    }

    fn update_all(&mut self, now: OffsetDateTime) {
        self.all.values_mut().for_each(|order| order.update(now));
    }

    /// Forgets the oldest order of those chosen that is finished; returns false if none is.
    fn forget(&mut self, is_chosen: impl Fn(&Order) -> bool) -> bool {
        let is_over = |id: &&String| self.all.get(*id).is_some_and(|order| !order.is_open() && is_chosen(order));
        let Some(oldest) = self.sequence.iter().find(is_over).cloned() else { return false };
        self.all.remove(&oldest);
        self.sequence.retain(|id| *id != oldest);
        true
    }

    /// An order as it is now.
    pub(super) fn find(&mut self, id: &str, now: OffsetDateTime) -> Option<&mut Order> {
        let order = self.all.get_mut(id)?;
        order.update(now);
        Some(order)
    }

    /// The identifiers of an account's orders, oldest first; those that came to nothing are left out.
    pub(super) fn of_account(&mut self, account: &str, now: OffsetDateTime) -> Vec<String> {
        self.update_all(now);
        let is_its = |id: &&String| {
            self.all.get(*id).is_some_and(|order| order.account == account && order.status != Status::Invalid)
        };
        self.sequence.iter().filter(is_its).cloned().collect()
    }

    /// The names, each with its kind, that an account has shown to be its own in orders of the last hours.
    pub(super) fn held_by(&self, account: &str, now: OffsetDateTime) -> HashSet<String> {
        let its = self.all.values().filter(|order| order.account == account && now <= order.expires);
        let authorizations = its.flat_map(|order| &order.authorizations);
        authorizations.filter(|one| one.status == Status::Valid).map(|one| one.name.to_string()).collect()
    }

    /// Notes that a challenge of an order is being answered; returns false if it is no longer open.
    pub(super) fn begin(&mut self, id: &str, index: usize, method: Method, now: OffsetDateTime) -> bool {
        let Some(authorization) = self.find(id, now).and_then(|order| order.authorizations.get_mut(index)) else {
            return false;
        };
        let is_open = authorization.status == Status::Pending
            && authorization.challenges.iter().all(|challenge| challenge.status != Status::Processing);
        let challenge = authorization.challenges.iter_mut().find(|challenge| challenge.method == method);
        match challenge.filter(|challenge| is_open && challenge.status == Status::Pending) {
            Some(challenge) => {
                challenge.status = Status::Processing;
                true
            }
            None => false,
        }
    }

    /// Records the outcome of a challenge.
    pub(super) fn conclude(
        &mut self,
        id: &str,
        index: usize,
        method: Method,
        result: Result<(), Problem>,
        now: OffsetDateTime,
    ) {
        let Some(order) = self.all.get_mut(id) else { return };
        let Some(authorization) = order.authorizations.get_mut(index) else { return };
        let Some(challenge) = authorization.challenges.iter_mut().find(|challenge| challenge.method == method) else {
            return;
        };
        let status = if result.is_ok() { Status::Valid } else { Status::Invalid };
        challenge.status = status;
        challenge.validated = result.is_ok().then_some(now);
        challenge.error = result.err();
        // One that was given up meanwhile stays so.
        if authorization.status == Status::Pending {
            authorization.status = status;
        }
        order.update(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::validity::now;

    fn wanted(account: &str) -> Wanted {
        Wanted {
            account: account.to_owned(),
            names: crate::x509::name::parse_all(["a.test", "b.test"]).unwrap(),
            not_before: None,
            not_after: None,
            replaces: None,
            from: [127, 0, 0, 1].into(),
        }
    }

    #[test]
    fn an_order_is_ready_when_each_name_is_valid() {
        let (mut orders, now) = (Orders::default(), now());
        let id = orders.add(wanted("a"), now).unwrap().id.clone();
        let status = |orders: &mut Orders| orders.find(&id, now).unwrap().status;
        assert!(orders.begin(&id, 0, Method::Http01, now) && !orders.begin(&id, 0, Method::TlsAlpn01, now));
        orders.conclude(&id, 0, Method::Http01, Ok(()), now);
        assert_eq!(status(&mut orders), Status::Pending);
        assert!(orders.begin(&id, 1, Method::TlsAlpn01, now));
        orders.conclude(&id, 1, Method::TlsAlpn01, Ok(()), now);
        assert_eq!(status(&mut orders), Status::Ready);
        assert_eq!(orders.find(&id, now + OPEN + Duration::SECOND).unwrap().status, Status::Invalid);
    }

    #[test]
    fn a_failed_challenge_fails_the_order_with_its_reason() {
        let (mut orders, now) = (Orders::default(), now());
        let id = orders.add(wanted("a"), now).unwrap().id.clone();
        orders.begin(&id, 0, Method::Http01, now);
        orders.conclude(&id, 0, Method::Http01, Err(Problem::new(Kind::Connection, "refused")), now);
        let order = orders.find(&id, now).unwrap();
        assert_eq!((order.status, order.error.as_ref().unwrap().kind), (Status::Invalid, Kind::Connection));
    }

    /// One client cannot fill the memory, nor keep the others out.
    #[test]
    fn the_number_of_orders_is_bounded() {
        let (mut orders, now) = (Orders::default(), now());
        for _ in 0..MOST_OPEN {
            orders.add(wanted("a"), now).unwrap();
        }
        assert_eq!(orders.add(wanted("a"), now).unwrap_err().kind, Kind::RateLimited);
        assert!(orders.add(wanted("b"), now).is_ok());
        let later = now + OPEN + Duration::SECOND;
        for _ in 0..MOST_OF_ACCOUNT + 10 {
            let order = orders.add(wanted("a"), later).unwrap();
            let id = order.id.clone();
            orders.find(&id, later).unwrap().status = Status::Valid;
        }
        assert!(orders.of_account("a", later).len() <= MOST_OF_ACCOUNT);
    }
}
