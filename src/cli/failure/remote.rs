//! Servers that could not be asked.

use std::net::SocketAddr;

use secure_io::probe::{Endpoint, Error, NoEndpoint};

use super::Failure;
use crate::cli::command_line::{CommandLine, STARTTLS, TIMEOUT};
use crate::cli::proxied;

/// A server that could not be asked, with remedies.
pub(crate) fn remote(endpoint: &Endpoint, error: Error) -> Failure {
    let cause = error.cause();
    let hint = hint(endpoint, &error);
    // A proxy helps where there is no way to the server.
    let proxy = if matches!(cause.layer, "dns" | "tcp") { proxied::unused(endpoint) } else { None };
    let failure = Failure::new(error.into()).caused_by(cause);
    [hint, proxy].into_iter().flatten().fold(failure, Failure::hint)
}

fn hint(endpoint: &Endpoint, error: &Error) -> Option<String> {
    let (host, port) = (&endpoint.host, endpoint.port);
    Some(match error {
        Error::Unresolved { .. } => "the system's resolver does not know the name: is it spelled right?".to_owned(),
        Error::ResolverTimedOut { .. } | Error::ResolverSilent { .. } => {
            "look at the network and its resolver, or name an address, with --server-name for the host".to_owned()
        }
        Error::Refused { elsewhere: Some(address), .. } => elsewhere(endpoint, *address),
        Error::Refused { .. } if port == 443 => {
            "name the port that the server listens on, as in localhost:3000".to_owned()
        }
        Error::Refused { .. } => "start the server, or name another port".to_owned(),
        Error::NotTls { protocol: "plain HTTP", .. } => {
            format!("it answers at http://{host}:{port}; TLS has another port, or is not switched on")
        }
        Error::NotTls { protocol, .. } => {
            let protocol = starttls(protocol)?;
            format!("TLS begins by STARTTLS there: `{}`", CommandLine::typed().with(&STARTTLS, protocol))
        }
        Error::NoStarttls { speaks: Some(protocol), .. } => format!(
            "the server speaks {protocol}: `{}`",
            CommandLine::typed().with(&STARTTLS, protocol.name())
        ),
        Error::NoStarttls { .. } => {
            "look whether TLS is configured there, and whether the protocol of --starttls is the server's".to_owned()
        }
        Error::ConnectTimedOut { .. } => {
            "a firewall drops what is sent, the host is down, or a container's port is not published".to_owned()
        }
        Error::StarttlsTimedOut { protocol, .. } => format!(
            "{}; some mail servers greet late: `{}`",
            protocol.silence(),
            CommandLine::typed().with(&TIMEOUT, "60s")
        ),
        Error::HelloTimedOut { .. } => {
            let command = CommandLine::typed().with(&TIMEOUT, "60s");
            format!(
                "the server hangs, or speaks no TLS: try http://{host}:{port}; if it is only slow, give it longer: \
                 `{command}`"
            )
        }
        Error::ClosedAtOnce { .. } => {
            "nothing is behind the port: with Docker, ssh -L or kubectl, let the server listen on 0.0.0.0 in the container"
                .to_owned()
        }
        Error::Closed { .. } => {
            "a firewall or proxy on the way may mind the server name: try another network, or --server-name".to_owned()
        }
        Error::UnknownName { .. } => "send the name of one of its hosts with --server-name".to_owned(),
        Error::CertificateRequired { .. } => {
            "it speaks only to clients with a certificate of a CA that it accepts, and none is sent here".to_owned()
        }
        Error::OldTls { .. } | Error::NothingInCommon { .. } => format!(
            "see what it speaks: `{}`",
            CommandLine::ours("check").arg(endpoint.to_string())
        ),
        _ => return None,
    })
}

/// The command for the other loopback address.
fn elsewhere(endpoint: &Endpoint, address: SocketAddr) -> String {
    let typed = CommandLine::typed();
    let command = [format!("https://{endpoint}"), endpoint.to_string()].into_iter().find_map(|word| {
        let scheme = if word.starts_with("https://") { "https://" } else { "" };
        typed.clone().replacing(&word, &[format!("{scheme}{address}")])
    });
    match command {
        Some(command) => format!("a server listens on {address}: `{command}`"),
        None => format!("a server listens on {address}: name that address"),
    }
}

/// The protocol as --starttls has it; a server that greets as SMTP's do may also be one of FTP.
fn starttls(protocol: &str) -> Option<&'static str> {
    match protocol {
        "SMTP or FTP" => Some("smtp"),
        "IMAP" => Some("imap"),
        "POP3" => Some("pop3"),
        _ => None,
    }
}

/// Something typed that is no server.
pub(crate) fn no_endpoint(error: NoEndpoint) -> Failure {
    let cause = Error::Name(error.clone()).cause();
    Failure::new(error.into()).caused_by(cause).hint("write it as in https://localhost:3000 or localhost:3000")
}
