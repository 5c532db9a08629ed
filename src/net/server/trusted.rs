//! Networks whose machines are believed about the clients that they forward.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// The networks of the proxies in front of a server. Empty by default: nobody is believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trusted(Vec<IpNet>);

/// The reason why a text names no network.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a network is an IP address, perhaps with a prefix length: 10.0.0.5, 10.0.0.0/8, fd00::/8")]
pub struct NetworkError;

impl Trusted {
    /// Believes the machines of a network, or one machine.
    ///
    /// # Errors
    ///
    /// If the text is neither an address nor a network.
    pub fn allow(&mut self, text: &str) -> Result<(), NetworkError> {
        let text = text.trim();
        let address = || IpAddr::from_str(text.trim_start_matches('[').trim_end_matches(']'));
        let network = text.parse().or_else(|_| address().map(|address| IpNet::from(address.to_canonical())));
        self.0.push(network.map_err(|_: std::net::AddrParseError| NetworkError)?);
        Ok(())
    }

    /// Returns true if the address is in one of the networks.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_are_told_from_anything_else() {
        let mut trusted = Trusted::default();
        for network in ["10.0.0.5", "192.168.7.9/16", "[2001:db8::1]", "fd00::/8", "::ffff:192.0.2.1"] {
            assert_eq!(trusted.allow(network), Ok(()), "{network}");
        }
        for bad in ["", "localhost", "10.0.0.0/33", "10.0.0.5:80", "10.0.0", "fd00::/129", "*"] {
            assert_eq!(trusted.allow(bad), Err(NetworkError), "{bad}");
        }
        for (address, is_trusted) in [
            ("10.0.0.5", true),
            ("10.0.0.6", false),
            ("::ffff:10.0.0.5", true),
            ("192.168.0.1", true),
            ("192.0.2.1", true),
            ("2001:db8::1", true),
            ("2001:db8::2", false),
            ("fdff::1", true),
        ] {
            assert_eq!(trusted.contains(address.parse().unwrap()), is_trusted, "{address}");
        }
        assert!(!Trusted::default().contains("127.0.0.1".parse().unwrap()));
    }
}
