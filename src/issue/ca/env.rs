//! Environment variables for programs that read no trust store, in the syntax of each shell.

use std::path::Path;

/// A path that cannot be told to a tool.
#[derive(Debug, thiserror::Error)]
#[error("`{}` has a line break in it, and would set other variables as well", path.escape_debug())]
pub struct LineBreak {
    path: String,
}

/// File that a variable names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Roots {
    /// The local CA's root alone, which the program adds to its own roots.
    Root,
    /// The bundle, which replaces the program's own roots.
    Bundle,
}

/// The variables, by the programs that read them.
const VARIABLES: [(&str, Roots); 9] = [
    ("NODE_EXTRA_CA_CERTS", Roots::Root),  // Node, Electron
    ("DENO_CERT", Roots::Root),            // Deno
    ("SSL_CERT_FILE", Roots::Bundle),      // Python's ssl, OpenSSL, Ruby, Go, rustls-native-certs
    ("REQUESTS_CA_BUNDLE", Roots::Bundle), // Python's requests
    ("CURL_CA_BUNDLE", Roots::Bundle),     // curl
    ("GIT_SSL_CAINFO", Roots::Bundle),     // Git
    ("PIP_CERT", Roots::Bundle),           // pip
    ("AWS_CA_BUNDLE", Roots::Bundle),      // the AWS command line and SDKs
    ("CARGO_HTTP_CAINFO", Roots::Bundle),  // Cargo
];

/// Shell or tool in which the variables are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// sh, bash, zsh, dash.
    Sh,
    /// fish.
    Fish,
    /// PowerShell.
    Powershell,
    /// A Dockerfile.
    Docker,
    /// GitHub Actions: lines for `$GITHUB_ENV`.
    Github,
    /// GitLab CI: a job's `variables`.
    Gitlab,
}

/// The variables and their values.
#[must_use]
pub fn variables<'a>(root: &'a Path, bundle: &'a Path) -> [(&'static str, &'a Path); 9] {
    VARIABLES.map(|(name, roots)| (name, if roots == Roots::Root { root } else { bundle }))
}

impl Shell {
    /// Writes the lines that set the variables, with each value quoted for the shell.
    ///
    /// # Errors
    ///
    /// [`LineBreak`] for GitHub Actions, whose file has no quotes.
    pub fn script(self, root: &Path, bundle: &Path) -> Result<String, LineBreak> {
        if self == Self::Docker {
            return Ok(dockerfile());
        }
        if self == Self::Github {
            let paths = [root, bundle].map(|path| path.display().to_string());
            if let Some(path) = paths.into_iter().find(|path| path.contains(['\n', '\r'])) {
                return Err(LineBreak { path });
            }
        }
        let line = |(name, path): (&str, &Path)| {
            let path = path.display().to_string();
            match self {
                Self::Sh | Self::Docker => format!("export {name}={}\n", quote_sh(&path)),
                Self::Fish => format!("set -gx {name} {}\n", quote_fish(&path)),
                Self::Powershell => format!("$env:{name} = {}\n", quote_powershell(&path)),
                Self::Github => format!("{name}={path}\n"),
                Self::Gitlab => format!("  {name}: {}\n", quote_yaml(&path)),
            }
        };
        let lines: String = variables(root, bundle).into_iter().map(line).collect();
        Ok(if self == Self::Gitlab { format!("variables:\n{lines}") } else { lines })
    }
}

/// The name under which a Dockerfile finds the root beside it.
pub const DOCKER_FILE: &str = "secure-io-root.crt";

/// An image's own store takes the root, so the variables name that. For Debian, Ubuntu and Alpine.
fn dockerfile() -> String {
    let root = Path::new("/usr/local/share/ca-certificates").join(DOCKER_FILE);
    let all = Path::new("/etc/ssl/certs/ca-certificates.crt");
    let lines = variables(&root, all).map(|(name, path)| format!("{name}={}", path.display()));
    format!("COPY {DOCKER_FILE} {}\nRUN update-ca-certificates\nENV {}\n", root.display(), lines.join(" \\\n    "))
}

/// A word for sh.
#[must_use]
pub fn quote_sh(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%=".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A word for fish, where a backslash counts within quotes, too.
fn quote_fish(word: &str) -> String {
    format!("'{}'", word.replace('\\', r"\\").replace('\'', r"\'"))
}

/// A word for PowerShell, which takes the quotation marks of a word processor for apostrophes, too.
fn quote_powershell(word: &str) -> String {
    let mut text = String::from("'");
    for character in word.chars() {
        let is_quote = matches!(character, '\'' | '\u{2018}'..='\u{201b}');
        text.extend(std::iter::repeat_n(character, if is_quote { 2 } else { 1 }));
    }
    text + "'"
}

/// A double-quoted scalar with JSON's escapes; GitLab expands variables after a single dollar sign.
fn quote_yaml(word: &str) -> String {
    let mut text = String::from("\"");
    for character in word.chars() {
        match character {
            '\\' | '"' => text.extend(['\\', character]),
            '$' => text.push_str("$$"),
            // YAML folds line breaks and refuses the other control characters; none is beyond U+FFFF.
            _ if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                text.extend(format!("\\u{:04x}", u32::from(character)).chars());
            }
            _ => text.push(character),
        }
    }
    text + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_paths_are_quoted_as_each_shell_wants() {
        let path = Path::new(r"/home/o'neil/my \ca/root.pem");
        let first = |shell: Shell| {
            shell.script(path, path).unwrap().lines().nth(usize::from(shell == Shell::Gitlab)).map(str::to_owned)
        };
        assert_eq!(first(Shell::Sh).unwrap(), r"export NODE_EXTRA_CA_CERTS='/home/o'\''neil/my \ca/root.pem'");
        assert_eq!(first(Shell::Fish).unwrap(), r"set -gx NODE_EXTRA_CA_CERTS '/home/o\'neil/my \\ca/root.pem'");
        assert_eq!(first(Shell::Powershell).unwrap(), r"$env:NODE_EXTRA_CA_CERTS = '/home/o''neil/my \ca/root.pem'");
        let curly = Path::new("/a\u{2018}b\u{2019}\u{201a}\u{201b}\u{201c}");
        let curly = Shell::Powershell.script(curly, curly).unwrap();
        let doubled = "'/a\u{2018}\u{2018}b\u{2019}\u{2019}\u{201a}\u{201a}\u{201b}\u{201b}\u{201c}'";
        assert!(curly.contains(doubled), "{curly}");
        assert_eq!(first(Shell::Github).unwrap(), r"NODE_EXTRA_CA_CERTS=/home/o'neil/my \ca/root.pem");
        assert_eq!(first(Shell::Gitlab).unwrap(), r#"  NODE_EXTRA_CA_CERTS: "/home/o'neil/my \\ca/root.pem""#);
    }

    /// A folder's name once set `LD_PRELOAD` for all later steps of a job.
    #[test]
    fn a_line_break_sets_no_other_variable() {
        for folder in ["/a\nLD_PRELOAD=/evil.so\nb", "/a\rLD_PRELOAD=/evil.so"] {
            let error = Shell::Github.script(Path::new(folder), Path::new("/bundle.pem")).unwrap_err();
            assert!(!error.to_string().contains(['\n', '\r']), "{error}");
            let lines = Shell::Gitlab.script(Path::new(folder), Path::new("/bundle.pem")).unwrap();
            assert_eq!(lines.lines().count(), 10, "{lines}");
        }
    }
}
