//! Protocols in which TLS begins after a few words in the clear (STARTTLS).

use std::fmt;
use std::io;
use std::str::FromStr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest greeting or answer that is read before TLS begins.
const LONGEST: usize = 64 * 1024;

/// A protocol whose connections begin in the clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starttls {
    /// RFC 3207.
    Smtp,
    /// RFC 9051 section 6.2.1.
    Imap,
    /// RFC 2595 section 4.
    Pop3,
    /// RFC 4217.
    Ftp,
    /// RFC 4511 section 4.14.
    Ldap,
    /// `SSLRequest` of PostgreSQL's protocol.
    Postgres,
    /// `Protocol::SSLRequest` of MySQL's protocol.
    Mysql,
    /// RFC 6120 section 5.
    Xmpp,
}

/// Reason why TLS does not begin.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The connection broke.
    Broken(io::Error),
    /// The server said something else.
    Said(Said),
}

/// Words of a server that do not begin TLS.
#[derive(Debug, thiserror::Error)]
#[error("{words}")]
pub(crate) struct Said {
    words: String,
    /// The protocol by which the words are known, if it is another than was spoken to the server.
    pub(crate) speaks: Option<Starttls>,
}

impl Refusal {
    fn said(octets: &[u8]) -> Self {
        Self::Said(Said { words: shown(octets), speaks: Starttls::of_words(octets) })
    }

    fn words(words: impl Into<String>) -> Self {
        Self::Said(Said { words: words.into(), speaks: None })
    }

    /// The same behind a greeting that SMTP and FTP have in common, and whose words may tell which it is.
    fn behind(self, greeting: &str) -> Self {
        match self {
            Self::Said(said) => {
                Self::Said(Said { speaks: Starttls::of_words(greeting.as_bytes()).or(said.speaks), ..said })
            }
            broken @ Self::Broken(_) => broken,
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl Starttls {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Smtp, Self::Imap, Self::Pop3, Self::Ftp, Self::Ldap, Self::Postgres, Self::Mysql, Self::Xmpp];

    /// The name, as `openssl s_client -starttls` has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Ftp => "ftp",
            Self::Ldap => "ldap",
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Xmpp => "xmpp",
        }
    }

    /// The protocol that has a port in IANA's registry on which connections begin in the clear.
    #[must_use]
    pub const fn of_port(port: u16) -> Option<Self> {
        Some(match port {
            25 | 587 => Self::Smtp,
            143 => Self::Imap,
            110 => Self::Pop3,
            21 => Self::Ftp,
            389 => Self::Ldap,
            5432 => Self::Postgres,
            3306 => Self::Mysql,
            5222 | 5269 => Self::Xmpp,
            _ => return None,
        })
    }

    /// Reasons for which a server says nothing in this protocol, and what to do.
    #[must_use]
    pub const fn silence(self) -> &'static str {
        match self {
            Self::Smtp | Self::Imap | Self::Pop3 | Self::Ftp | Self::Mysql => {
                "a server of this protocol speaks first: where one is silent, TLS begins at once (leave --starttls \
                 away), or the protocol is another one (postgres, ldap, xmpp)"
            }
            Self::Postgres | Self::Ldap | Self::Xmpp => {
                "the server does not know the protocol: TLS may begin at once (leave --starttls away)"
            }
        }
    }

    /// The protocol whose servers say this.
    fn of_words(octets: &[u8]) -> Option<Self> {
        // A packet of MySQL has its length in three octets, then the number 0.
        if matches!(octets, [length, 0, 0, 0, ..] if *length > 0) {
            return Some(Self::Mysql);
        }
        let text = String::from_utf8_lossy(octets).to_ascii_uppercase();
        let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        Some(match () {
            () if begins(&["* OK", "* PREAUTH", "* BYE", "* BAD"]) => Self::Imap,
            () if begins(&["+OK", "-ERR"]) => Self::Pop3,
            () if begins(&["<?XML", "<STREAM:"]) => Self::Xmpp,
            () if begins(&["2", "5"]) && has(&["SMTP", "EHLO", "HELO"]) => Self::Smtp,
            () if begins(&["2", "5"]) && has(&["FTP", "USER AND PASS"]) => Self::Ftp,
            () => return None,
        })
    }

    /// Makes a server begin TLS on a new connection.
    pub(crate) async fn begin(self, tcp: &mut TcpStream, host: &str) -> Result<(), Refusal> {
        self.talk(tcp, host).await.map_err(|refusal| match refusal {
            Refusal::Said(said) => Refusal::Said(Said { speaks: said.speaks.filter(|other| *other != self), ..said }),
            broken @ Refusal::Broken(_) => broken,
        })
    }

    async fn talk(self, tcp: &mut TcpStream, host: &str) -> Result<(), Refusal> {
        match self {
            Self::Smtp => {
                let greeting = reply(tcp, "220").await?;
                say(tcp, "EHLO secure-io.invalid\r\n").await?;
                reply(tcp, "250").await.map_err(|refusal| refusal.behind(&greeting))?;
                say(tcp, "STARTTLS\r\n").await?;
                reply(tcp, "220").await.map(drop)
            }
            Self::Ftp => {
                let greeting = reply(tcp, "220").await?;
                say(tcp, "AUTH TLS\r\n").await?;
                reply(tcp, "234").await.map(drop).map_err(|refusal| refusal.behind(&greeting))
            }
            Self::Imap => {
                line(tcp, |line| line.starts_with("* OK") || line.starts_with("* PREAUTH")).await?;
                say(tcp, "a STARTTLS\r\n").await?;
                // Untagged responses may come before the tagged one.
                tagged(tcp).await
            }
            Self::Pop3 => {
                line(tcp, |line| line.starts_with("+OK")).await?;
                say(tcp, "STLS\r\n").await?;
                line(tcp, |line| line.starts_with("+OK")).await
            }
            Self::Ldap => ldap(tcp).await,
            Self::Postgres => postgres(tcp).await,
            Self::Mysql => mysql(tcp).await,
            Self::Xmpp => xmpp(tcp, host).await,
        }
    }
}

impl fmt::Display for Starttls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Starttls {
    type Err = UnknownStarttls;

    /// Reads a protocol's name, or another program's name for the same protocol.
    fn from_str(text: &str) -> Result<Self, UnknownStarttls> {
        let lower = text.to_ascii_lowercase();
        let usual = match lower.as_str() {
            "postgresql" | "pgsql" => "postgres",
            "pop" => "pop3",
            "mariadb" => "mysql",
            "submission" => "smtp",
            other => other,
        };
        Self::ALL.into_iter().find(|protocol| protocol.name() == usual).ok_or(UnknownStarttls(lower))
    }
}

/// Error for a protocol that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not one of smtp, imap, pop3, ftp, ldap, postgres, mysql, xmpp")]
pub struct UnknownStarttls(String);

async fn say(tcp: &mut TcpStream, words: &str) -> io::Result<()> {
    tcp.write_all(words.as_bytes()).await
}

/// Reads up to the end of a line; octet by octet, because TLS may follow the line.
async fn read_line(tcp: &mut TcpStream) -> Result<String, Refusal> {
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        if line.len() > LONGEST {
            return Err(Refusal::said(&line));
        }
        match tcp.read_u8().await {
            // Binary protocols have no end of a line to wait for.
            Ok(0) => {
                line.push(0);
                return Err(Refusal::said(&with_rest(tcp, &line)));
            }
            Ok(octet) => line.push(octet),
            Err(_) if !line.is_empty() => return Err(Refusal::said(&line)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

async fn line(tcp: &mut TcpStream, is_expected: impl Fn(&str) -> bool) -> Result<(), Refusal> {
    let line = read_line(tcp).await?;
    if is_expected(&line) { Ok(()) } else { Err(Refusal::said(line.as_bytes())) }
}

/// Reads a reply of one or more lines (RFC 5321 section 4.2): `250-…`, and `250 …` at last.
async fn reply(tcp: &mut TcpStream, code: &str) -> Result<String, Refusal> {
    let mut whole = String::new();
    loop {
        let line = read_line(tcp).await?;
        whole = format!("{whole}{line}\n");
        let Some(rest) = line.strip_prefix(code).filter(|_| whole.len() < LONGEST) else {
            return Err(Refusal::said(line.as_bytes()));
        };
        if !rest.starts_with('-') {
            return Ok(whole);
        }
        // Lines within a reply of FTP may have no code.
        if code == "220" && rest.starts_with('-') {
            return while_inner(tcp, code, whole).await;
        }
    }
}

/// Reads the other lines of a greeting, up to the one with the code and a space.
async fn while_inner(tcp: &mut TcpStream, code: &str, mut whole: String) -> Result<String, Refusal> {
    loop {
        let line = read_line(tcp).await?;
        whole = format!("{whole}{line}\n");
        if line.strip_prefix(code).is_some_and(|rest| !rest.starts_with('-')) {
            return Ok(whole);
        }
        if whole.len() > LONGEST {
            return Err(Refusal::said(line.as_bytes()));
        }
    }
}

async fn tagged(tcp: &mut TcpStream) -> Result<(), Refusal> {
    for _ in 0..100 {
        let line = read_line(tcp).await?;
        match line.strip_prefix("a ") {
            Some(result) if result.starts_with("OK") => return Ok(()),
            None if line.starts_with('*') => {}
            _ => return Err(Refusal::said(line.as_bytes())),
        }
    }
    Err(Refusal::words("untagged responses without end"))
}

async fn postgres(tcp: &mut TcpStream) -> Result<(), Refusal> {
    // The length, and the number 80877103 in the place of a version.
    tcp.write_all(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]).await?;
    match tcp.read_u8().await? {
        b'S' => Ok(()),
        b'N' => Err(Refusal::words("`N`: the server is configured without TLS")),
        other => {
            let mut rest = [0; 63];
            let length = tcp.read(&mut rest).await.unwrap_or(0);
            let said = [&[other], rest.get(..length).unwrap_or_default()].concat();
            Err(Refusal::said(&said))
        }
    }
}

/// The capabilities that a client of MySQL has for this: `CLIENT_PROTOCOL_41`, `CLIENT_SSL`, `CLIENT_SECURE_CONNECTION`.
const MYSQL_CAPABILITIES: u32 = 0x0000_0200 | MYSQL_SSL | 0x0000_8000;
const MYSQL_SSL: u32 = 0x0000_0800;

async fn mysql(tcp: &mut TcpStream) -> Result<(), Refusal> {
    let mut head = [0; 4];
    tcp.read_exact(&mut head).await?;
    let length = usize::from(head[0]) | usize::from(head[1]) << 8 | usize::from(head[2]) << 16;
    if !(1..=LONGEST).contains(&length) || head[3] != 0 {
        return Err(Refusal::said(&with_rest(tcp, &head)));
    }
    let mut greeting = vec![0; length];
    tcp.read_exact(&mut greeting).await?;
    if !has_mysql_tls(&greeting).ok_or_else(|| Refusal::words(shown(greeting.get(3..).unwrap_or(&greeting))))? {
        return Err(Refusal::words("the server's capabilities are without TLS"));
    }
    let mut request = vec![32, 0, 0, 1];
    request.extend(MYSQL_CAPABILITIES.to_le_bytes());
    request.extend(0x0100_0000_u32.to_le_bytes());
    request.push(33); // utf8
    request.extend([0; 23]);
    tcp.write_all(&request).await?;
    Ok(())
}

/// Looks for `CLIENT_SSL` in a greeting of protocol version 10; `None` for any other greeting.
fn has_mysql_tls(greeting: &[u8]) -> Option<bool> {
    let rest = greeting.strip_prefix(&[10])?;
    let version = rest.iter().position(|octet| *octet == 0)?;
    // The thread's id, the first part of a random value, and a filler stand before the lower capabilities.
    let lower = rest.get(version + 1 + 4 + 8 + 1..)?.get(..2)?;
    Some(u32::from(u16::from_le_bytes([*lower.first()?, *lower.get(1)?])) & MYSQL_SSL != 0)
}

/// The request name of the extended operation, in an LDAPMessage with the ID 1.
const LDAP_STARTTLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

async fn ldap(tcp: &mut TcpStream) -> Result<(), Refusal> {
    tcp.write_all(LDAP_STARTTLS).await?;
    let mut head = [0; 2];
    tcp.read_exact(&mut head).await?;
    let [tag, length] = head;
    let length = match length {
        0..=0x7f => usize::from(length),
        0x81 => usize::from(tcp.read_u8().await?),
        0x82 => usize::from(tcp.read_u16().await?),
        0x84 => usize::try_from(tcp.read_u32().await?).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    if tag != 0x30 || length > LONGEST {
        return Err(Refusal::said(&with_rest(tcp, &head)));
    }
    let mut message = vec![0; length];
    tcp.read_exact(&mut message).await?;
    match ldap_result(&message) {
        Some(0) => Ok(()),
        Some(code) => Err(Refusal::words(format!("LDAP result code {code}"))),
        None => Err(Refusal::said(&message)),
    }
}

/// The resultCode of an ExtendedResponse.
fn ldap_result(message: &[u8]) -> Option<u8> {
    let response = message.strip_prefix(&[2, 1, 1, 0x78])?;
    // One length in any of its forms, then the code as an ENUMERATED of one octet.
    let skipped = match response.first()? {
        0..=0x7f => 1,
        long => 1 + usize::from(long & 0x7f),
    };
    response.get(skipped..)?.strip_prefix(&[10, 1])?.first().copied()
}

async fn xmpp(tcp: &mut TcpStream, host: &str) -> Result<(), Refusal> {
    let open = format!(
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' \
         to='{host}' version='1.0'>"
    );
    say(tcp, &open).await?;
    let first = tcp.read_u8().await?;
    if first != b'<' {
        return Err(Refusal::said(&with_rest(tcp, &[first])));
    }
    let features =
        until(tcp, &["</stream:features>", "<stream:features/>", "</stream:error>", "</stream:stream>"]).await?;
    if !features.contains("urn:ietf:params:xml:ns:xmpp-tls") {
        // The error stands behind the stream's head.
        let error = features.find("<stream:error").and_then(|at| features.get(at..)).unwrap_or(&features);
        return Err(Refusal::words(shown(error.as_bytes())));
    }
    say(tcp, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").await?;
    let answer = until(tcp, &["/>", "</proceed>", "</failure>"]).await?;
    if answer.contains("<proceed") { Ok(()) } else { Err(Refusal::words(shown(answer.as_bytes()))) }
}

/// Reads up to one of these ends.
async fn until(tcp: &mut TcpStream, ends: &[&str]) -> Result<String, Refusal> {
    let mut read = Vec::new();
    while !ends.iter().any(|end| read.ends_with(end.as_bytes())) {
        if read.len() > LONGEST {
            return Err(Refusal::said(&read));
        }
        match tcp.read_u8().await {
            Ok(octet) => read.push(octet),
            Err(_) if !read.is_empty() => return Err(Refusal::said(&read)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(String::from_utf8_lossy(&read).into_owned())
}

/// Octets with those that came along with them.
fn with_rest(tcp: &TcpStream, octets: &[u8]) -> Vec<u8> {
    let mut rest = [0; 200];
    let length = tcp.try_read(&mut rest).unwrap_or(0);
    [octets, rest.get(..length).unwrap_or_default()].concat()
}

/// The beginning of an answer, printable.
fn shown(octets: &[u8]) -> String {
    let text = String::from_utf8_lossy(octets.get(..octets.len().min(80)).unwrap_or_default()).into_owned();
    let line = text.lines().next().unwrap_or_default();
    format!("`{}`", crate::x509::name::escape_unprintable(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ports_are_known() {
        for protocol in Starttls::ALL {
            assert_eq!(protocol.name().parse(), Ok(protocol));
        }
        assert_eq!("PostgreSQL".parse(), Ok(Starttls::Postgres));
        assert!("http".parse::<Starttls>().is_err());
        assert_eq!(Starttls::of_port(587), Some(Starttls::Smtp));
        assert_eq!(Starttls::of_port(443), None);
    }

    #[test]
    fn capabilities_are_found_in_a_greeting() {
        let greeting =
            |capabilities: [u8; 2]| [b"\x0a8.0.36\0\x01\0\0\0".as_slice(), b"12345678\0", &capabilities].concat();
        assert_eq!(has_mysql_tls(&greeting([0xff, 0xff])), Some(true));
        assert_eq!(has_mysql_tls(&greeting([0xff, 0xf7])), Some(false));
        assert_eq!(has_mysql_tls(b"\xff\x15\x04Too many connections"), None);
    }

    #[test]
    fn protocols_are_known_by_their_words() {
        for (words, protocol) in [
            ("* OK [CAPABILITY IMAP4rev1] ready", Some(Starttls::Imap)),
            ("+OK Dovecot ready.", Some(Starttls::Pop3)),
            ("220 mail.test ESMTP Postfix", Some(Starttls::Smtp)),
            ("503 5.5.1 Error: send HELO/EHLO first", Some(Starttls::Smtp)),
            ("220 (vsFTPd 3.0.5)", Some(Starttls::Ftp)),
            ("530 Please login with USER and PASS.", Some(Starttls::Ftp)),
            ("J\0\0\0\n8.0.36\0", Some(Starttls::Mysql)),
            ("<?xml version='1.0'?>", Some(Starttls::Xmpp)),
            ("220 ready", None),
            ("HTTP/1.1 400 Bad Request", None),
        ] {
            assert_eq!(Starttls::of_words(words.as_bytes()), protocol, "{words}");
        }
    }

    #[test]
    fn a_result_code_is_found_whatever_form_its_length_has() {
        assert_eq!(ldap_result(b"\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"), Some(0));
        assert_eq!(ldap_result(b"\x02\x01\x01\x78\x84\0\0\0\x07\x0a\x01\x02\x04\x00\x04\x00"), Some(2));
        assert_eq!(ldap_result(b"\x02\x01\x01"), None);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(octets: Vec<u8>) {
            let _ = has_mysql_tls(&octets);
            let _ = ldap_result(&octets);
            let _ = shown(&octets);
            let _ = Starttls::of_words(&octets);
        }
    }
}
