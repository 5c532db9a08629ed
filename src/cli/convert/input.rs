//! The input of a conversion: items of files and servers, opened with the passphrases at hand.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use secure_io::container;
use secure_io::container::encrypted::Rounds;
use secure_io::convert::Input;
use secure_io::files;
use secure_io::inspect::{self, Inspected};
use secure_io::report::item::Item;
use zeroize::Zeroizing;

use crate::cli::args;
use crate::cli::failure::Failure;
use crate::cli::inspect::Kind;
use crate::cli::remote::{self, RemoteArgs};

/// The number of an item: `2`, or `1.2` within a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selector(Vec<usize>);

impl FromStr for Selector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split('.').map(|part| part.parse().ok().filter(|number| *number > 0));
        numbers
            .collect::<Option<Vec<usize>>>()
            .map(Self)
            .ok_or_else(|| "items are counted from 1, as in 2 or 1.2".to_owned())
    }
}

/// The choice of items to convert; all if neither is given.
pub(super) struct Selection<'a> {
    pub(super) numbers: &'a [Selector],
    pub(super) kinds: &'a [Kind],
}

impl Selection<'_> {
    /// The items selected among an item and its members.
    fn apply(&self, inspected: Inspected) -> Vec<Input> {
        let of_number = self.of_number(inspected, &[]).into_iter();
        of_number.flat_map(|(inspected, within)| self.of_kind(inspected, &within)).collect()
    }

    fn of_number(&self, inspected: Inspected, within: &[usize]) -> Vec<(Inspected, Vec<usize>)> {
        let number = [within, &[inspected.item.place().index + 1]].concat();
        if self.numbers.is_empty() || self.numbers.iter().any(|selector| selector.0 == number) {
            return vec![(inspected, within.to_vec())];
        }
        if !self.numbers.iter().any(|selector| selector.0.starts_with(&number)) {
            return Vec::new();
        }
        inspected.within().into_iter().flat_map(|inner| self.of_number(inner, &number)).collect()
    }

    fn of_kind(&self, inspected: Inspected, within: &[usize]) -> Vec<Input> {
        // A closed store may hold what was asked for.
        if self.kinds.is_empty() || self.kinds.contains(&Kind::of(&inspected.item)) || is_closed_store(&inspected.item)
        {
            let outer: Vec<_> = within.iter().map(usize::to_string).collect();
            return vec![Input { inspected, within: (!outer.is_empty()).then(|| outer.join(".")) }];
        }
        let number = [within, &[inspected.item.place().index + 1]].concat();
        inspected.within().into_iter().flat_map(|inner| self.of_kind(inner, &number)).collect()
    }
}

/// Reads the items of all inputs.
pub(super) fn read(
    inputs: &[PathBuf],
    selection: &Selection<'_>,
    passphrases: &[Zeroizing<String>],
    remote: &RemoteArgs,
) -> Result<Vec<Input>, Failure> {
    let mut items = Vec::new();
    for input in inputs {
        let name = input.to_string_lossy();
        let found = match remote::endpoint(input)? {
            Some(endpoint) => remote.ask(&endpoint)?.inspected(&name),
            None => of_file(input, selection, passphrases)?,
        };
        let before = items.len();
        items.extend(found.into_iter().flat_map(|inspected| selection.apply(inspected)));
        if items.len() == before && inputs.len() == 1 {
            return Err(Failure::message(format!("nothing in `{name}` is of the number or kind asked for")));
        }
    }
    Ok(items)
}

/// The items of a file, opened with the first passphrase that opens those selected.
fn of_file(
    path: &Path,
    selection: &Selection<'_>,
    passphrases: &[Zeroizing<String>],
) -> Result<Vec<Inspected>, Failure> {
    let bytes = files::read(path)?;
    let found = |passphrase: Option<&str>| -> Vec<Inspected> {
        let (name, rounds) = (path.to_string_lossy(), Rounds::default());
        container::find(&bytes).into_iter().map(|found| inspect::item(found, &name, passphrase, &rounds)).collect()
    };
    let is_open = |items: &[Inspected]| {
        let mut items = items.iter().filter(|inspected| selection.may_take(&inspected.item));
        items.all(|inspected| !is_closed(&inspected.item))
    };
    let mut items = found(passphrases.first().map(|passphrase| passphrase.as_str()));
    for passphrase in passphrases.iter().skip(1) {
        if is_open(&items) {
            break;
        }
        let others = found(Some(passphrase));
        if is_open(&others) {
            items = others;
        }
    }
    if passphrases.is_empty() && !is_open(&items) && std::io::stdin().is_terminal() && !files::is_stdio(path) {
        let asked = args::ask(&format!("Passphrase of {}: ", path.display()))?;
        items = found(Some(&asked));
    }
    Ok(items)
}

impl Selection<'_> {
    /// Returns true unless an item is certainly not selected.
    fn may_take(&self, item: &Item) -> bool {
        let number = item.place().index + 1;
        let is_number =
            self.numbers.is_empty() || self.numbers.iter().any(|selector| selector.0.first() == Some(&number));
        let is_key = matches!(item, Item::EncryptedPrivateKey(_));
        let wants_keys = [Kind::PrivateKey, Kind::EncryptedPrivateKey].iter().any(|kind| self.kinds.contains(kind));
        is_number && (!is_key || self.kinds.is_empty() || wants_keys)
    }
}

fn is_closed(item: &Item) -> bool {
    matches!(item, Item::EncryptedPrivateKey(_)) || is_closed_store(item) || item.items().iter().any(is_closed)
}

fn is_closed_store(item: &Item) -> bool {
    match item {
        Item::Pkcs12(entry) => entry.content.locked,
        // What somebody has changed is not converted in silence.
        Item::JavaKeystore(entry) => entry.content.problem.is_some(),
        _ => false,
    }
}
