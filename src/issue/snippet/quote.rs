//! A value in the syntax of each format, so that the format's reader gets the same value.

/// Rules of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    /// nginx: a variable begins with `$`, also in the names of files, and nothing escapes it.
    Nginx,
    /// HAProxy: single quotes, in which nothing is special.
    HaProxy,
    /// Caddyfile: placeholders in braces are replaced, whatever the quotes.
    Caddyfile,
    /// Traefik: YAML that was a Go template before.
    Traefik,
    /// Apache: `${NAME}` is replaced, whatever the quotes.
    Apache,
    /// JSON's strings, which JavaScript and YAML share.
    Json,
    /// Compose: YAML in which a dollar sign is written twice.
    Compose,
    /// systemd's `LoadCredential=`: the rest of the line as it is, with specifiers that begin with a per cent sign.
    Systemd,
    /// systemd's `ExecStart=`: a word in quotes.
    SystemdWord,
}

impl Quote {
    /// The value with the format's quotes.
    ///
    /// # Errors
    ///
    /// The reason, in words, if the format cannot hold the value.
    pub(super) fn quoted(self, value: &str) -> Result<String, String> {
        if value.chars().any(char::is_control) {
            return Err("it has a control character in it".to_owned());
        }
        let refuse = |part: &str| {
            if value.contains(part) { Err(format!("`{part}` means something else there")) } else { Ok(()) }
        };
        let escaped = |special: &[char]| {
            value.chars().fold(String::new(), |mut text, c| {
                text.extend(special.contains(&c).then_some('\\'));
                text.push(c);
                text
            })
        };
        Ok(match self {
            Self::Nginx => {
                refuse("$")?;
                format!("\"{}\"", escaped(&['"', '\\']))
            }
            Self::HaProxy => {
                refuse("'")?;
                format!("'{value}'")
            }
            Self::Caddyfile => {
                refuse("{")?;
                if value.contains(['"', '\\']) {
                    refuse("`")?;
                    format!("`{value}`")
                } else {
                    format!("\"{value}\"")
                }
            }
            Self::Traefik => {
                refuse("{{")?;
                format!("\"{}\"", escaped(&['"', '\\']))
            }
            Self::Apache => {
                refuse("${")?;
                format!("\"{}\"", escaped(&['"', '\\']))
            }
            Self::Json => format!("\"{}\"", escaped(&['"', '\\'])),
            Self::Compose => format!("\"{}\"", escaped(&['"', '\\']).replace('$', "$$")),
            Self::Systemd => {
                refuse("\\")?;
                value.replace('%', "%%")
            }
            Self::SystemdWord => format!("\"{}\"", escaped(&['"', '\\']).replace('%', "%%")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_format_cannot_hold_is_refused() {
        for (quote, bad) in [
            (Quote::Nginx, "/a$b"),
            (Quote::HaProxy, "/it's"),
            (Quote::Caddyfile, "/{env.HOME}"),
            (Quote::Caddyfile, "/a`b\""),
            (Quote::Traefik, "/{{ x }}"),
            (Quote::Apache, "/${HOME}"),
            (Quote::Json, "/a\nb"),
            (Quote::Systemd, "/a\\b"),
        ] {
            assert!(quote.quoted(bad).is_err(), "{quote:?} {bad}");
        }
        assert_eq!(Quote::Nginx.quoted(r#"/a b/"c\d"#).unwrap(), r#""/a b/\"c\\d""#);
        assert_eq!(Quote::Caddyfile.quoted(r#"/a "b""#).unwrap(), r#"`/a "b"`"#);
        assert_eq!(Quote::Systemd.quoted("/50%/a b").unwrap(), "/50%%/a b");
        assert_eq!(Quote::Compose.quoted("/a$b").unwrap(), "\"/a$$b\"");
    }
}
