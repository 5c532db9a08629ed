//! Events that are typed at a terminal, while others come: `event {"json":1}`, and commands.
//!
//! A thread edits the line. Everything that is printed meanwhile goes through the editor, which takes the line away and
//! puts it back. The editor starts when the client is connected: until then Ctrl-C is a signal as ever, and a failure is
//! printed as it is without a terminal.

use std::collections::BTreeSet;
use std::io::BufRead;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, ExternalPrinter, Helper};
use secure_io::connect::Order;
use secure_io::report::connect::{Document, LayerName, Status};
use tokio::sync::Notify;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::emit::{AHEAD, eprintln_line, typed};
use crate::cli::output::Output;

/// Events whose names are remembered for completion.
const MOST_EVENTS: usize = 1_000;

/// The time that the editor has to show the text it was given last.
const LAST_LINES: Duration = Duration::from_millis(50);

const COMMANDS: [(&str, &str); 5] = [
    ("/ack", "wait for the acknowledgement of each event, or no longer; /ack EVENT JSON… emits one and waits"),
    ("/frames", "show each packet, or no longer"),
    ("/join", "join another namespace, as in /join /chat, and emit there"),
    ("/help", "print this list"),
    ("/quit", "end, as Ctrl-D does"),
];

/// The terminal of a run in which events are typed.
pub(super) struct Terminal {
    shared: Shared,
    /// Obeys the lines, once the editor has started.
    line: Option<Line>,
    is_diverted: bool,
    /// The settings before the editor changed them.
    #[cfg(unix)]
    settings: Option<rustix::termios::Termios>,
}

impl Terminal {
    /// Prepares a terminal whose lines become the orders of a run.
    pub(super) fn prepare(is_acknowledged: bool, frames: bool) -> (Self, Receiver<Order>) {
        let shared = Shared::default();
        shared.frames.store(frames, Ordering::Relaxed);
        let (sender, receiver) = channel(AHEAD);
        let terminal = Self {
            line: Some(Line { sender, shared: shared.clone(), is_acknowledged }),
            shared,
            is_diverted: false,
            #[cfg(unix)]
            settings: rustix::termios::tcgetattr(std::io::stdin()).ok(),
        };
        (terminal, receiver)
    }

    /// Notified when a person leaves with Ctrl-C, which is no signal while a line is edited.
    pub(super) fn left(&self) -> Arc<Notify> {
        Arc::clone(&self.shared.left)
    }

    /// Decides whether a document is printed; remembers the names of events.
    pub(super) fn shows(&self, document: &Document) -> bool {
        match document {
            Document::Packet(_) => self.shared.frames.load(Ordering::Relaxed),
            Document::Event(event) => {
                self.shared.saw(&event.event);
                true
            }
            _ => true,
        }
    }

    /// Starts the editor behind the line that says that the client is connected.
    pub(super) fn printed(&mut self, document: &Document, out: &mut Output) {
        if let Document::Layer(layer) = document
            && (layer.layer, layer.status) == (LayerName::Namespace, Status::Ok)
            && let Some(line) = self.line.take()
        {
            self.start(line, out);
        }
    }

    fn start(&mut self, line: Line, out: &mut Output) {
        out.note(
            "type `EVENT JSON…` to emit an event, as in `echo {\"a\":1}`; Tab completes, /help lists the commands",
        );
        // An editor needs more than a terminal such as Emacs' shell can do.
        let Ok((editor, mut printer, mut own)) = editor(&self.shared) else {
            std::thread::spawn(move || read(line));
            return;
        };
        out.divert(Some(Box::new(move |text| printer.print(text).is_ok())));
        self.is_diverted = true;
        std::thread::spawn(move || edit(editor, line, &mut |text| drop(own.print(text))));
    }

    /// Gives the terminal back.
    pub(super) fn end(self, out: &mut Output) {
        if self.is_diverted {
            std::thread::sleep(LAST_LINES);
            out.divert(None);
            // The line that was being edited stays above.
            let _ = out.data(b"\r\n");
        }
    }
}

#[cfg(unix)]
impl Drop for Terminal {
    /// Puts back the terminal's settings: the editor's thread may still wait for a line.
    fn drop(&mut self) {
        if let Some(settings) = &self.settings {
            let _ = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, settings);
        }
    }
}

type Lines = Editor<Names, MemHistory>;

/// An editor, and two ways of printing above its line: for the connection, and for the editor's own thread.
fn editor(
    shared: &Shared,
) -> rustyline::Result<(Lines, impl ExternalPrinter + Send + use<>, impl ExternalPrinter + Send + use<>)> {
    // Each line of a text that is pasted is a line, as it is in a pipe.
    let config = Config::builder().completion_type(CompletionType::List).bracketed_paste(false).build();
    let history = MemHistory::with_config(&config);
    let mut editor = Editor::with_history(config, history)?;
    editor.set_helper(Some(Names(shared.clone())));
    let (printer, own) = (editor.create_external_printer()?, editor.create_external_printer()?);
    Ok((editor, printer, own))
}

fn edit(mut editor: Lines, mut line: Line, say: &mut dyn FnMut(String)) {
    loop {
        match editor.readline("> ") {
            Ok(text) => {
                let text = text.trim();
                let _ = editor.add_history_entry(text);
                if !line.obey(text, say) {
                    return;
                }
            }
            Err(ReadlineError::Interrupted) => return line.shared.left.notify_one(),
            Err(_) => return,
        }
    }
}

/// Obeys lines that are not edited.
fn read(mut line: Line) {
    for text in std::io::stdin().lock().lines().map_while(Result::ok) {
        if !line.obey(text.trim(), &mut |text| eprintln_line(text.trim_end())) {
            return;
        }
    }
}

/// State that the terminal's side and the connection's side share.
#[derive(Debug, Clone, Default)]
struct Shared {
    /// Packets are shown.
    frames: Arc<AtomicBool>,
    /// Names of events that came or were emitted.
    events: Arc<Mutex<BTreeSet<String>>>,
    left: Arc<Notify>,
}

impl Shared {
    /// Remembers the name of an event for completion.
    fn saw(&self, event: &str) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let is_word = !event.is_empty() && !event.contains(|c: char| c.is_whitespace() || c.is_control());
        if is_word && events.len() < MOST_EVENTS && !events.contains(event) {
            events.insert(event.to_owned());
        }
    }
}

/// Obeys lines.
struct Line {
    sender: Sender<Order>,
    shared: Shared,
    is_acknowledged: bool,
}

impl Line {
    /// Does what a line says, and answers through `say`; returns false at the end.
    fn obey(&mut self, text: &str, say: &mut dyn FnMut(String)) -> bool {
        let (command, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        match command {
            "/quit" | "/exit" => return false,
            "/help" => {
                for (command, does) in COMMANDS {
                    say(format!("{command:9}{does}\n"));
                }
            }
            "/ack" if rest.trim().is_empty() => {
                self.is_acknowledged = !self.is_acknowledged;
                let whether = if self.is_acknowledged { "waited for" } else { "not waited for" };
                say(format!("acknowledgements are {whether}\n"));
            }
            "/ack" => return self.emit(rest.trim(), true, say),
            "/frames" => {
                let shows = !self.shared.frames.fetch_xor(true, Ordering::Relaxed);
                say(format!("packets are {}\n", if shows { "shown" } else { "not shown" }));
            }
            "/join" => {
                let name = rest.trim();
                // A comma ends the name in a packet.
                if name.contains(|c: char| c.is_whitespace() || c == ',') {
                    say(format!("error: `{name}` is not a namespace\n"));
                    return true;
                }
                let name = if name.starts_with('/') { name.to_owned() } else { format!("/{name}") };
                return self.sender.blocking_send(Order::Join(name)).is_ok();
            }
            other if other.starts_with('/') => {
                say(format!("error: the command {other} does not exist: /help lists those that do\n"));
            }
            _ => return self.emit(text, self.is_acknowledged, say),
        }
        true
    }

    fn emit(&self, text: &str, is_acknowledged: bool, say: &mut dyn FnMut(String)) -> bool {
        match typed(text, is_acknowledged) {
            Ok(Some(emit)) => {
                self.shared.saw(&emit.event);
                return self.sender.blocking_send(Order::Emit(emit)).is_ok();
            }
            Ok(None) => {}
            Err(reason) => say(format!("error: {reason}\n")),
        }
        true
    }
}

/// Completes commands and the names of events.
struct Names(Shared);

impl Completer for Names {
    type Candidate = String;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let begun = line.get(..position).unwrap_or(line);
        let (start, begun) = begun.strip_prefix("/ack ").map_or((0, begun), |begun| ("/ack ".len(), begun));
        if begun.contains(char::is_whitespace) {
            return Ok((position, Vec::new()));
        }
        let events = self.0.events.lock().unwrap_or_else(PoisonError::into_inner);
        let commands = COMMANDS.iter().map(|(command, _)| (*command).to_owned());
        let names = commands.filter(|_| start == 0).chain(events.iter().cloned());
        // What is typed behind a name that is whole is its arguments.
        Ok((start, names.filter(|name| name.starts_with(begun)).map(|name| format!("{name} ")).collect()))
    }
}

impl Hinter for Names {
    type Hint = String;
}

impl Highlighter for Names {}
impl Validator for Names {}
impl Helper for Names {}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &mut Line, text: &str) -> (bool, String) {
        let mut all = String::new();
        let goes_on = line.obey(text, &mut |text| all.push_str(&text));
        (goes_on, all)
    }

    #[test]
    fn a_line_is_an_event_or_a_command() {
        let (terminal, mut orders) = Terminal::prepare(false, false);
        let mut terminal = terminal;
        let mut line = terminal.line.take().unwrap();
        assert_eq!(said(&mut line, "echo {\"a\":1}"), (true, String::new()));
        assert!(matches!(orders.try_recv(), Ok(Order::Emit(emit)) if emit.content.get() == r#"["echo",{"a":1}]"#));
        said(&mut line, "/ack echo 1");
        assert!(matches!(orders.try_recv(), Ok(Order::Emit(emit)) if emit.is_acknowledged));
        said(&mut line, "/ack");
        said(&mut line, "echo");
        assert!(matches!(orders.try_recv(), Ok(Order::Emit(emit)) if emit.is_acknowledged));
        said(&mut line, "/join chat");
        assert!(matches!(orders.try_recv(), Ok(Order::Join(name)) if name == "/chat"));
        for (wrong, reason) in
            [("/join a,b", "not a namespace"), ("/nothing", "does not exist"), ("echo {", "is not JSON")]
        {
            let (goes_on, all) = said(&mut line, wrong);
            assert!(goes_on && all.contains(reason), "{wrong}: {all}");
        }
        assert!(orders.try_recv().is_err());
        assert_eq!(said(&mut line, "/quit"), (false, String::new()));
        terminal.shared.saw("two words");
        assert_eq!(terminal.shared.events.lock().unwrap().iter().collect::<Vec<_>>(), ["echo"]);
    }
}
