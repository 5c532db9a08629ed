use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use secure_io::ca::{self, LocalCa};
use secure_io::files::{self, Existing, NewFile};
use secure_io::report::ca::CaExport;
use secure_io::{container, inspect};

use crate::cli::Outcome;
use crate::cli::args::{self, CaDirArgs};
use crate::cli::command_line::OUT;
use crate::cli::failure::{self, Failure};
use crate::cli::output::Output;

/// Write the root's certificate for another machine, a phone or a colleague; never a key
///
/// Firefox needs two other certificates: its own root, to be trusted for websites, and the intermediate below that. No
/// other program must trust Firefox's root.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io ca export --out root.pem
  secure-io ca export --format der --out root.crt                  for Android and Windows
  secure-io ca export --format mobileconfig --out root.mobileconfig    for an iPhone or iPad
  secure-io ca export --certificate firefox-root --out firefox-root.pem

Exit status: 0 done, 2 it could not be done")]
pub(crate) struct Args {
    #[command(flatten)]
    folder: CaDirArgs,
    /// File for the certificate, - for standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// Format of the file
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Pem)]
    format: Format,
    /// Certificate to write
    #[arg(long, value_enum, value_name = "CERTIFICATE", default_value_t = Exported::Root)]
    certificate: Exported,
    /// Replace a file that exists
    #[arg(long, short, help_heading = "Output")]
    force: bool,
    /// Report as JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Text, for Linux, Node, curl
    Pem,
    /// Binary, for Android, Windows, macOS
    Der,
    /// A configuration profile, for iOS, iPadOS and macOS
    Mobileconfig,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Exported {
    /// The root, for all clients except Firefox
    Root,
    /// The root for Firefox alone
    FirefoxRoot,
    /// The intermediate that Firefox needs beside its root
    FirefoxIntermediate,
}

impl Exported {
    /// The certificate, and its name for people.
    fn of(self, ca: &LocalCa) -> Result<(CertificateDer<'static>, &'static str), Failure> {
        let firefox = || match &ca.firefox {
            Some(firefox) => Ok(firefox.clone()),
            None => Err(ca::Error::NoFirefox { folder: ca.paths.folder.clone() }),
        };
        Ok(match self {
            Self::Root => (ca.root.clone(), "the root"),
            Self::FirefoxRoot => (firefox()?.root, "the root for Firefox"),
            Self::FirefoxIntermediate => (firefox()?.intermediate, "the intermediate for Firefox"),
        })
    }

    fn hint(self, format: Format) -> &'static str {
        match self {
            Self::Root => format.hint(),
            Self::FirefoxRoot => "in Firefox: Settings, Certificates, Authorities, Import, and trust it for websites",
            Self::FirefoxIntermediate => "in Firefox: Settings, Certificates, Authorities, Import, without any trust",
        }
    }
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Pem => "pem",
            Self::Der => "der",
            Self::Mobileconfig => "mobileconfig",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Pem => {
                "on Debian: copy it to /usr/local/share/ca-certificates/ with a name in .crt, then run update-ca-certificates as root"
            }
            Self::Der => {
                "on Android: Settings, Security, Encryption & credentials, Install a certificate, CA certificate"
            }
            Self::Mobileconfig => {
                "on iOS: open it, install it in Settings, then switch it on in General, About, Certificate Trust Settings"
            }
        }
    }
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let to_stdout = files::is_stdio(&args.out);
    if args.json && to_stdout {
        return Err(failure::one_thing_at_a_time("root.pem"));
    }
    if args.certificate != Exported::Root && args.format == Format::Mobileconfig {
        let error =
            "a configuration profile makes every program trust a certificate, and this one is for Firefox alone";
        return Err(Failure::message(error).hint("--format pem and der are read by Firefox"));
    }
    let ca = LocalCa::load(&args.folder.paths_of(out)?)?;
    let (certificate, name) = args.certificate.of(&ca)?;
    let report = inspect::certificate(&certificate).map_err(|error| Failure::new(error.into()))?;
    let content = match args.format {
        Format::Pem => container::pem("CERTIFICATE", &certificate)?.as_bytes().to_vec(),
        Format::Der => certificate.to_vec(),
        Format::Mobileconfig => ca::mobileconfig(&certificate, &report)?.into_bytes(),
    };
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let file = [args.out.as_path()].into_iter().filter(|_| !to_stdout);
    files::check_set(file, existing).map_err(|error| failure::in_the_way(error, failure::elsewhere(&OUT)))?;
    args::write_set(vec![NewFile::public(&args.out, content)], existing, out)?;
    if args.json {
        let (path, format) = (args.out.clone(), args.format.name().to_owned());
        out.json(&CaExport { path, format, sha256_fingerprint: report.sha256_fingerprint })?;
    } else if !to_stdout {
        out.report(
            &format!("Wrote {name} to {}\n  sha256 {}\n", args.out.display(), report.sha256_fingerprint),
            false,
        )?;
        out.hint(args.certificate.hint(args.format));
    }
    Ok(Outcome::Done)
}
