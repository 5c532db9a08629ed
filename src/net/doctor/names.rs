//! Checks that the names of this machine lead to it.

use std::net::IpAddr;

use super::{Remedy, Seen};
use crate::judge::report::doctor::{Area, State};

/// Resolves `localhost` and a name below it, as programs other than browsers do.
pub async fn names() -> Vec<Seen> {
    let (name, below) = ("localhost", "app.localhost");
    vec![judged(name, &resolved(name).await), judged_below(below, &resolved(below).await)]
}

async fn resolved(name: &str) -> Vec<IpAddr> {
    let found = tokio::net::lookup_host((name, 0)).await.map(|all| all.map(|address| address.ip()).collect::<Vec<_>>());
    let mut addresses = found.unwrap_or_default();
    addresses.dedup();
    addresses
}

fn seen(state: State, name: &str, message: String) -> Seen {
    Seen::new(Area::Names, state, name, message)
}

fn listed(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

fn judged(name: &str, addresses: &[IpAddr]) -> Seen {
    let has = |is_v4: bool| addresses.iter().any(|address| address.is_ipv4() == is_v4);
    if addresses.is_empty() {
        let line = "put `127.0.0.1 localhost` and `::1 localhost` into the hosts file";
        return seen(State::Trouble, name, "it does not resolve".to_owned()).advised(line);
    }
    if let Some(other) = addresses.iter().find(|address| !address.is_loopback()) {
        return seen(State::Trouble, name, format!("it leads to {other}, which is not this machine's loopback"))
            .advised("correct the hosts file");
    }
    match (has(true), has(false)) {
        (true, true) => seen(State::Ok, name, listed(addresses)),
        (true, false) => seen(
            State::Note,
            name,
            format!("{} alone: a server on ::1 is not found under this name", listed(addresses)),
        ),
        _ => seen(
            State::Note,
            name,
            format!("{} alone: a server on 127.0.0.1 is not found under this name", listed(addresses)),
        ),
    }
}

fn judged_below(name: &str, addresses: &[IpAddr]) -> Seen {
    match addresses.iter().find(|address| !address.is_loopback()) {
        Some(other) => seen(State::Trouble, name, format!("it leads to {other}, which is not this machine")),
        None if addresses.is_empty() => {
            let message = "it does not resolve: browsers and curl know it all the same, Node, Python and Go do not";
            seen(State::Note, name, message.to_owned()).with(Remedy::ResolveLocalhost)
        }
        None => seen(State::Ok, name, listed(addresses)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_to_lead_to_this_machine() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let state = |addresses: &[IpAddr]| judged("localhost", addresses).observation.state;
        assert_eq!(state(&[address("::1"), address("127.0.0.1")]), State::Ok);
        assert_eq!(state(&[address("127.0.0.1")]), State::Note);
        assert_eq!(state(&[address("192.0.2.1")]), State::Trouble);
        assert_eq!(state(&[]), State::Trouble);
        assert_eq!(judged_below("a.localhost", &[]).remedy, Some(Remedy::ResolveLocalhost));
    }
}
