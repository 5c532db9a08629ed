//! `convert`: keys and certificates from one kind of file to another.

mod advice;
mod input;

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use secure_io::container::Pkcs12Ciphers;
use secure_io::convert::{Bundle, Form};
use secure_io::files::{self, NewFile};
use secure_io::report::converted::{Convert, ConvertFormat, ConvertedKind};
use zeroize::Zeroizing;

use super::Outcome;
use super::args::{self, PassphraseArgs, WriteArgs};
use super::command_line::OUT;
use super::failure::{self, Failure};
use super::inspect::Kind;
use super::output::Output;
use super::remote::RemoteArgs;
use input::{Selection, Selector};

/// Convert keys, certificates and stores: PEM, DER, PKCS#12, PKCS#7
///
/// Reads whatever inspect reads, servers included. Chains come out in order, each key before its certificate, each
/// certificate before that of its issuer.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io convert server-key.pem server-cert.pem --to p12 --out server.p12   for Java and Windows
  secure-io convert server.p12 --to pem --out server.pem                       key and chain
  secure-io convert server.p12 --to pem --kind certificate --out chain.pem     the chain alone
  secure-io convert keystore.jks --to p12 --out server.p12                     a Java keystore
  secure-io convert chain.pem --to p7b --out chain.p7b
  secure-io convert server-cert.pem --to der --item 1 --out leaf.der
  secure-io convert https://localhost:3000 --to pem                            what a server shows

Exit status: 0 done, 2 it could not be done")]
pub(crate) struct Args {
    /// Files, - for standard input; servers, as in https://localhost:3000
    #[arg(value_name = "IN", required = true)]
    inputs: Vec<PathBuf>,
    /// Format to convert to
    #[arg(long, value_name = "FORMAT", value_parser = format_parser())]
    to: Target,
    /// File to write, - for standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(flatten)]
    write: WriteArgs,
}

/// Selection of the items converted.
#[derive(clap::Args)]
#[command(next_help_heading = "Filters")]
struct Filter {
    /// Convert the items of these numbers only, as inspect counts them: 2, or 1.2 for the second in a store
    #[arg(long, value_name = "N", value_delimiter = ',')]
    item: Vec<Selector>,
    /// Convert items of these kinds only
    #[arg(long, value_name = "KIND", value_enum, value_delimiter = ',')]
    kind: Vec<Kind>,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Private keys in PEM and DER")]
struct KeyArgs {
    /// Encrypt private keys under a passphrase (PKCS#8, PBES2); without it they are written in the clear
    #[arg(long)]
    encrypt: bool,
    /// Read the new passphrase from the first line of a file [default: the one that opens the input]
    #[arg(long, value_name = "FILE", requires = "encrypt")]
    new_passphrase_file: Option<PathBuf>,
    /// Read the new passphrase from an environment variable
    #[arg(long, value_name = "VAR", requires = "encrypt", conflicts_with = "new_passphrase_file")]
    new_passphrase_env: Option<String>,
}

#[derive(clap::Args)]
#[command(next_help_heading = "PKCS#12 and PKCS#7")]
struct StoreArgs {
    /// Read the password of PKCS#12 from the first line of a file: of the one written, else of the one read
    #[arg(long, value_name = "FILE")]
    p12_password_file: Option<PathBuf>,
    /// Read the password of PKCS#12 from an environment variable
    #[arg(long, value_name = "VAR", conflicts_with = "p12_password_file")]
    p12_password_env: Option<String>,
    /// Name of the entry (friendlyName, Java's alias) [default: its own, or the first host]
    #[arg(long, visible_alias = "p12-alias", value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    alias: Option<String>,
    /// Use 3DES and SHA-1: for Windows Server 2016 and older, macOS's keychain, Java before 8u301 and 11.0.12, old Android
    #[arg(long, visible_alias = "legacy")]
    p12_legacy: bool,
    /// Write PKCS#7 as DER rather than as PEM
    #[arg(long)]
    p7b_der: bool,
}

/// The format asked for with `--to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Format(ConvertFormat),
    /// Java's own keystore, which is not written.
    Jks,
}

fn format_parser() -> impl TypedValueParser<Value = Target> {
    PossibleValuesParser::new([
        PossibleValue::new("pem"),
        PossibleValue::new("der"),
        PossibleValue::new("p12").aliases(["pkcs12", "pfx", "PKCS12"]),
        PossibleValue::new("p7b").aliases(["pkcs7", "p7c", "PKCS7"]),
        PossibleValue::new("jks").hide(true),
    ])
    .map(|name| match name.as_str() {
        "pem" => Target::Format(ConvertFormat::Pem),
        "der" => Target::Format(ConvertFormat::Der),
        "jks" => Target::Jks,
        "p7b" | "pkcs7" | "p7c" | "PKCS7" => Target::Format(ConvertFormat::P7b),
        _ => Target::Format(ConvertFormat::P12),
    })
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let Target::Format(format) = args.to else { return Err(advice::jks(&args.out)) };
    args.check(format)?;
    let given = Given::read(args)?;
    let selection = Selection { numbers: &args.filter.item, kinds: &args.filter.kind };
    let items = input::read(&args.inputs, &selection, &given.to_open(), &args.remote)?;
    let bundle = Bundle::new(items).map_err(advice::convert)?;
    let passphrase = args.new_passphrase(format, &bundle, &given)?;
    let written = bundle.write(&Form {
        format,
        is_der: args.store.p7b_der,
        passphrase: passphrase.as_deref().map(String::as_str),
        ciphers: if args.store.p12_legacy { Pkcs12Ciphers::Legacy } else { Pkcs12Ciphers::Modern },
        alias: args.store.alias.as_deref(),
    });
    let written = written.map_err(advice::convert)?;
    let has_key = written.items.iter().any(|item| item.kind == ConvertedKind::PrivateKey);
    let report = Convert {
        path: args.out.clone(),
        format,
        written: !args.write.dry_run,
        encrypted: has_key && passphrase.is_some(),
        items: written.items,
    };
    if !args.write.dry_run {
        let file = if written.is_secret {
            NewFile::secret(&args.out, written.octets)
        } else {
            NewFile::public(&args.out, written.octets.to_vec())
        };
        args::write_set(vec![file], args.write.existing(), out)?;
    }
    if args.write.json {
        out.json(&report)?;
    } else {
        out.report(&report.text(), true)?;
        if format == ConvertFormat::P12 && !files::is_stdio(&args.out) {
            out.hint(advice::keytool(&args.out));
        }
    }
    Ok(Outcome::Done)
}

impl Args {
    /// Refuses contradictions and files in the way before anything is read.
    fn check(&self, format: ConvertFormat) -> Result<(), Failure> {
        let to_stdout = files::is_stdio(&self.out);
        self.check_store(format)?;
        self.write.check_report(to_stdout, &format!("converted.{}", format.extension()))?;
        let is_binary = matches!(format, ConvertFormat::Der | ConvertFormat::P12)
            || format == ConvertFormat::P7b && self.store.p7b_der;
        if to_stdout && is_binary && std::io::stdout().is_terminal() && !self.write.dry_run {
            return Err(Failure::message(format!("{} is not for a terminal", format.words()))
                .hint("name a file with --out, or `--out -` in a pipe"));
        }
        if self.keys.encrypt && !matches!(format, ConvertFormat::Pem | ConvertFormat::Der) {
            return Err(Failure::message(match format {
                ConvertFormat::P12 => "PKCS#12 is encrypted in any case, under --p12-password-file",
                _ => "PKCS#7 holds no private key to encrypt",
            }));
        }
        let secrets = [self.passphrase.file(), self.store.p12_password_file.as_deref()];
        let secrets = secrets.into_iter().flatten().chain(self.keys.new_passphrase_file.as_deref());
        args::check_not_input(&self.out, self.inputs.iter().map(PathBuf::as_path).chain(secrets))?;
        if to_stdout {
            return Ok(());
        }
        self.write.check_set(&[&self.out], self.write.existing(), failure::elsewhere(&OUT))
    }

    /// Refuses options of a format that is not the one asked for.
    fn check_store(&self, format: ConvertFormat) -> Result<(), Failure> {
        let store = &self.store;
        let given = [
            (store.alias.is_some(), "--alias", ConvertFormat::P12),
            (store.p12_legacy, "--p12-legacy", ConvertFormat::P12),
            (store.p7b_der, "--p7b-der", ConvertFormat::P7b),
        ];
        match given.into_iter().find(|(is_given, _, owner)| *is_given && *owner != format) {
            None => Ok(()),
            Some((_, flag, owner)) => {
                Err(Failure::message(format!("{flag} is for {}, not for {}", owner.words(), format.words()))
                    .hint(format!("leave out {flag}, or convert with --to {}", owner.extension())))
            }
        }
    }

    /// The passphrase or password of the output.
    fn new_passphrase(
        &self,
        format: ConvertFormat,
        bundle: &Bundle,
        given: &Given,
    ) -> Result<Option<Zeroizing<String>>, Failure> {
        if format == ConvertFormat::P12 {
            let password = given.p12.clone().or_else(|| given.passphrase.clone());
            return args::new_secret(password, "password", "--p12-password-file or --p12-password-env").map(Some);
        }
        if !self.keys.encrypt {
            return Ok(None);
        }
        if !bundle.has_key() {
            return Err(Failure::message("there is no private key to encrypt")
                .hint(format!("it holds {}: leave out --encrypt", bundle.summary())));
        }
        let keys = &self.keys;
        let new = args::secret(keys.new_passphrase_file.as_deref(), keys.new_passphrase_env.as_deref())?;
        let passphrase = new.or_else(|| given.passphrase.clone());
        args::new_secret(passphrase, "passphrase", "--new-passphrase-file or --new-passphrase-env").map(Some)
    }
}

/// Passphrases that flags give.
struct Given {
    passphrase: Option<Zeroizing<String>>,
    p12: Option<Zeroizing<String>>,
}

impl Given {
    fn read(args: &Args) -> Result<Self, Failure> {
        let store = &args.store;
        Ok(Self {
            passphrase: args.passphrase.given()?,
            p12: args::secret(store.p12_password_file.as_deref(), store.p12_password_env.as_deref())?,
        })
    }

    /// Those that may open an input, each tried in turn.
    fn to_open(&self) -> Vec<Zeroizing<String>> {
        self.passphrase.iter().chain(&self.p12).cloned().collect()
    }
}
