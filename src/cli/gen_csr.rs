use std::path::PathBuf;

use secure_io::container;
use secure_io::csr;
use secure_io::files::{self, NewFile};
use secure_io::generate::Signer;
use secure_io::hex;
use secure_io::key;
use secure_io::report::made::{File, FileKind, GenCsr};

use super::Outcome;
use super::args::{self, NameArgs, PassphraseArgs, WriteArgs};
use super::command_line::OUT;
use super::failure::{self, Failure};
use super::output::Output;

/// Make a certification request (CSR) for a key
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io gen-csr --key server-key.pem                    for localhost, in server-csr.pem
  secure-io gen-csr --key server-key.pem app.test ::1       for other hosts
  secure-io gen-csr --key k.pem --subject 'CN=app.test,O=Example' --out - app.test

Exit status: 0 done, 2 it could not be done")]
pub(crate) struct Args {
    /// The private key, - for standard input
    #[arg(long, short, value_name = "FILE")]
    key: PathBuf,
    /// File for the request, - for standard output
    #[arg(long, short, value_name = "FILE", default_value = "server-csr.pem")]
    out: PathBuf,
    #[command(flatten)]
    names: NameArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    #[command(flatten)]
    write: WriteArgs,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let spec = args.names.spec()?;
    let to_stdout = files::is_stdio(&args.out);
    args.write.check_report(to_stdout, "server-csr.pem")?;
    if !to_stdout {
        args.write.check_set(&[&args.out], args.write.existing(), failure::elsewhere(&OUT))?;
        args::check_not_input(&args.out, [args.key.as_path()])?;
    }
    let key = args::load_key(&args.key, &args.passphrase)?;
    let (names, subject) = (spec.effective_names(), spec.effective_subject(Signer::Own));
    let der = csr::generate(&key, &subject, &names, spec.purpose.unwrap_or_default())?;
    let report = GenCsr {
        files: vec![File { kind: FileKind::Csr, path: args.out.clone() }],
        written: !args.write.dry_run,
        subject: subject.to_string(),
        subject_alt_names: names.iter().map(ToString::to_string).collect(),
        public_key: (&key.public_key()).into(),
        spki_sha256: hex(&key::spki_sha256(key.spki())),
        warnings: args::name_warnings(&names).into_iter().chain(args::test_key_warning(&key)).collect(),
    };
    if !args.write.dry_run {
        let pem = container::pem("CERTIFICATE REQUEST", &der)?;
        args::write_set(vec![NewFile::public(&args.out, pem.as_bytes())], args.write.existing(), out)?;
    }
    report.warnings.iter().for_each(|warning| out.warning(warning));
    if args.write.json {
        out.json(&report)?;
    } else {
        out.report(&report.text(), to_stdout)?;
    }
    Ok(Outcome::Done)
}
