//! Orders from the client's side: made, authorized, finalized, and the certificate fetched (RFC 8555 sections 7.4, 7.5).

use std::collections::HashSet;
use std::net::IpAddr;

use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::accounts::Account;
use super::answer::{Answer, Content};
use super::identifier::Identifier;
use super::jws::brief;
use super::orders::{Authorization, Challenge, MOST_NAMES, Method, Order, Status, Wanted};
use super::problem::{Kind, Problem};
use super::routes::{Call, Signed, not_found};
use super::validation::Task;
use super::{Event, State, authority};
use crate::base::validity::rfc3339;
use crate::issue::cert::RequestedExtensions;
use crate::x509::csr::Request;
use crate::x509::name::SubjectAltName;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewOrder {
    identifiers: Vec<Identifier>,
    not_before: Option<String>,
    not_after: Option<String>,
    replaces: Option<String>,
}

#[derive(Deserialize)]
struct Finalize {
    csr: String,
}

#[derive(Deserialize)]
struct Update {
    status: String,
}

impl State {
    pub(super) fn new_order(&self, signed: &Signed<'_>) -> Result<Answer, Problem> {
        let (account, call, now) = (signed.account()?, signed.call, (self.clock)());
        let asked: NewOrder = signed.message.json()?;
        let names = names(&asked.identifiers)?;
        let (not_before, not_after) = (time("notBefore", asked.not_before)?, time("notAfter", asked.not_after)?);
        self.authority.check_names(&names, now)?;
        self.authority.check_times(not_before, not_after, now)?;
        if let Some(id) = &asked.replaces {
            self.check_replaced(id, account, &names)?;
        }
        let wanted = Wanted {
            account: account.id.clone(),
            names,
            not_before,
            not_after,
            replaces: asked.replaces,
            from: call.from,
        };
        let mut orders = self.orders();
        let order = orders.add(wanted, now)?;
        Ok(shown(call, order).with_status(201))
    }

    /// Checks that an order may replace a certificate: it is the account's, and has a name in common (RFC 9773 section 5).
    fn check_replaced(&self, id: &str, account: &Account, names: &[SubjectAltName]) -> Result<(), Problem> {
        let entry = self.authority.named(id)?;
        if entry.who != Some(authority::holder(&account.id)) {
            return Err(Problem::unauthorized("the certificate in `replaces` is another account's"));
        }
        if !names.iter().any(|name| entry.names.contains(&name.to_string())) {
            return Err(Problem::malformed("the certificate in `replaces` has none of the order's names"));
        }
        Ok(())
    }

    pub(super) fn order(&self, signed: &Signed<'_>, id: &str) -> Result<Answer, Problem> {
        self.with_order(signed, id, |order| Ok(shown(signed.call, order)))
    }

    /// Works with an order of the account that has signed.
    fn with_order<T>(
        &self,
        signed: &Signed<'_>,
        id: &str,
        work: impl FnOnce(&mut Order) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let account = signed.account()?;
        let mut orders = self.orders();
        let order = orders.find(id, (self.clock)()).ok_or_else(not_found)?;
        if order.account != account.id {
            return Err(Problem::unauthorized("the order is another account's"));
        }
        work(order)
    }

    /// Shows an authorization, or gives it up.
    pub(super) fn authorization(&self, signed: &Signed<'_>, id: &str, index: &str) -> Result<Answer, Problem> {
        let index = number(index)?;
        let gives_up = !signed.message.payload().is_empty();
        if gives_up && signed.message.json::<Update>()?.status != "deactivated" {
            return Err(Problem::malformed("an authorization can be given the status `deactivated` alone"));
        }
        self.with_order(signed, id, |order| {
            let authorization = order.authorizations.get_mut(index).ok_or_else(not_found)?;
            if gives_up && matches!(authorization.status, Status::Pending | Status::Valid) {
                authorization.status = Status::Deactivated;
            }
            Ok(())
        })?;
        // Once more, because the order's state follows.
        self.with_order(signed, id, |order| {
            let authorization = order.authorizations.get(index).ok_or_else(not_found)?;
            let answer = Answer::json(authorization_json(signed.call, order, index, authorization));
            let is_checked = authorization.challenges.iter().any(|challenge| challenge.status == Status::Processing);
            Ok(if is_checked { answer.retry_after(1) } else { answer })
        })
    }

    /// Shows a challenge, or begins to check it.
    pub(super) fn challenge(
        &self,
        signed: &Signed<'_>,
        id: &str,
        index: &str,
        method: &str,
    ) -> Result<Answer, Problem> {
        let (call, index) = (signed.call, number(index)?);
        let method = Method::ALL.into_iter().find(|known| known.name() == method).ok_or_else(not_found)?;
        let begins = !signed.message.payload().is_empty();
        if begins {
            // An object, `{}` as a rule.
            let _object: serde_json::Map<String, Value> = signed.message.json()?;
        }
        let thumbprint = signed.account()?.key.thumbprint();
        // Only the account's own orders.
        self.with_order(signed, id, |order| order.authorizations.get(index).map(|_| ()).ok_or_else(not_found))?;
        let has_begun = begins && self.orders().begin(id, index, method, (self.clock)());
        self.with_order(signed, id, |order| {
            let authorization = order.authorizations.get(index).ok_or_else(not_found)?;
            let challenge = authorization.challenge(method).ok_or_else(not_found)?;
            let mut answer = Answer::json(challenge_json(call, &order.id, index, challenge));
            if challenge.status == Status::Processing {
                answer = answer.retry_after(1);
            }
            if has_begun {
                let task = Task {
                    name: authorization.name.clone(),
                    method,
                    token: challenge.token.clone(),
                    authorization: format!("{}.{thumbprint}", challenge.token),
                    from: order.from,
                };
                answer.validation = Some((order.id.clone(), index, task));
            }
            Ok(answer.linked(call.url(&format!("/acme/authz/{id}/{index}")), "up"))
        })
    }

    /// Issues the certificate of an order that is ready.
    pub(super) fn finalize(&self, signed: &Signed<'_>, id: &str) -> Result<Answer, Problem> {
        let (account, now) = (signed.account()?, (self.clock)());
        let Finalize { csr } = signed.message.json()?;
        let der = BASE64URL.decode_to_vec(csr);
        let der = der.map_err(|error| Problem::malformed(format!("`csr` is not base64url: {error}")))?;
        let order = self.with_order(signed, id, |order| Ok(order.clone()))?;
        if order.status != Status::Ready {
            let detail = format!("the order is {}, not ready", json!(order.status).as_str().unwrap_or_default());
            return Err(Problem::new(Kind::OrderNotReady, detail));
        }
        let bad = |detail: String| Problem::new(Kind::BadCsr, detail);
        let request = Request::from_der(&der).map_err(|error| bad(error.to_string()))?;
        check_request(&request, &order.names).map_err(bad)?;
        if request.spki == account.key.spki() {
            return Err(bad("the request is for the account's own key".to_owned()));
        }
        // Of two requests at once, one issues.
        self.with_order(signed, id, |order| {
            if order.status != Status::Ready {
                return Err(Problem::new(Kind::OrderNotReady, "the order is being finalized already"));
            }
            order.status = Status::Processing;
            Ok(())
        })?;
        let issued = self.authority.issue(&order, &request, now);
        let answer = self.with_order(signed, id, |order| {
            match issued {
                Ok(chain) => {
                    order.status = Status::Valid;
                    order.chain = Some(chain);
                }
                Err(problem) => {
                    // The client may come with another request.
                    order.status = Status::Ready;
                    return Err(problem);
                }
            }
            Ok(shown(signed.call, order))
        })?;
        (self.observer)(&Event::Issued {
            names: order.names.iter().map(SubjectAltName::value).collect(),
            account: account.id.clone(),
            from: signed.call.from,
        });
        Ok(answer)
    }

    pub(super) fn certificate(&self, signed: &Signed<'_>, id: &str) -> Result<Answer, Problem> {
        self.with_order(signed, id, |order| {
            let chain = order.chain.clone().ok_or_else(not_found)?;
            Ok(Answer::new(200, Content::Chain(chain)))
        })
    }
}

fn number(text: &str) -> Result<usize, Problem> {
    text.parse().map_err(|_number| not_found())
}

fn time(name: &str, text: Option<String>) -> Result<Option<OffsetDateTime>, Problem> {
    let parse = |text: String| OffsetDateTime::parse(&text, &Rfc3339);
    text.map(parse).transpose().map_err(|error| Problem::malformed(format!("`{name}` is no time of RFC 3339: {error}")))
}

/// The names of an order, each once.
fn names(identifiers: &[Identifier]) -> Result<Vec<SubjectAltName>, Problem> {
    if identifiers.is_empty() || identifiers.len() > MOST_NAMES {
        return Err(Problem::malformed(format!("an order has at least one name, and {MOST_NAMES} at most")));
    }
    let mut names = Vec::new();
    for identifier in identifiers {
        let name = name(identifier).map_err(|problem| problem.about(identifier))?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

fn name(identifier: &Identifier) -> Result<SubjectAltName, Problem> {
    let value = &identifier.value;
    match identifier.kind.as_str() {
        "dns" if value.parse::<IpAddr>().is_ok() => {
            Err(Problem::malformed(format!("{value} is an address, and ordered as an identifier of the type `ip`")))
        }
        "dns" if value.starts_with("*.") => Err(Problem::new(
            Kind::RejectedIdentifier,
            format!(
                "`{}`: no challenge of this server shows that a whole domain is yours; order its hosts",
                brief(value)
            ),
        )),
        "dns" => match format!("DNS:{value}").parse() {
            Ok(SubjectAltName::Dns(name)) => Ok(SubjectAltName::Dns(name)),
            Ok(_) => Err(Problem::malformed(format!("`{}` is no DNS name", brief(value)))),
            Err(error) => Err(Problem::malformed(error.to_string())),
        },
        // RFC 8738 section 3: the address as RFC 5952 writes it.
        "ip" => match value.parse::<IpAddr>() {
            Ok(address) if address.to_string() == *value => Ok(SubjectAltName::Ip(address)),
            _ => Err(Problem::malformed(format!("`{}` is no address as RFC 5952 writes it", brief(value)))),
        },
        other => Err(Problem::new(
            Kind::UnsupportedIdentifier,
            format!("identifiers of the type `{}` are not certified, but `dns` and `ip`", brief(other)),
        )),
    }
}

/// Checks that a request asks for exactly the names of its order (RFC 8555 section 7.4).
fn check_request(request: &Request, ordered: &[SubjectAltName]) -> Result<(), String> {
    let requested = RequestedExtensions::from_request(request, false, true).map_err(|error| error.to_string())?;
    let mut asked: HashSet<_> = requested.subject_alt_names().into_iter().collect();
    let common_name: Option<SubjectAltName> = request.subject.last_common_name().and_then(|name| name.parse().ok());
    // A commonName in words names no host, and the certificate has no subject anyway.
    asked.extend(common_name.filter(|name| match name {
        SubjectAltName::Dns(name) => name.contains('.') || name == "localhost",
        _ => true,
    }));
    let ordered: HashSet<_> = ordered.iter().cloned().collect();
    if asked == ordered {
        return Ok(());
    }
    let listed = |names: &mut dyn Iterator<Item = &SubjectAltName>| {
        let mut names: Vec<_> = names.map(SubjectAltName::value).collect();
        names.sort_unstable();
        brief(&names.join(", "))
    };
    let (more, less) = (listed(&mut asked.difference(&ordered)), listed(&mut ordered.difference(&asked)));
    Err(match (more.is_empty(), less.is_empty()) {
        (false, true) => format!("the request asks for {more}, which the order does not name"),
        (true, _) => format!("the request does not ask for {less}, which the order names"),
        (false, false) => format!("the request asks for {more}, and the order is for {less}"),
    })
}

fn shown(call: &Call, order: &Order) -> Answer {
    let url = call.url(&format!("/acme/order/{}", order.id));
    let authorizations =
        (0..order.authorizations.len()).map(|index| call.url(&format!("/acme/authz/{}/{index}", order.id)));
    let mut json = json!({
        "status": order.status,
        "expires": rfc3339(order.expires),
        "identifiers": order.names.iter().map(Identifier::from).collect::<Vec<_>>(),
        "authorizations": authorizations.collect::<Vec<_>>(),
        "finalize": format!("{url}/finalize"),
    });
    let optional = [
        ("notBefore", order.not_before.map(|time| json!(rfc3339(time)))),
        ("notAfter", order.not_after.map(|time| json!(rfc3339(time)))),
        ("error", order.error.as_ref().map(|error| json!(error))),
        ("replaces", order.replaces.as_ref().map(|id| json!(id))),
        ("certificate", order.chain.as_ref().map(|_| json!(call.url(&format!("/acme/certificate/{}", order.id))))),
    ];
    extend(&mut json, optional);
    let answer = Answer::json(json).at(url);
    if order.status == Status::Processing { answer.retry_after(1) } else { answer }
}

fn authorization_json(call: &Call, order: &Order, index: usize, authorization: &Authorization) -> Value {
    let is_open = authorization.status == Status::Pending;
    // Of one that is decided, the challenge that has decided it (RFC 8555 section 7.1.4).
    let is_shown = |challenge: &&Challenge| is_open || challenge.status != Status::Pending;
    let challenges = authorization.challenges.iter().filter(is_shown);
    json!({
        "identifier": Identifier::from(&authorization.name),
        "status": authorization.status,
        "expires": rfc3339(order.expires),
        "challenges": challenges.map(|one| challenge_json(call, &order.id, index, one)).collect::<Vec<_>>(),
    })
}

fn challenge_json(call: &Call, order: &str, index: usize, challenge: &Challenge) -> Value {
    let mut json = json!({
        "type": challenge.method,
        "url": call.url(&format!("/acme/challenge/{order}/{index}/{}", challenge.method)),
        "status": challenge.status,
        "token": challenge.token,
    });
    let optional = [
        ("validated", challenge.validated.map(|time| json!(rfc3339(time)))),
        ("error", challenge.error.as_ref().map(|error| json!(error))),
    ];
    extend(&mut json, optional);
    json
}

/// Adds the members that are there.
fn extend<const N: usize>(json: &mut Value, optional: [(&str, Option<Value>); N]) {
    let members = optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    if let Some(json) = json.as_object_mut() {
        json.extend(members);
    }
}
