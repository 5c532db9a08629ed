//! A browser's view of an answer: cross-origin rules, mixed content, Chrome's local network access, HSTS.

use std::net::IpAddr;

use super::address::Address;
use super::run::{Found, Run};
use crate::net::client::Answer;
use crate::net::probe::EndpointHost;

impl Run<'_> {
    /// Warns about requests that a page of the given origin could not make.
    pub(super) fn judge_origin(&mut self, address: &Address, answer: &Answer, ip: IpAddr) {
        let Some(origin) = self.options.origin.clone() else { return };
        let page = Address::read(&origin).ok();
        if page.as_ref().is_some_and(|page| page.is_secure) && !address.is_secure && !address.is_loopback() {
            let message = format!("a page of {origin} may not connect to {}: it is not secure", address.origin());
            self.warn(Found::new("mixed-content", message).sent(format!("Origin: {origin}")));
        }
        if page.as_ref().is_some_and(is_public) && is_local(ip) {
            let message =
                format!("Chrome asks the person before a page of {origin} may connect to {ip}, which is local");
            self.warn(Found::new("local-network-access", message).sent(format!("Origin: {origin}")));
        }
        if page.is_none_or(|page| page.origin() != address.origin()) {
            self.judge_cors(&origin, answer);
        }
    }

    fn judge_cors(&mut self, origin: &str, answer: &Answer) {
        const ALLOW: &str = "access-control-allow-origin";
        let sent = format!("Origin: {origin}");
        let allowed = answer.all(ALLOW);
        let values: Vec<&str> = allowed.iter().flat_map(|value| value.split(',')).map(str::trim).collect();
        let with_credentials = answer.field("access-control-allow-credentials") == Some("true");
        let found = match values.as_slice() {
            [] => Found::new("cors-missing", format!("the answer does not allow the origin {origin}: Access-Control-Allow-Origin is missing"))
                .hint(format!("allow the page's origin in Socket.IO's options: new Server(httpServer, {{ cors: {{ origin: '{origin}' }} }})")),
            [_, _, ..] => Found::new("cors-doubled", format!("Access-Control-Allow-Origin has more than one value: {}", values.join(", "))),
            ["*"] if with_credentials => Found::new(
                "cors-star-credentials",
                "the answer allows every origin (*) with credentials, which browsers refuse for requests with cookies",
            )
            .hint(format!("name the origin in place of *: cors: {{ origin: '{origin}', credentials: true }}")),
            ["*"] => return,
            [one] if one.eq_ignore_ascii_case(origin) => return,
            [one] => Found::new("cors-missing", format!("the answer allows the origin {one}, and not {origin}"))
                .hint(format!("allow the page's origin in Socket.IO's options: new Server(httpServer, {{ cors: {{ origin: '{origin}' }} }})")),
        };
        self.warn(found.sent(sent).received(
            allowed.iter().map(|value| format!("Access-Control-Allow-Origin: {value}")).collect::<Vec<_>>().join("; "),
        ));
    }

    /// Warns about HSTS on this machine, where it pins every port.
    pub(super) fn judge_hsts(&mut self, address: &Address, answer: &Answer) {
        const HSTS: &str = "strict-transport-security";
        // Browsers ignore the field for addresses (RFC 6797 section 8.1.1).
        let is_name = matches!(address.endpoint.host, EndpointHost::Name(_));
        let Some(value) = answer.field(HSTS).filter(|_| address.is_secure && is_name && address.is_loopback()) else {
            return;
        };
        let is_off = value.to_ascii_lowercase().replace([' ', '"'], "").split(';').any(|part| part == "max-age=0");
        if !is_off {
            let message = format!(
                "Strict-Transport-Security on {} makes browsers ask every port of it by https",
                address.endpoint.host
            );
            self.warn(Found::new("hsts-on-localhost", message).received(format!("Strict-Transport-Security: {value}")));
        }
    }
}

/// Decides whether a page is of the public Internet, as far as its host tells.
fn is_public(page: &Address) -> bool {
    const PRIVATE: [&str; 6] = ["localhost", "test", "local", "internal", "home.arpa", "lan"];
    match &page.endpoint.host {
        EndpointHost::Address(ip) => !is_local(*ip),
        EndpointHost::Zoned(..) => false,
        EndpointHost::Name(name) => {
            let is_below = |top: &&str| name == *top || name.strip_suffix(*top).is_some_and(|rest| rest.ends_with('.'));
            name.contains('.') && !PRIVATE.iter().any(is_below)
        }
    }
}

/// Decides whether an address is of this machine or network.
fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}
