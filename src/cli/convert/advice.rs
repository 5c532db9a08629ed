//! Advice for items that cannot be converted.

use std::path::Path;

use secure_io::convert::Error;
use secure_io::report::converted::ConvertFormat;

use crate::cli::command_line::{self, CommandLine, ITEM, KIND, OUT, TO};
use crate::cli::failure::Failure;

/// An error with the command that goes on.
pub(super) fn convert(error: Error) -> Failure {
    match error {
        Error::Locked { problem: None, .. } => {
            Failure::new(error.into()).hint("give the passphrase with --passphrase-file or --passphrase-env")
        }
        Error::CannotHold { format, holds_others: true, .. } => {
            let of_kind = |kinds: &str| CommandLine::typed().with(&KIND, kinds);
            let hint = match format {
                ConvertFormat::P12 => {
                    format!("convert keys and certificates: `{}`", of_kind("private-key,certificate"))
                }
                _ => format!("convert the certificates alone: `{}`", of_kind("certificate")),
            };
            Failure::new(error.into()).hint(hint)
        }
        Error::Several { ref number, .. } => {
            let hint = match number {
                Some(number) => format!("take one of them: `{}`", CommandLine::typed().with(&ITEM, number)),
                None => "convert one file at a time".to_owned(),
            };
            Failure::new(error.into()).hint(hint).hint("--kind takes those of a kind, and --to pem holds them all")
        }
        Error::NoCertificate { key, ours, theirs } => {
            let failure = Failure::message(format!("no certificate belongs to the private key in {key}"));
            let failure = failure.detail(format!("the private key is {ours}"));
            let failure =
                theirs.iter().take(5).fold(failure, |failure, theirs| failure.detail(format!("the key of {theirs}")));
            let failure = if theirs.is_empty() { failure.hint("name the certificate's file, too") } else { failure };
            failure.hint("`secure-io inspect *.pem` shows what belongs together")
        }
        error => Failure::new(error.into()),
    }
}

/// The conversion to Java's own keystore, which is not written here.
pub(super) fn jks(out: &Path) -> Failure {
    let store = if secure_io::files::is_stdio(out) { Path::new("keystore.jks") } else { out };
    let p12 = command_line::unused(&store.with_extension("p12"));
    let first = CommandLine::typed().with(&TO, "p12").with(&OUT, &p12);
    Failure::message("Java's own keystore (JKS) is not written: Java reads PKCS#12")
        .hint(format!("write PKCS#12: `{first}`"))
        .hint(format!("only for a program that insists on JKS: `{}`", import(&p12, &command_line::unused(store))))
}

/// The line for programs that insist on Java's own keystore.
pub(super) fn keytool(p12: &Path) -> String {
    let jks = command_line::unused(&p12.with_extension("jks"));
    format!("Java reads it as it is; a program that insists on JKS needs `{}`", import(p12, &jks))
}

fn import(p12: &Path, jks: &Path) -> CommandLine {
    let command = CommandLine::of("keytool -importkeystore -srckeystore").path(p12);
    let command = command.args(["-srcstoretype", "PKCS12"]);
    command.flag("-destkeystore", jks).args(["-deststoretype", "JKS"])
}
