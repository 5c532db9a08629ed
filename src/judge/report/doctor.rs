//! Report of `doctor`.

use std::fmt::Write;

use serde::Serialize;

/// A look at a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Doctor {
    /// True if no trouble was found.
    pub healthy: bool,
    /// What was seen, by area.
    pub observations: Vec<Observation>,
}

/// One thing seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Observation {
    /// Where it was seen.
    pub area: Area,
    /// How good that is.
    pub state: State,
    /// The thing: a variable, a file, a port, a store.
    pub subject: String,
    /// What was seen. For people: the words may change.
    pub message: String,
    /// The command that ends the trouble.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What to do where no command does it. For people: the words may change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// A part of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "each says itself")]
pub enum Area {
    Program,
    Clock,
    Ca,
    Stores,
    Environment,
    Folder,
    Ports,
    Names,
    Hsts,
}

impl Area {
    /// Its name in the text.
    const fn words(self) -> &'static str {
        match self {
            Self::Program => "this program",
            Self::Clock => "clock",
            Self::Ca => "local CA",
            Self::Stores => "trust stores",
            Self::Environment => "environment",
            Self::Folder => "this folder",
            Self::Ports => "ports",
            Self::Names => "names",
            Self::Hsts => "HSTS",
        }
    }
}

/// How good an observation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum State {
    /// As it should be.
    Ok,
    /// Good to know.
    Note,
    /// Something fails, or will soon.
    Trouble,
    /// It could not be told.
    Unknown,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Trouble => "TROUBLE",
            Self::Unknown => "unknown",
        }
    }
}

impl Observation {
    /// An observation without remedy.
    #[must_use]
    pub fn new(area: Area, state: State, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { area, state, subject: subject.into(), message: message.into(), command: None, advice: None }
    }

    /// Adds what to do where no command does it.
    #[must_use]
    pub fn advised(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// Adds the command that ends the trouble.
    #[must_use]
    pub fn commanded(self, command: impl Into<String>) -> Self {
        Self { command: Some(command.into()), ..self }
    }
}

impl Doctor {
    /// Sums up observations.
    #[must_use]
    pub fn of(observations: Vec<Observation>) -> Self {
        let healthy = !observations.iter().any(|seen| seen.state == State::Trouble);
        Self { healthy, observations }
    }

    /// The observations by area, and below each trouble its remedy.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut area = None;
        for seen in &self.observations {
            if area != Some(seen.area) {
                let _ = writeln!(text, "{}", seen.area.words());
                area = Some(seen.area);
            }
            let _ = writeln!(text, "  {:7}  {}: {}", seen.state.word(), seen.subject, seen.message);
            if let Some(advice) = &seen.advice {
                let _ = writeln!(text, "           {advice}");
            }
            if let Some(command) = &seen.command {
                let _ = writeln!(text, "           `{command}`");
            }
        }
        text
    }
}
