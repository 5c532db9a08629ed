//! `inspect --diff`: two certificates side by side.

use std::path::Path;

use secure_io::report::Certificate;
use secure_io::report::difference::Comparison;
use secure_io::report::item::Item;

use super::Args;
use crate::cli::Outcome;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

pub(super) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let [a, b] = &args.sources[..] else {
        return Err(Failure::message("--diff compares two certificates: name two files or servers"));
    };
    let (first, second) = (certificate(args, a)?, certificate(args, b)?);
    let comparison = Comparison::of((&a.to_string_lossy(), &first), (&b.to_string_lossy(), &second));
    if args.form.json {
        out.json(&comparison)?;
    } else {
        out.answer(&comparison.text())?;
    }
    Ok(if comparison.equal { Outcome::Done } else { Outcome::No })
}

/// The first certificate of a file or server, or that of the number asked for.
fn certificate(args: &Args, source: &Path) -> Result<Certificate, Failure> {
    let name = source.to_string_lossy();
    let passphrase = args.passphrase.given()?;
    let items = args.remote.items(source, passphrase.as_deref().map(String::as_str))?;
    let items = items.into_iter().flat_map(|inspected| args.filter.apply(inspected));
    let items: Vec<Item> = items.map(|inspected| inspected.item).collect();
    if let Some(certificate) = items.iter().find_map(first) {
        return Ok(certificate.clone());
    }
    let failure = Failure::message(format!("there is no certificate in `{name}`"));
    let problem = items.iter().find_map(|item| if let Item::Error(entry) = item { Some(&entry.content) } else { None });
    Err(match problem {
        Some(problem) => failure.detail(&problem.message),
        None if items.iter().any(|item| matches!(item, Item::Pkcs12(entry) if entry.content.locked)) => {
            failure.hint("give the password with --passphrase-file or --passphrase-env")
        }
        None => failure,
    })
}

fn first(item: &Item) -> Option<&Certificate> {
    match item {
        Item::Certificate(entry) => Some(&entry.content),
        _ => item.items().iter().find_map(first),
    }
}
