//! Servers that could not be asked.

use secure_io::probe::{Endpoint, Error};

use super::Failure;

/// A server that could not be asked, with what to try next.
pub(crate) fn remote(endpoint: &Endpoint, error: Error) -> Failure {
    let (host, port) = (&endpoint.host, endpoint.port);
    let hint = match &error {
        Error::Unresolved { .. } => format!("is the name right? `getent hosts {host}` asks the system as this did"),
        Error::Refused { .. } if port == 443 => format!("name another port: `https://{host}:3000`"),
        Error::Refused { .. } => "start the server, or name another port".to_owned(),
        Error::NotTls { protocol: "plain HTTP", .. } => {
            format!("it answers at `http://{host}:{port}`; TLS has another port, or is not switched on")
        }
        Error::NotTls { protocol: "SMTP or FTP" | "IMAP" | "POP3", .. } => format!(
            "TLS begins by STARTTLS there: `openssl s_client -starttls smtp -connect {host}:{port} -showcerts | secure-io inspect -`"
        ),
        Error::TimedOut { .. } => "give it longer with `--timeout 60s`; a firewall may drop what is sent".to_owned(),
        Error::UnknownName { .. } => "send another name with `--server-name NAME`".to_owned(),
        Error::OldTls { .. } => format!("`openssl s_client -connect {host}:{port}` may show more"),
        Error::NothingInCommon { .. } => format!("see what it has: `openssl s_client -connect {host}:{port}`"),
        _ => return Failure::new(error.into()),
    };
    Failure::new(error.into()).hint(hint)
}

/// Something typed that is no server.
pub(crate) fn no_endpoint(error: secure_io::probe::NoEndpoint) -> Failure {
    Failure::new(error.into()).hint("write it as in `https://localhost:3000` or `localhost:3000`")
}
