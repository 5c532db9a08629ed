//! Servers that could not be asked.

use secure_io::probe::{Endpoint, Error};

use super::Failure;
use crate::cli::command_line::{CommandLine, TIMEOUT};

/// A server that could not be asked, with what to try next.
pub(crate) fn remote(endpoint: &Endpoint, error: Error) -> Failure {
    let (host, port) = (&endpoint.host, endpoint.port);
    let hint = match &error {
        Error::Unresolved { .. } => "the system's resolver does not know the name: is it spelled right?".to_owned(),
        Error::Refused { .. } if port == 443 => {
            "name the port that the server listens on, as in localhost:3000".to_owned()
        }
        Error::Refused { .. } => "start the server, or name another port".to_owned(),
        Error::NotTls { protocol: "plain HTTP", .. } => {
            format!("it answers at http://{host}:{port}; TLS has another port, or is not switched on")
        }
        Error::NotTls { protocol, .. } => match starttls(protocol) {
            Some(protocol) => {
                let ask = CommandLine::of("openssl s_client -showcerts -starttls").arg(protocol);
                let ask = ask.flag("-connect", format!("{host}:{port}"));
                let read = CommandLine::ours("inspect").arg("-");
                format!("TLS begins by STARTTLS there: `{}`", ask.piped_into(read))
            }
            None => return Failure::new(error.into()),
        },
        Error::TimedOut { .. } => {
            let command = CommandLine::typed().with(&TIMEOUT, "60s");
            format!("give it longer, unless a firewall drops what is sent: `{command}`")
        }
        Error::UnknownName { .. } => "send the name of one of its hosts with --server-name".to_owned(),
        Error::OldTls { .. } | Error::NothingInCommon { .. } => {
            "openssl s_client, which knows older protocols, may tell more of it".to_owned()
        }
        _ => return Failure::new(error.into()),
    };
    Failure::new(error.into()).hint(hint)
}

/// The protocol as openssl calls it; a server that greets as SMTP's do may also be one of FTP.
fn starttls(protocol: &str) -> Option<&'static str> {
    match protocol {
        "SMTP or FTP" => Some("smtp"),
        "IMAP" => Some("imap"),
        "POP3" => Some("pop3"),
        _ => None,
    }
}

/// Something typed that is no server.
pub(crate) fn no_endpoint(error: secure_io::probe::NoEndpoint) -> Failure {
    Failure::new(error.into()).hint("write it as in https://localhost:3000 or localhost:3000")
}
