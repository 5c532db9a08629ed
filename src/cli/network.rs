//! The addresses by which other machines reach this one.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

/// The addresses of this machine that other machines may reach, first the one that its packets leave from.
pub(crate) fn addresses(with_ipv6: bool) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .into_iter()
        .filter(|interface| !interface.is_loopback() && !interface.is_link_local())
        .map(|interface| interface.ip())
        .filter(|address| address.is_ipv4() || with_ipv6)
        .collect();
    let main = main_address();
    // Bridges of containers and virtual machines come after it.
    addresses.sort_unstable_by_key(|address| (Some(*address) != main, *address));
    addresses.dedup();
    addresses
}

/// The address of the interface with the default route. Nothing is sent: the system only looks up the route.
fn main_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // TEST-NET-1 (RFC 5737), which is nobody's.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}
