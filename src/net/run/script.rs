//! Finds the dev server behind a command: `npm run dev`, `npx vite`, `python3 manage.py runserver`.

use std::path::{Path, PathBuf};

use crate::base::files;
use crate::net::run::servers;

/// Words to add to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The server that needs them, as people call it.
    pub server: &'static str,
    /// The words.
    pub words: Vec<String>,
}

/// Scripts that start scripts are followed so deep.
const DEPTH: usize = 4;

/// Finds the words with which a command's server listens on a port, on this machine alone. `None` if not known to
/// need any, or if its own words name a port.
#[must_use]
pub fn flags(command: &[String], folder: &Path, port: u16) -> Option<Added> {
    let (server, words) = added(command, folder, port, DEPTH)?;
    (!words.is_empty()).then_some(Added { server, words })
}

type Words = (&'static str, Vec<String>);

fn added(command: &[String], folder: &Path, port: u16, depth: usize) -> Option<Words> {
    let (first, arguments) = command.split_first()?;
    let program = program(first);
    match program {
        "npm" | "pnpm" | "yarn" | "bun" => packages(program, arguments, folder, port, depth.checked_sub(1)?),
        "node" if arguments.first().is_some_and(|argument| argument == "--run") => {
            let (script, rest) = arguments.get(1..)?.split_first()?;
            Some(behind_dashes(script_of(script, rest, folder, port, depth.checked_sub(1)?)?, rest))
        }
        _ => match inner(program, arguments) {
            Some(inner) => added(inner, folder, port, depth.checked_sub(1)?),
            None => servers::told(program, arguments, port),
        },
    }
}

/// The name of a program without its folder and ending.
fn program(word: &str) -> &str {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let endings = [".exe", ".cmd", ".mjs", ".cjs", ".js"];
    endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

/// The command that a program starts as it is; `None` for a program that starts none.
fn inner<'a>(program: &str, arguments: &'a [String]) -> Option<&'a [String]> {
    let behind = |words: usize| arguments.get(words..).filter(|rest| !rest.is_empty());
    let second = arguments.first().map(String::as_str);
    match program {
        "env" | "cross-env" => {
            let first = arguments.iter().position(|word| !word.contains('=') && !word.starts_with('-'))?;
            behind(first)
        }
        "npx" | "bunx" | "node" | "tsx" | "nice" | "time" => {
            // Flags with a value of their own would be taken for the program.
            let is_known = |word: &&String| ["-y", "--yes", "--no-install", "--bun", "--no"].contains(&word.as_str());
            let flags = arguments.iter().take_while(|word| word.starts_with('-')).collect::<Vec<_>>();
            let is_node = matches!(program, "node" | "tsx") && flags.iter().all(|word| word.starts_with("--"));
            (is_node || flags.iter().all(is_known)).then(|| behind(flags.len()))?
        }
        "python" | "python3" | "py" => match second {
            Some("-m") => behind(1),
            _ => behind(arguments.iter().take_while(|word| word.starts_with('-')).count()),
        },
        "poetry" | "uv" | "pipenv" | "pdm" | "rye" | "hatch" if second == Some("run") => behind(1),
        "bundle" if second == Some("exec") => behind(1),
        "dotenv" | "dotenvx" => behind(arguments.iter().position(|word| word == "--")? + 1),
        _ if program.starts_with("python3.") => self::inner("python3", arguments),
        _ => None,
    }
}

/// The words for a package manager's command.
fn packages(manager: &str, arguments: &[String], folder: &Path, port: u16, depth: usize) -> Option<Words> {
    let quiet = arguments.iter().take_while(|word| ["-s", "--silent", "--bun"].contains(&word.as_str())).count();
    let (verb, rest) = arguments.get(quiet..)?.split_first()?;
    let npm = manager == "npm";
    match verb.as_str() {
        "exec" | "x" | "dlx" => {
            let dashes = usize::from(rest.first().is_some_and(|word| word == "--"));
            let words = added(rest.get(dashes..)?, folder, port, depth)?;
            Some(if npm && dashes == 0 { behind_dashes(words, rest) } else { words })
        }
        "run" | "run-script" => {
            let (script, rest) = rest.split_first()?;
            let words = script_of(script, rest, folder, port, depth)?;
            Some(if npm { behind_dashes(words, rest) } else { words })
        }
        "start" | "test" if npm => Some(behind_dashes(script_of(verb, rest, folder, port, depth)?, rest)),
        _ if npm => None,
        // The others start scripts and programs of packages without another word.
        _ => script_of(verb, rest, folder, port, depth).or_else(|| added(arguments.get(quiet..)?, folder, port, depth)),
    }
}

/// npm and Node pass on the words behind two dashes.
fn behind_dashes((server, mut words): Words, typed: &[String]) -> Words {
    if !words.is_empty() && !typed.iter().any(|word| word == "--") {
        words.insert(0, "--".to_owned());
    }
    (server, words)
}

/// The words for the last command of a script of package.json, which is what receives them.
fn script_of(name: &str, typed: &[String], folder: &Path, port: u16, depth: usize) -> Option<Words> {
    let path = folder.ancestors().map(|folder| folder.join("package.json")).find(|path| files::exists(path))?;
    let package: serde_json::Value = serde_json::from_slice(&files::read(&path).ok()?).ok()?;
    let script = package.get("scripts")?.get(name)?.as_str()?;
    let mut command = last_command(script)?;
    command.extend(typed.iter().filter(|word| *word != "--").cloned());
    let folder: PathBuf = path.parent()?.to_owned();
    added(&command, &folder, port, depth)
}

/// The words of a shell script's last command, without the variables that it sets. `None` for what takes no words: one
/// that ends in `&`, and one in brackets.
fn last_command(script: &str) -> Option<Vec<String>> {
    let (mut words, mut word): (Vec<String>, Option<String>) = (Vec::new(), None);
    let mut quote = None;
    let mut characters = script.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(characters.next()),
            (None, '&' | '|' | ';' | '\n') => {
                words.clear();
                word = None;
            }
            (None, '(' | ')' | '<' | '>' | '#') => return None,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    let is_variable = |word: &String| word.split_once('=').is_some_and(|(name, _)| is_name(name));
    let command: Vec<String> = words.into_iter().skip_while(is_variable).collect();
    (!command.is_empty()).then_some(command)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::files::{Existing, NewFile};

    fn with(package: &str, command: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("package.json");
        files::write_set(&[NewFile::public(path, package)], Existing::Replace).unwrap();
        let command: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        flags(&command, folder.path(), 4000).map(|added| added.words.join(" "))
    }

    const VITE: &str = "--port 4000 --strictPort --host 127.0.0.1";

    #[test]
    fn servers_that_ignore_variables_are_told_by_flags() {
        for (command, words) in [
            ("vite", VITE),
            ("vite dev", VITE),
            ("./node_modules/.bin/vite --open", VITE),
            ("node node_modules/vite/bin/vite.js", VITE),
            ("npx -y vite", VITE),
            ("npm exec vite", "-- --port 4000 --strictPort --host 127.0.0.1"),
            ("npm exec -- vite", VITE),
            ("pnpm exec vite", VITE),
            ("pnpm vite", VITE),
            ("bunx --bun vite", VITE),
            ("env NODE_ENV=development vite", VITE),
            ("vite --host 0.0.0.0", "--port 4000 --strictPort"),
            ("webpack serve", "--port 4000 --host 127.0.0.1 --client-web-socket-url auto://0.0.0.0:0/ws"),
            ("ng serve", "--port 4000 --host 127.0.0.1"),
            ("astro dev", "--port 4000 --host 127.0.0.1"),
            ("python3 manage.py runserver", "127.0.0.1:4000"),
            ("python3.11 -m django runserver --noreload", "127.0.0.1:4000"),
            ("uv run manage.py runserver", "127.0.0.1:4000"),
            ("python3 -m http.server", "4000 --bind 127.0.0.1"),
        ] {
            assert_eq!(with("{}", command).as_deref(), Some(words), "{command}");
        }
    }

    /// A port that was typed is meant: the server is found where it listens.
    #[test]
    fn what_needs_no_flags_gets_none() {
        for command in [
            "vite build",
            "vite --port 5000",
            "vite --port=5000",
            "vite -p 5000",
            "webpack",
            "next dev",
            "node server.js",
            "python3 manage.py migrate",
            "python3 manage.py runserver 8000",
            "python3 -m http.server 8000",
            "npx --package vite vite",
            "npm install",
        ] {
            assert_eq!(with("{}", command), None, "{command}");
        }
    }

    #[test]
    fn scripts_are_looked_into_whatever_starts_them() {
        let package = r#"{"scripts": {
            "dev": "vite", "start": "npm run dev", "check": "tsc && NODE_ENV=development vite --open",
            "both": "vite & node api.js", "piped": "vite | tee log", "fixed": "vite --port 5000", "loop": "npm run loop",
            "api": "concurrently \"vite\" \"node api.js\"", "yarned": "yarn dev"}}"#;
        for (command, words) in [
            ("npm run dev", format!("-- {VITE}")),
            ("npm run dev --", VITE.to_owned()),
            ("npm run dev -- --open", VITE.to_owned()),
            ("npm start", format!("-- -- {VITE}")),
            ("npm run check", format!("-- {VITE}")),
            ("npm run yarned", format!("-- {VITE}")),
            ("pnpm run dev", VITE.to_owned()),
            ("pnpm dev", VITE.to_owned()),
            ("yarn dev", VITE.to_owned()),
            ("bun run dev", VITE.to_owned()),
            ("node --run dev", format!("-- {VITE}")),
        ] {
            assert_eq!(with(package, command), Some(words), "{command}");
        }
        for command in ["npm run both", "npm run piped", "npm run fixed", "npm run loop", "npm run api", "npm run none"]
        {
            assert_eq!(with(package, command), None, "{command}");
        }
        assert_eq!(with(package, "npm run dev -- --port 5000"), None);
    }
}
