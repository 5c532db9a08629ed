//! Events to emit: `--emit EVENT JSON…`, or lines of standard input.

use std::io::BufRead;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};
use secure_io::connect::{Emit, Order};
use secure_io::files;
use serde_json::value::RawValue;
use tokio::sync::mpsc::{Receiver, channel};

use crate::cli::failure::Failure;

/// Events that are read ahead of the connection.
pub(super) const AHEAD: usize = 16;

/// The events that the command line names, one for each `--emit`, and whether acknowledgements are waited for.
#[derive(Debug)]
pub(super) struct EmitArgs {
    emits: Vec<Vec<String>>,
    ack: bool,
}

impl clap::FromArgMatches for EmitArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let occurrences = matches.get_occurrences::<String>("emit");
        let emits = occurrences.map(|all| all.map(|one| one.cloned().collect()).collect()).unwrap_or_default();
        Ok(Self { emits, ack: matches.get_flag("ack") })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for EmitArgs {
    fn augment_args(command: Command) -> Command {
        let emit = Arg::new("emit")
            .long("emit")
            .value_names(["EVENT", "JSON"])
            .num_args(1..)
            .action(ArgAction::Append)
            .allow_negative_numbers(true)
            .help("Emit an event with these arguments, JSON each; @FILE is an attachment");
        let ack =
            Arg::new("ack").long("ack").action(ArgAction::SetTrue).help("Wait for the acknowledgement of each event");
        command.arg(emit).arg(ack)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl EmitArgs {
    /// Decides whether events are typed, or come from elsewhere, because the command line names none.
    pub(super) fn is_empty(&self) -> bool {
        self.emits.is_empty()
    }

    /// Decides whether acknowledgements are waited for.
    pub(super) fn is_acknowledged(&self) -> bool {
        self.ack
    }

    /// Starts giving out the events, or those of standard input if none is named.
    pub(super) fn start(&self) -> Result<Receiver<Order>, Failure> {
        let emits: Vec<_> = self.emits.iter().map(|words| read(words, self.ack)).collect::<Result<_, _>>()?;
        let (sender, receiver) = channel(AHEAD.max(emits.len()));
        if !emits.is_empty() {
            for emit in emits {
                // The channel has room for all of them.
                let _ = sender.try_send(Order::Emit(emit));
            }
            return Ok(receiver);
        }
        let is_acknowledged = self.ack;
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if line.trim() == "/quit" {
                    return;
                }
                match typed(line.trim(), is_acknowledged) {
                    Ok(Some(emit)) => {
                        if sender.blocking_send(Order::Emit(emit)).is_err() {
                            return;
                        }
                    }
                    Ok(None) => {}
                    Err(reason) => eprintln_line(&format!("error: {reason}")),
                }
            }
        });
        Ok(receiver)
    }
}

/// The line could not be read; the next ones are still emitted.
#[expect(clippy::print_stderr, reason = "the output belongs to the thread that prints the events")]
pub(super) fn eprintln_line(reason: &str) {
    eprintln!("{reason}");
}

fn read(words: &[String], is_acknowledged: bool) -> Result<Emit, Failure> {
    let (event, arguments) = words.split_first().ok_or_else(|| Failure::message("--emit has no event".to_owned()))?;
    let (mut content, mut attachments) = (vec![serde_json::Value::from(event.as_str()).to_string()], Vec::new());
    for argument in arguments {
        if let Some(file) = argument.strip_prefix('@') {
            content.push(format!(r#"{{"_placeholder":true,"num":{}}}"#, attachments.len()));
            attachments.push(files::read(Path::new(file))?.to_vec());
            continue;
        }
        if let Err(error) = serde_json::from_str::<&RawValue>(argument) {
            let text = serde_json::Value::from(argument.as_str());
            return Err(Failure::message(format!("`{argument}` of --emit is not JSON: {error}"))
                .hint(format!("text stands in double quotes, and those in single ones: '{text}'")));
        }
        content.push(argument.clone());
    }
    emit(event, &content, attachments, is_acknowledged).map_err(Failure::message)
}

/// Reads a line as in `echo {"a":1} 2`.
pub(super) fn typed(line: &str, is_acknowledged: bool) -> Result<Option<Emit>, String> {
    if line.is_empty() {
        return Ok(None);
    }
    let (event, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let mut content = vec![serde_json::Value::from(event).to_string()];
    for argument in serde_json::Deserializer::from_str(rest).into_iter::<Box<RawValue>>() {
        content.push(argument.map_err(|error| format!("`{rest}` is not JSON: {error}"))?.get().to_owned());
    }
    emit(event, &content, Vec::new(), is_acknowledged).map(Some)
}

fn emit(event: &str, content: &[String], attachments: Vec<Vec<u8>>, is_acknowledged: bool) -> Result<Emit, String> {
    let content = RawValue::from_string(format!("[{}]", content.join(","))).map_err(|error| error.to_string())?;
    Ok(Emit { event: event.to_owned(), content, attachments, is_acknowledged })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_event_and_its_arguments() {
        let content = |line: &str| typed(line, false).unwrap().unwrap().content.get().to_owned();
        assert_eq!(content(r#"echo {"a": 1} 2"#), r#"["echo",{"a": 1},2]"#);
        assert_eq!(content("ping"), r#"["ping"]"#);
        assert!(typed("echo {", false).is_err() && typed("", false).unwrap().is_none());
    }
}
