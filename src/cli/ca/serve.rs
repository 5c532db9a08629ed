use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secure_io::acme::server::{AcmeServer, Config, Event, Keys, KeysError, Kind, Reach};
use secure_io::ca::LocalCa;
use secure_io::name::{self, SubjectAltName};
use secure_io::server::Handler;
use secure_io::{files, validity};

use crate::cli::Outcome;
use crate::cli::args::{self, CaDirArgs, ListenArgs, parse_address};
use crate::cli::command_line::CommandLine;
use crate::cli::failure::{self, Failure};
use crate::cli::folders;
use crate::cli::output::Output;
use crate::cli::serve::{Lines, ServerArgs};

/// Give certificates to other machines, containers and programs: an ACME server
///
/// Clients such as certbot, lego, Caddy and Traefik get certificates from the local CA, for the names that it may sign for
/// and that they show to be theirs, by the challenges HTTP-01 and TLS-ALPN-01.
#[derive(clap::Args)]
#[command(mut_arg("hosts", |hosts| hosts.help("Hosts the server's own certificate is to be for [default: localhost 127.0.0.1 ::1]")))]
#[command(mut_arg("port", |port| port.default_value("8555")))]
#[command(after_help = "\
Examples:
  secure-io ca serve                                      https://localhost:8555/directory
  secure-io ca serve --addr 0.0.0.0 --eab keys.txt        for others that hold a key of keys.txt
  secure-io ca serve --http-01-port 8080                  for clients that cannot listen on port 80
  secure-io ca serve --resolve db.test=172.17.0.2         for a name that is in no DNS

Exit status: 0 stopped by a signal, 2 it could not be done")]
pub(crate) struct Args {
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    ca_dir: CaDirArgs,
    /// Lifetime of certificates in days
    #[arg(long, value_name = "N", value_parser = args::days, default_value = "90")]
    days: u32,
    /// Let in only clients that hold a key of this file (external account binding), which is made with one key if it does
    /// not exist
    #[arg(long, value_name = "FILE")]
    eab: Option<PathBuf>,
    /// Port of clients for HTTP-01
    #[arg(long, value_name = "PORT", default_value_t = 80, value_parser = clap::value_parser!(u16).range(1..), help_heading = "Validation")]
    http_01_port: u16,
    /// Port of clients for TLS-ALPN-01
    #[arg(long, value_name = "PORT", default_value_t = 443, value_parser = clap::value_parser!(u16).range(1..), help_heading = "Validation")]
    tls_alpn_port: u16,
    /// Look for a name at this address, rather than where DNS says; can be repeated. *.localhost is this machine, and a
    /// name that DNS does not know is looked for where the order comes from
    #[arg(long, value_name = "NAME=ADDRESS", value_parser = parse_resolve, help_heading = "Validation")]
    resolve: Vec<(String, IpAddr)>,
}

fn parse_resolve(text: &str) -> Result<(String, IpAddr), String> {
    let (name, address) = text.split_once('=').ok_or("a name and an address are needed, as in app.test=192.168.1.7")?;
    let address = parse_address(address)?;
    match name.parse() {
        Ok(SubjectAltName::Dns(name)) => Ok((name, address)),
        Ok(_) => Err(format!("`{name}` is not a DNS name")),
        Err(error) => Err(error.to_string()),
    }
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let paths = args.ca_dir.paths_to_change(out)?;
    if args::make_missing_ca(&paths, validity::now())? {
        out.note(format!("there was no local CA, so one was made in {}", paths.folder.display()));
    }
    // Refused before a port is taken.
    let ca = LocalCa::load(&paths)?;
    let keys = args.eab.as_deref().map(|path| keys(path, out)).transpose()?;
    let root = folders::absolute(&ca.paths.root)?;
    if keys.is_none() && args.listen.addr.is_some_and(|address| !address.is_loopback()) {
        out.warning("whoever reaches this server gets certificates for names that DNS does not know");
        let command = CommandLine::typed().flag("--eab", "acme-keys.txt");
        out.hint(format!("let in only those who hold a key: `{command}`"));
    }
    let names: Vec<_> = keys.iter().flat_map(Keys::names).map(str::to_owned).collect();
    let reach = Reach {
        http_port: args.http_01_port,
        tls_port: args.tls_alpn_port,
        resolve: args.resolve.iter().cloned().collect::<HashMap<_, _>>(),
    };
    let config =
        Config { ca: paths, lifetime: time::Duration::days(i64::from(args.days)), reach, keys, clock: validity::now };
    let lines: Arc<std::sync::OnceLock<Lines>> = Arc::default();
    let log = Arc::clone(&lines);
    let observer = Arc::new(move |event: &Event| {
        if let (Some(lines), Some(line)) = (log.get(), line(event)) {
            lines.send(line);
        }
    });
    let server = AcmeServer::new(config, observer).map_err(|error| Failure::new(error.into()))?;
    let handler = |log: Lines| {
        // The log begins with the server.
        let _ = lines.set(log);
        Arc::new(server.clone()) as Arc<dyn Handler>
    };
    let server = ServerArgs::with_ca(args.listen.clone(), args.ca_dir.clone());
    let ready =
        |url: &str, out: &mut Output| tell(&format!("{url}/directory"), &root, args.eab.as_deref(), &names, out);
    server.run_telling(&handler, &ready, out)
}

/// Reads the keys, after making one if the file does not exist.
fn keys(path: &Path, out: &mut Output) -> Result<Keys, Failure> {
    let failed = |error: KeysError| match error {
        KeysError::File(error) => error.into(),
        error => {
            Failure::new(error.into()).hint("a line is a name and 32 octets or more in base64url, with a space between")
        }
    };
    if !files::exists(path) {
        Keys::create(path, "dev").map_err(failed)?;
        out.note(format!("a key for clients is written to `{}`", path.display()));
    }
    Keys::read(path).map_err(failed)
}

/// Says with which words each client uses the server.
fn tell(directory: &str, root: &Path, eab: Option<&Path>, keys: &[String], out: &mut Output) {
    let root = CommandLine::of("").path(root).to_string().trim_start().to_owned();
    out.note(format!("ACME directory: {directory}; clients have to trust {root}"));
    let with_key = |words: &'static str| if eab.is_some() { words } else { "" };
    let ours = CommandLine::ours("serve").flag("--acme", directory).flag("--acme-domain", "app.localhost");
    for (client, words) in [
        (
            "certbot",
            format!(
                "REQUESTS_CA_BUNDLE={root} certbot certonly --standalone --server {directory}{} -d app.localhost",
                with_key(" --eab-kid ID --eab-hmac-key KEY")
            ),
        ),
        (
            "lego",
            format!(
                "LEGO_CA_CERTIFICATES={root} lego --server {directory} --accept-tos --http{} -d app.localhost -m you@example.test run",
                with_key(" --eab --kid ID --hmac KEY")
            ),
        ),
        (
            "Caddy",
            format!(
                "acme_ca {directory} and acme_ca_root {root}{} in the Caddyfile's global options",
                with_key(", and acme_eab with key_id ID and mac_key KEY,")
            ),
        ),
        (
            "Traefik",
            format!(
                "LEGO_CA_CERTIFICATES={root}, and caServer: {directory}{}",
                with_key(", and below eab: kid: ID and hmacEncoded: KEY")
            ),
        ),
        (
            "acme.sh",
            format!(
                "{}acme.sh --issue --server {directory} --ca-bundle {root} --standalone -d app.localhost",
                match with_key(" --eab-kid ID --eab-hmac-key KEY") {
                    "" => String::new(),
                    flags => format!("acme.sh --register-account --server {directory} --ca-bundle {root}{flags} && "),
                }
            ),
        ),
        ("secure-io", format!("{ours} --acme-trust {root}{}", with_key(" --acme-eab FILE"))),
    ] {
        out.note(format!("{client}: {words}"));
    }
    if let Some(path) = eab {
        let names = keys.join(", ");
        out.note(format!(
            "clients name a key of `{}` by its ID ({names}) and give the KEY behind it there",
            path.display()
        ));
    }
}

/// An event in words; `None` for an event without interest.
fn line(event: &Event) -> Option<String> {
    Some(match event {
        Event::Registered { account, contact, from } => {
            let contact = if contact.is_empty() { String::new() } else { format!(" of {}", contact.join(", ")) };
            format!("New account {account}{contact}, from {from}")
        }
        Event::Validated { name, method, problem: None } => format!("{name} is validated by {method}"),
        Event::Validated { name, method, problem: Some(problem) } => {
            let detail = name::escape_unprintable(&problem.detail);
            format!("{name} is not validated by {method}: {detail}")
        }
        Event::Issued { names, account, from } => {
            format!("Issued a certificate for {} to account {account}, at {from}", names.join(", "))
        }
        Event::Revoked { names, from } => format!("Revoked the certificate of {}, as {from} asked", names.join(", ")),
        Event::Refused { problem, from } => {
            let detail = name::escape_unprintable(&problem.detail);
            let advice = match &problem.identifier {
                Some(identifier) if problem.kind == Kind::RejectedIdentifier && !identifier.value.starts_with('*') => {
                    format!("; {}", failure::permit_hint(std::slice::from_ref(&identifier.value)))
                }
                _ => String::new(),
            };
            format!("Refused {from}: {detail} ({}){advice}", problem.kind.name())
        }
        _ => return None,
    })
}
