//! Events that are typed at a terminal, while others come: `event {"json":1}`, and commands.
//!
//! A thread edits the line; what is printed meanwhile goes through the editor, which takes the line away and puts it back.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{Context, Editor, ExternalPrinter as _, Helper};
use secure_io::connect::Order;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::emit::typed;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Lines that are read ahead of the connection.
const AHEAD: usize = 16;

/// Events whose names are remembered for completion.
const MOST_EVENTS: usize = 1_000;

const COMMANDS: [(&str, &str); 5] = [
    ("/ack", "wait for the acknowledgement of each event, or no longer"),
    ("/frames", "show each packet, or no longer"),
    ("/join", "join another namespace, as in /join /chat, and emit there"),
    ("/help", "this"),
    ("/quit", "end"),
];

/// What the terminal's side and the connection's side share.
#[derive(Debug, Clone, Default)]
pub(super) struct Shared {
    /// Packets are shown.
    frames: Arc<AtomicBool>,
    /// Names of events that came or were emitted.
    events: Arc<Mutex<BTreeSet<String>>>,
}

impl Shared {
    pub(super) fn shows_frames(&self) -> bool {
        self.frames.load(Ordering::Relaxed)
    }

    /// Remembers the name of an event for completion.
    pub(super) fn saw(&self, event: &str) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let is_word = !event.is_empty() && !event.contains(char::is_whitespace) && !event.contains(char::is_control);
        if is_word && events.len() < MOST_EVENTS && !events.contains(event) {
            events.insert(event.to_owned());
        }
    }
}

/// The terminal as it was, which is put back at the end.
pub(super) struct Terminal {
    #[cfg(unix)]
    settings: Option<rustix::termios::Termios>,
}

impl Terminal {
    fn remember() -> Self {
        Self {
            #[cfg(unix)]
            settings: rustix::termios::tcgetattr(std::io::stdin()).ok(),
        }
    }
}

impl Drop for Terminal {
    /// The editor's thread may still wait for a line, with the terminal set for that.
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(settings) = &self.settings {
            let _ = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, settings);
        }
    }
}

/// Starts to edit lines; what is printed from now on goes through the editor.
pub(super) fn start(
    is_acknowledged: bool,
    frames: bool,
    out: &mut Output,
) -> Result<(Receiver<Order>, Shared, Terminal), Failure> {
    let terminal = Terminal::remember();
    let failed = |error: ReadlineError| Failure::new(anyhow::Error::new(error).context("cannot use the terminal"));
    let shared = Shared::default();
    shared.frames.store(frames, Ordering::Relaxed);
    let mut editor = Editor::<Events, DefaultHistory>::new().map_err(failed)?;
    editor.set_helper(Some(Events(shared.clone())));
    let mut printer = editor.create_external_printer().map_err(failed)?;
    out.note("type `event {\"json\":1}` to emit an event; Tab completes, /help lists the commands");
    out.divert(Some(Box::new(move |text| printer.print(text).is_ok())));
    let (sender, receiver) = channel(AHEAD);
    let mut line = Line { sender, shared: shared.clone(), is_acknowledged };
    std::thread::spawn(move || {
        let mut printer = editor.create_external_printer().ok();
        let mut say = |text: String| {
            if let Some(printer) = &mut printer {
                let _ = printer.print(text);
            }
        };
        while let Ok(text) = editor.readline("> ") {
            let text = text.trim();
            if text.is_empty() {
                continue;
            }
            let _ = editor.add_history_entry(text);
            if !line.obey(text, &mut say) {
                return;
            }
        }
    });
    Ok((receiver, shared, terminal))
}

/// Obeys lines.
struct Line {
    sender: Sender<Order>,
    shared: Shared,
    is_acknowledged: bool,
}

impl Line {
    /// Returns false at the end.
    fn obey(&mut self, text: &str, say: &mut dyn FnMut(String)) -> bool {
        let (command, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let order = match command {
            "/quit" | "/exit" => return false,
            "/help" => {
                for (command, does) in COMMANDS {
                    say(format!("{command:9}{does}\n"));
                }
                return true;
            }
            "/ack" => {
                self.is_acknowledged = !self.is_acknowledged;
                let whether = if self.is_acknowledged { "waited for" } else { "not waited for" };
                say(format!("acknowledgements are {whether}\n"));
                return true;
            }
            "/frames" => {
                let shows = !self.shared.frames.fetch_xor(true, Ordering::Relaxed);
                say(format!("packets are {}\n", if shows { "shown" } else { "not shown" }));
                return true;
            }
            "/join" => {
                let name = rest.trim();
                Order::Join(if name.starts_with('/') { name.to_owned() } else { format!("/{name}") })
            }
            other if other.starts_with('/') => {
                say(format!("error: there is no command {other}: /help lists them\n"));
                return true;
            }
            event => match typed(text, self.is_acknowledged) {
                Ok(Some(emit)) => {
                    self.shared.saw(event);
                    Order::Emit(emit)
                }
                Ok(None) => return true,
                Err(reason) => {
                    say(format!("error: {reason}\n"));
                    return true;
                }
            },
        };
        self.sender.blocking_send(order).is_ok()
    }
}

/// Completes commands and the names of events.
struct Events(Shared);

impl Completer for Events {
    type Candidate = String;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let begun = line.get(..position).unwrap_or(line);
        if begun.contains(char::is_whitespace) {
            return Ok((position, Vec::new()));
        }
        let events = self.0.events.lock().unwrap_or_else(PoisonError::into_inner);
        let names = COMMANDS.iter().map(|(command, _)| (*command).to_owned()).chain(events.iter().cloned());
        Ok((0, names.filter(|name| name.starts_with(begun)).collect()))
    }
}

impl Hinter for Events {
    type Hint = String;
}

impl Highlighter for Events {}
impl Validator for Events {}
impl Helper for Events {}
