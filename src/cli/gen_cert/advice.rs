//! Commands in hints of `gen-cert`: where else to write, which key belongs to a request.

use std::path::Path;

use secure_io::csr::Request;
use secure_io::files;
use secure_io::{cert, container, generate};

use super::{Args, Targets};
use crate::cli::beside;
use crate::cli::command_line::{
    self, CSR, CommandLine, KEY, NAME, OUT_CERT, OUT_CSR, OUT_DIR, OUT_KEY, P12, PASSPHRASE_ENV, PASSPHRASE_FILE,
};
use crate::cli::failure::{self, Failure};

/// Advice for a file in the way: the command that keeps the key that is there, or that writes another set.
pub(super) fn elsewhere(args: &Args, targets: &Targets) -> String {
    with_existing_key(args, targets).unwrap_or_else(|| {
        let command = outputs(args).fold(CommandLine::typed(), |command, (flag, path)| {
            if files::exists(path) { command.with(flag, command_line::unused(path)) } else { command }
        });
        let in_the_way = [&targets.key, &targets.csr, &targets.cert].into_iter().any(|path| files::exists(path));
        let is_named = args.files.out_cert.is_none() || args.files.out_key.is_none() || args.files.out_csr.is_none();
        let command = if in_the_way && is_named { command.with(&NAME, unused_name(args)) } else { command };
        format!("write another set: `{command}`")
    })
}

/// The hash of a certificate, and where a page has to name it.
pub(super) fn server_certificate_hash(hash: &str) -> String {
    let value = format!("Uint8Array.from(atob(\"{hash}\"), c => c.charCodeAt(0))");
    format!(
        "SHA-256 in base64: {hash}\n  new WebTransport(url, {{ serverCertificateHashes: [{{ algorithm: \"sha-256\", value: {value} }}] }})\n"
    )
}

/// The outputs that were named one by one, with their flags.
fn outputs(args: &Args) -> impl Iterator<Item = (&'static command_line::Flag, &Path)> {
    let given = [
        (&OUT_KEY, args.files.out_key.as_ref()),
        (&OUT_CSR, args.files.out_csr.as_ref()),
        (&OUT_CERT, args.files.out_cert.as_ref()),
        (&P12, args.p12.p12.as_ref()),
    ];
    given.into_iter().filter_map(|(flag, path)| Some((flag, path?.as_path())))
}

/// A key that was made before, alone or with its request, is used: to replace it is not what people mean.
fn with_existing_key(args: &Args, targets: &Targets) -> Option<String> {
    let makes_key = args.key.key.is_none() && args.key.csr.is_none();
    let is_key_asked_for = args.key.algorithm.is_some() || args.key.encrypt || args.files.out_key.is_some();
    if !makes_key || is_key_asked_for || files::exists(&targets.cert) || !files::exists(&targets.key) {
        return None;
    }
    let command = CommandLine::typed().with(&KEY, &targets.key);
    if !files::exists(&targets.csr) {
        return Some(format!("keep that key: `{command}`"));
    }
    let has_no_names = args.names.is_default() && args.files.out_csr.is_none();
    if has_no_names && is_request_of(&targets.csr, &targets.key) {
        return Some(format!("sign the request that is there: `{}`", command.with(&CSR, &targets.csr)));
    }
    let request = command_line::unused(&targets.csr);
    Some(format!("keep that key: `{}`", command.with(&OUT_CSR, request)))
}

fn is_request_of(request: &Path, key: &Path) -> bool {
    request_in(request).is_some_and(|request| beside::has_key(key, &request.spki))
}

/// The request in a file, if one can be read.
pub(super) fn request_in(path: &Path) -> Option<Request> {
    Request::from_der(&container::request(&files::read(path).ok()?).ok()?).ok()
}

/// A name for a set of files of which none exists: `server-2`.
fn unused_name(args: &Args) -> String {
    let folder = args.files.out_dir.clone().unwrap_or_default();
    let is_unused = |name: &String| {
        let exists = |ending: &str| files::exists(&folder.join(format!("{name}-{ending}.pem")));
        !["key", "csr", "cert"].into_iter().any(exists)
    };
    let mut names = (2..1000).map(|number| format!("{}-{number}", args.files.name));
    names.find(is_unused).unwrap_or_else(|| args.files.name.clone())
}

/// A name of files that is a path.
pub(super) fn not_a_name(name: &str) -> Failure {
    let failure = Failure::message(format!("`{name}` cannot begin a file's name"));
    let path = Path::new(name);
    match (path.parent(), path.file_name().and_then(|name| name.to_str())) {
        (Some(folder), Some(bare)) if !folder.as_os_str().is_empty() => {
            let command = CommandLine::typed().with(&OUT_DIR, folder).with(&NAME, bare);
            failure.hint(format!("name the folder with its own flag: `{command}`"))
        }
        _ => failure.hint("--out-dir says in which folder the files go"),
    }
}

/// A request whose private key is needed and was not named.
pub(super) fn without_key(request: &Path, failure: Failure) -> Failure {
    let spki = request_in(request).map(|request| request.spki);
    match spki.and_then(|spki| beside::key_for(request, &spki)) {
        Some(key) => {
            failure.instead(format!("`{}` is its key: `{}`", key.display(), CommandLine::typed().with(&KEY, &key)))
        }
        None => failure,
    }
}

/// A request and a key that do not belong together: the request's key if it is there, else a request for the key.
pub(super) fn mismatch(key: &Path, request: &Path, summaries: (&cert::KeySummary, &cert::KeySummary)) -> Failure {
    let failure = failure::mismatch(key, request, "request", summaries);
    let Some(read) = request_in(request) else { return failure };
    if let Some(right) = beside::key_for(request, &read.spki) {
        let command = CommandLine::typed().with(&KEY, &right);
        return failure.hint(format!("`{}` belongs to it: `{command}`", right.display()));
    }
    let another = command_line::unused(request);
    let make = CommandLine::ours("gen-csr").flag("--key", key).flag("--out", &another);
    let make = make.carrying(&[&PASSPHRASE_FILE, &PASSPHRASE_ENV]).args(generate::asked_hosts(&read));
    let sign = CommandLine::typed().with(&CSR, &another);
    failure.hint(format!("make a request for this key: `{}`", make.and(sign)))
}
