use std::path::PathBuf;

use secure_io::files::{self, NewFile};
use secure_io::hex;
use secure_io::key::{self, Algorithm, PrivateKey};
use secure_io::report::made::{File, GenKey};

use super::Outcome;
use super::args::{self, PassphraseArgs, WriteArgs};
use super::command_line::OUT;
use super::failure::{self, Failure};
use super::output::Output;

/// Make a private key
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io gen-key                                   an EC P-256 key in server-key.pem
  secure-io gen-key --algorithm rsa-2048 --out a.pem  as openssl genpkey -algorithm RSA -out a.pem
  secure-io gen-key --encrypt --out - > key.pem       under a passphrase, asked for

Exit status: 0 done, 2 it could not be done")]
pub(crate) struct Args {
    /// Kind of key
    #[arg(long, short, value_name = "ALGORITHM", value_parser = args::algorithm_parser(), default_value = "ecdsa-p256")]
    algorithm: Algorithm,
    /// File for the key, - for standard output
    #[arg(long, short, value_name = "FILE", default_value = "server-key.pem")]
    out: PathBuf,
    /// Encrypt it under a passphrase (PKCS#8, PBES2)
    #[arg(long)]
    encrypt: bool,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    #[command(flatten)]
    write: WriteArgs,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    args.passphrase.check_encrypts(args.encrypt)?;
    let passphrase = args.encrypt.then(|| args.passphrase.to_encrypt()).transpose()?;
    let to_stdout = files::is_stdio(&args.out);
    args.write.check_report(to_stdout, "server-key.pem")?;
    if !to_stdout {
        args.write.check_set(&[&args.out], args.write.existing(), failure::elsewhere(&OUT))?;
    }
    let key = PrivateKey::generate(args.algorithm)?;
    let pem = args::key_pem(&key, passphrase.as_ref())?;
    let report = GenKey {
        files: vec![File { kind: args::key_kind(args.encrypt), path: args.out.clone() }],
        written: !args.write.dry_run,
        public_key: (&key.public_key()).into(),
        spki_sha256: hex(&key::spki_sha256(key.spki())),
    };
    if !args.write.dry_run {
        args::write_set(vec![NewFile::secret(&args.out, pem)], args.write.existing(), out)?;
    }
    if args.write.json {
        out.json(&report)?;
    } else {
        out.report(&report.text(), to_stdout)?;
    }
    Ok(Outcome::Done)
}
