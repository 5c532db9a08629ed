//! `inspect`: shows the content of files.

mod diff;
mod json;
pub(super) mod lint;
mod pem;
mod source;
mod tally;
mod text;

use std::sync::Arc;

use secure_io::container::encrypted::Rounds;
use secure_io::container::{self, Chunk};
use secure_io::inspect::{self, Inspected};
use secure_io::probe::Endpoint;
use secure_io::report::item::{Entry, Item, Place, Problem};
use secure_io::report::view::Detail;
use secure_io::{ordered, validity};

use super::Outcome;
use super::args::PassphraseArgs;
use super::failure::Failure;
use super::output::{Output, push_json};
use super::remote::RemoteArgs;
use lint::{LintArgs, Linter};
use source::{Source, Where};
use tally::Tally;

/// Show the content of files: certificates, requests, CRLs, keys and stores, in any mix
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io inspect server-cert.pem server-key.pem        what they are, and what belongs together
  secure-io inspect --text full server-cert.pem           everything that is in it
  secure-io inspect -r /etc/ssl --expires-within 30d -q   what is about to expire, for cron
  secure-io inspect --pem --item 1 chain.pem              the first certificate of a chain
  secure-io inspect --lint server-cert.pem                what is wrong with it, and how to fix it
  secure-io inspect https://localhost:3000                what a server shows
  secure-io inspect --diff server-cert.pem https://localhost:3000   is it the server's?
  secure-io inspect --json bundle.pem | jq -r '.[].subject'

Exit status: 0 done, 1 something expires within the span asked for, --lint found something or the two of --diff differ,
2 something could not be read")]
pub(crate) struct Args {
    /// Files, folders (with -r), patterns such as 'certs/*.pem', - for standard input; servers, as in
    /// https://localhost:3000 or localhost:3000
    #[arg(value_name = "FILE", required_unless_present = "lint")]
    sources: Vec<std::path::PathBuf>,
    /// Look into folders, and those within them
    #[arg(long, short)]
    recursive: bool,
    /// Compare two certificates, of files or servers; exit with 1 if they differ
    #[arg(long, conflicts_with_all = ["recursive", "lint", "expires_within", "pem"])]
    diff: bool,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    lint: LintArgs,
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    #[command(flatten)]
    form: Form,
}

/// Selection of the items shown.
#[derive(clap::Args)]
#[command(next_help_heading = "Filters")]
struct Filter {
    /// Show items of these kinds only
    #[arg(long, value_name = "KIND", value_enum, value_delimiter = ',')]
    kind: Vec<Kind>,
    /// Show the items of these numbers only, counted from 1 in each file
    #[arg(long, value_name = "N", value_delimiter = ',')]
    item: Vec<usize>,
    /// Exit with 1, naming them, if certificates or CRLs expire within this span, as in 30d, or have expired
    #[arg(long, value_name = "SPAN")]
    expires_within: Option<String>,
}

/// Form in which items are shown.
#[derive(clap::Args)]
#[command(next_help_heading = "Output")]
struct Form {
    /// Report as JSON: an array with one object per item
    #[arg(long, conflicts_with = "pem")]
    json: bool,
    /// Amount of detail
    #[arg(long, value_enum, value_name = "DETAIL", default_value_t = Text::Short, conflicts_with_all = ["json", "pem"])]
    text: Text,
    /// Write the items themselves as clean PEM; private keys only with --kind private-key
    #[arg(long)]
    pem: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Text {
    /// The essentials at a glance
    Short,
    /// Everything
    Full,
}

/// The kinds of JSON's `kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    Certificate,
    Csr,
    Crl,
    PrivateKey,
    EncryptedPrivateKey,
    PublicKey,
    Pkcs7,
    Pkcs12,
    JavaKeystore,
    OcspResponse,
    Unknown,
    Error,
}

impl Kind {
    /// The kind of an item.
    pub(crate) fn of(item: &Item) -> Self {
        match item {
            Item::Certificate(_) => Self::Certificate,
            Item::Csr(_) => Self::Csr,
            Item::Crl(_) => Self::Crl,
            Item::PrivateKey(_) => Self::PrivateKey,
            Item::EncryptedPrivateKey(_) => Self::EncryptedPrivateKey,
            Item::PublicKey(_) => Self::PublicKey,
            Item::Pkcs7(_) => Self::Pkcs7,
            Item::Pkcs12(_) => Self::Pkcs12,
            Item::JavaKeystore(_) => Self::JavaKeystore,
            Item::OcspResponse(_) => Self::OcspResponse,
            Item::Error(_) => Self::Error,
            _ => Self::Unknown,
        }
    }
}

impl Filter {
    /// Selects an item, or the items of a container that was not asked for.
    fn apply(&self, inspected: Inspected) -> Vec<Inspected> {
        let number = inspected.item.place().index + 1;
        if !self.item.is_empty() && !self.item.contains(&number) {
            return Vec::new();
        }
        self.of_kind(inspected)
    }

    fn of_kind(&self, inspected: Inspected) -> Vec<Inspected> {
        if self.kind.is_empty() || self.kind.contains(&Kind::of(&inspected.item)) {
            return vec![inspected];
        }
        inspected.within().into_iter().flat_map(|inner| self.of_kind(inner)).collect()
    }
}

/// Destination of the items.
enum Sink {
    Text(Box<text::TextSink>),
    Json(json::JsonSink),
    Pem(pem::PemSink),
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    if args.diff {
        return diff::run(args, out);
    }
    let now = validity::now();
    let passphrase = args.passphrase.given()?;
    let mut tally = Tally::new(args.filter.expires_within.as_deref(), now)?;
    let places = source::expand(&args.sources()?, args.recursive)?;
    let linter = Linter::new(&args.lint, now);
    let passphrase = passphrase.as_deref().map(String::as_str);
    let mut run = Run { args, passphrase, sink: Sink::new(args, now, out.is_quiet()), tally: &mut tally, linter };
    for place in places {
        match place {
            Where::Source(source) => run.source(&source, out)?,
            Where::Server(name, endpoint) => run.server(&name, &endpoint, out)?,
            Where::NoServer(name, failure) => run.unasked(&name, failure, out)?,
        }
    }
    run.finish(out)
}

impl Args {
    fn sources(&self) -> Result<Vec<std::path::PathBuf>, Failure> {
        // The audience behind `--lint` may be left out: the word there is the first file then.
        let first = self.lint.file().into_iter();
        let sources: Vec<_> = first.chain(&self.sources).cloned().collect();
        if sources.is_empty() {
            return Err(
                Failure::message("no file is given").hint("name a file or a server, as in https://localhost:3000")
            );
        }
        Ok(sources)
    }
}

struct Run<'a> {
    args: &'a Args,
    passphrase: Option<&'a str>,
    sink: Sink,
    tally: &'a mut Tally,
    linter: Option<Linter>,
}

/// Result of one part of a source.
enum Part {
    /// Items, for those that look at all of them.
    Items(Vec<Inspected>),
    /// JSON of items, with the counts of them.
    Json(Vec<u8>, Tally),
    /// Text of items of a source, with the counts of them.
    Text(String, Tally),
    /// The source cannot be read, or no further.
    Unreadable(Failure),
}

impl Run<'_> {
    /// Parts of a source are worked on side by side, and shown in their order.
    fn source(&mut self, source: &Source, out: &mut Output) -> Result<(), Failure> {
        let chunks = match source.open() {
            Ok(reader) => container::chunks(reader),
            Err(failure) => return self.unreadable(failure, out),
        };
        let worker = Worker {
            source,
            name: source.name(),
            passphrase: self.passphrase,
            rounds: Rounds::default(),
            filter: &self.args.filter,
            is_json: self.args.form.json && self.linter.is_none(),
            streaming: match &self.sink {
                Sink::Text(sink) if self.linter.is_none() => Some(sink.streaming()),
                _ => None,
            },
            tally: self.tally.empty(),
        };
        ordered::map(chunks, |chunk| worker.part(chunk), |part| self.take(&worker.name, part, out))
    }

    /// Prints the certificates that a server presents, in the order in which the server sends them.
    fn server(&mut self, name: &str, endpoint: &Endpoint, out: &mut Output) -> Result<(), Failure> {
        match self.args.remote.ask(endpoint) {
            Ok(presented) => self.take(name, Part::Items(presented.inspected(name)), out),
            Err(failure) => self.unasked(name, failure, out),
        }
    }

    /// A server that cannot be asked is reported, in JSON by an item of its own.
    fn unasked(&mut self, name: &str, failure: Failure, out: &mut Output) -> Result<(), Failure> {
        if let (Sink::Json(sink), Failure::Error(report)) = (&mut self.sink, &failure) {
            let content =
                Problem { message: failure.reason(), cause: report.cause, hint: report.hints.first().cloned() };
            sink.take(&Item::Error(Entry { place: Place::of(name), content }), out)?;
        }
        self.unreadable(failure, out)
    }

    fn take(&mut self, source: &str, part: Part, out: &mut Output) -> Result<(), Failure> {
        match (part, &mut self.sink) {
            (Part::Unreadable(failure), _) => self.unreadable(failure, out),
            (Part::Json(text, tally), Sink::Json(sink)) => {
                self.tally.add(tally);
                sink.text(&text, out)
            }
            (Part::Text(text, tally), Sink::Text(sink)) => {
                self.tally.add(tally);
                sink.text(source, &text, out)
            }
            (Part::Items(items), _) => {
                for inspected in items {
                    self.tally.count(&inspected.item);
                    let ready = match &mut self.linter {
                        Some(linter) => linter.take(inspected),
                        None => vec![inspected],
                    };
                    self.show(ready, out)?;
                }
                Ok(())
            }
            (Part::Json(..) | Part::Text(..), _) => Ok(()),
        }
    }

    fn show(&mut self, ready: Vec<Inspected>, out: &mut Output) -> Result<(), Failure> {
        for inspected in ready.into_iter().flat_map(|inspected| self.args.filter.apply(inspected)) {
            self.sink.take(inspected, out)?;
        }
        Ok(())
    }

    fn finish(mut self, out: &mut Output) -> Result<Outcome, Failure> {
        let last = self.linter.as_mut().map(Linter::finish);
        self.show(last.unwrap_or_default(), out)?;
        self.sink.finish(out)?;
        let found = self.linter.map_or(Outcome::Done, |linter| linter.outcome(out));
        self.tally.check_numbers(&self.args.filter.item, out);
        let outcome = self.tally.outcome(out);
        Ok(if outcome == Outcome::Done { found } else { outcome })
    }

    /// An unreadable source is reported, and the others are shown.
    fn unreadable(&mut self, failure: Failure, out: &mut Output) -> Result<(), Failure> {
        match failure {
            Failure::Error(report) => {
                out.error(&report);
                self.tally.fail();
                Ok(())
            }
            Failure::BrokenPipe => Err(Failure::BrokenPipe),
        }
    }
}

/// Work on one part of a source, on any thread.
struct Worker<'a> {
    source: &'a Source,
    name: String,
    passphrase: Option<&'a str>,
    rounds: Rounds,
    filter: &'a Filter,
    is_json: bool,
    /// The making of text, where no item has to wait for all others.
    streaming: Option<Arc<text::Streaming>>,
    /// Nothing is counted in it yet.
    tally: Tally,
}

impl Worker<'_> {
    fn part(&self, chunk: Result<Chunk, container::Error>) -> Part {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => return Part::Unreadable(self.source.failure(error)),
        };
        let found = chunk.into_found().into_iter().filter(|found| !self.source.is_passed_over(found));
        let items = found.map(|found| inspect::item(found, &self.name, self.passphrase, &self.rounds));
        if self.is_json { self.json(items) } else { self.text(items.collect()) }
    }

    /// Text of the items, or the items themselves while these are held back.
    fn text(&self, items: Vec<Inspected>) -> Part {
        let Some(streaming) = self.streaming.as_ref().filter(|streaming| streaming.is_on(&items)) else {
            return Part::Items(items);
        };
        let rendered = self.rendered(items.into_iter(), |shown, text| {
            streaming.add(shown, text);
            Ok(())
        });
        rendered.map_or_else(Part::Unreadable, |(text, tally)| Part::Text(text, tally))
    }

    fn json(&self, items: impl Iterator<Item = Inspected>) -> Part {
        let rendered = self.rendered(items, |shown, text: &mut Vec<u8>| {
            if !text.is_empty() {
                text.push(b',');
            }
            push_json(text, &shown.item)
        });
        rendered.map_or_else(Part::Unreadable, |(text, tally)| Part::Json(text, tally))
    }

    /// Counts the items, and adds those that are shown to the text.
    fn rendered<T: Default>(
        &self,
        items: impl Iterator<Item = Inspected>,
        mut add: impl FnMut(&Inspected, &mut T) -> Result<(), Failure>,
    ) -> Result<(T, Tally), Failure> {
        let (mut text, mut tally) = (T::default(), self.tally.clone());
        for inspected in items {
            tally.count(&inspected.item);
            for shown in self.filter.apply(inspected) {
                add(&shown, &mut text)?;
            }
        }
        Ok((text, tally))
    }
}

impl Sink {
    fn new(args: &Args, now: time::OffsetDateTime, is_quiet: bool) -> Self {
        if args.form.json {
            return Self::Json(json::JsonSink::new());
        }
        if args.form.pem {
            return Self::Pem(pem::PemSink::new(args.filter.kind.contains(&Kind::PrivateKey)));
        }
        let detail = if args.form.text == Text::Full { Detail::Full } else { Detail::Short };
        let asks = args.filter.expires_within.is_some() || args.lint.lint.is_some();
        let form = text::Form { detail, now, width: Output::width(), is_silent: asks && is_quiet };
        Self::Text(Box::new(text::TextSink::new(form)))
    }

    fn take(&mut self, inspected: Inspected, out: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Text(sink) => sink.take(inspected, out),
            Self::Json(sink) => sink.take(&inspected.item, out),
            Self::Pem(sink) => sink.take(inspected, out),
        }
    }

    fn finish(&mut self, out: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Text(sink) => sink.finish(out),
            Self::Json(sink) => sink.finish(out),
            Self::Pem(sink) => {
                sink.finish(out);
                Ok(())
            }
        }
    }
}
