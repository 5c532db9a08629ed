use super::*;
use proptest::prelude::*;

fn kind(input: &str) -> String {
    input.parse::<SubjectAltName>().map_or_else(|error| format!("refused: {}", error.reason), |name| name.to_string())
}

#[test]
fn hosts_are_sorted_by_kind() {
    for (input, expected) in [
        ("localhost", "DNS:localhost"),
        ("LocalHost", "DNS:localhost"),
        ("*.dev.test", "DNS:*.dev.test"),
        ("my_service", "DNS:my_service"),
        ("xn--bcher-kva.test", "DNS:xn--bcher-kva.test"),
        ("bücher.test", "DNS:xn--bcher-kva.test"),
        ("*.bücher.test", "DNS:*.xn--bcher-kva.test"),
        ("faß.test", "DNS:xn--fa-hia.test"),
        ("127.0.0.1", "IP:127.0.0.1"),
        ("::1", "IP:::1"),
        ("[::1]", "IP:::1"),
        ("2001:DB8::1", "IP:2001:db8::1"),
        ("me@example.com", "email:me@example.com"),
        ("me@bücher.test", "email:me@xn--bcher-kva.test"),
        ("spiffe://td/app", "URI:spiffe://td/app"),
        ("spiffe://td/a,b;c", "URI:spiffe://td/a,b;c"),
        ("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "URI:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        ("DNS:localhost", "DNS:localhost"),
        ("URI:https://a.test/", "URI:https://a.test/"),
    ] {
        assert_eq!(kind(input), expected, "{input}");
    }
}

#[test]
fn what_cannot_be_in_a_certificate_is_refused_with_the_reason() {
    for (input, reason) in [
        ("", "it is empty"),
        ("--days", "it begins with a dash, as a flag does"),
        ("-x.test", "it begins with a dash, as a flag does"),
        ("a b", "it contains white space"),
        ("a\0b", "it contains a NUL character"),
        ("localhost:3000", "a certificate holds no port"),
        ("[::1]:3000", "a certificate holds no port"),
        ("10.0.0.0/8", "a range of addresses belongs in a CA's name constraints"),
        ("example.com/path", "a host has no path"),
        ("fe80::1%eth0", "a certificate holds no zone of an IPv6 address"),
        ("256.1.1.1", "it looks like an IP address but is none"),
        ("1.2.3", "it looks like an IP address but is none"),
        (":::1", "it looks like an IP address but is none"),
        ("DNS:127.0.0.1", "an address is no DNS name"),
        ("example.com.", "a certificate's names end without a dot"),
        ("a..b", "a label is empty: two dots in a row"),
        (".test", "a name begins without a dot: `*.` stands for every host below a domain"),
        ("a.-b.test", "a label begins or ends with a dash"),
        ("*", "a wildcard needs a domain behind it, as in `*.dev.test`"),
        ("a.*.test", "a wildcard must be the whole leftmost label, as in `*.dev.test`"),
        ("f*.test", "a wildcard must be the whole leftmost label, as in `*.dev.test`"),
        ("a,b", "hosts are separated by spaces"),
        ("@example.com", "the part before the @ is not one of an email address"),
        ("jürgen@example.com", "the part before the @ must be ASCII (RFC 5280 section 4.2.1.6)"),
        ("://x", "its scheme is not one of a URI"),
        ("spiffe://", "a URI needs something behind its scheme"),
        ("https://localhost:3000/x", "a server's certificate is for a host, which no URL is matched against"),
        ("spiffe://td/a b", "it contains white space"),
    ] {
        assert_eq!(kind(input), format!("refused: {reason}"), "{input:?}");
    }
    assert!(kind(&format!("{}.test", "a".repeat(64))).contains("63 octets"));
    assert!(kind(&["a"; 130].join(".")).contains("253 octets"));
}

/// The advice was once no name itself: `localhost:3000` for a URL, `b` for `b:`.
#[test]
fn what_is_advised_is_a_name() {
    for (input, expected) in [
        ("https://localhost:3000/x", &["localhost"][..]),
        ("HTTPS://me:secret@App.test:443", &["App.test"]),
        ("ws://[::1]:3000/socket.io/", &["::1"]),
        ("wss://10.0.0.1?x", &["10.0.0.1"]),
        ("https:\\\\app.test\\x", &["app.test"]),
        ("//app.test:3000/x", &["app.test"]),
        ("https://[fe80::1%25eth0]:3000/", &["fe80::1"]),
        ("http:app.test", &["app.test"]),
        ("http://", &[]),
        ("https://b\u{fc}cher.test/", &["b\u{fc}cher.test"]),
        ("https://app.test./", &["app.test"]),
        ("http:3000", &["http"]),
        ("localhost,127.0.0.1", &["localhost", "127.0.0.1"]),
        ("localhost, ::1", &["localhost", "::1"]),
        ("localhost;https://app.test:1/,", &["localhost", "app.test"]),
        ("localhost:3000,app.test", &["localhost", "app.test"]),
        ("a..test,b", &["a.test", "b"]),
        ("a b:1", &["a", "b"]),
        ("DNS: a.test", &["DNS:a.test"]),
        ("dns:a b", &["dns:a", "dns:b"]),
        ("DNS:a,DNS:b", &["a", "DNS:b"]),
        ("mailto:me@app.test", &["me@app.test"]),
        ("IP:app.test", &["app.test"]),
        ("DNS:127.0.0.1", &["IP:127.0.0.1"]),
        ("https://a.test,https://b.test/x", &["a.test", "b.test"]),
        ("https://a.test,b.test", &["a.test", "b.test"]),
        ("https://a.test/x,y", &["a.test"]),
        ("-,a", &[]),
        (",", &[]),
        (" ", &[]),
    ] {
        let error = input.parse::<SubjectAltName>().unwrap_err();
        assert_eq!(error.instead, expected, "{input}: {error}");
        assert!(error.instead.iter().all(|name| name.parse::<SubjectAltName>().is_ok()), "{input}");
    }
}

#[test]
fn odd_wildcards_and_pasted_addresses_are_warned_about() {
    let warning = |input: &str| input.parse::<SubjectAltName>().unwrap().warning().map(|warning| warning.0);
    assert!(warning("*.*.dev.test").unwrap().contains("one label"));
    assert!(warning("*.test").unwrap().contains("top-level domain"));
    assert!(warning("*.co.uk").unwrap().contains("public suffix"));
    assert_eq!(warning("*.github.io"), None, "a suffix of the list's private section is no registry's");
    assert_eq!(warning("*.dev.test"), None);
    assert_eq!(warning("spiffe://td/app"), None);
}

#[test]
fn the_same_name_twice_counts_once() {
    let names = parse_all(["localhost", "LOCALHOST", "::1", "0:0::1"]).unwrap();
    assert_eq!(names.len(), 2);
}

/// rcgen keeps one attribute of a kind; a name with two must come out with both, in order.
#[test]
fn subjects_keep_repeated_and_multi_valued_attributes() {
    for text in [
        "CN=localhost",
        "CN=ca,OU=B,OU=A,DC=example,DC=com",
        "CN=a+OU=b,O=c",
        r"CN=Smith\, J.,O=A\+B",
        r"CN=\#1,O=\ x\ ",
        "CN=bücher,C=DE",
        "STREET=Main 1,UID=u1",
    ] {
        assert_eq!(text.parse::<Subject>().unwrap().to_string(), text);
    }
    assert_eq!("cn = a , o = b".parse::<Subject>().unwrap().to_string(), "CN=a,O=b");
    assert_eq!("/DC=com/O=A, Inc/CN=x".parse::<Subject>().unwrap().to_string(), r"CN=x,O=A\, Inc,DC=com");
    assert_eq!("1.2.3.4=x".parse::<Subject>().unwrap().to_string(), "1.2.3.4=#0c0178");
}

/// All of these were once refused, or read as something else.
#[test]
fn subjects_as_other_programs_write_them_are_read() {
    for (text, expected) in [
        ("E=me@a.test,CN=a.test", "emailAddress=me@a.test,CN=a.test"),
        ("CN=a,S=Bavaria,C=DE", "CN=a,ST=Bavaria,C=DE"),
        ("CN=a,OID.2.5.4.5=42", "CN=a,serialNumber=42"),
        ("CN=a,oid.1.2.3.4=x", "CN=a,1.2.3.4=#0c0178"),
        (r#"CN="Acme, Inc.""#, r"CN=Acme\, Inc."),
        (r#"CN=a,O="Acme, + \"Sons\"", C=DE"#, r#"CN=a,O=Acme\, \+ \"Sons\",C=DE"#),
        (r#"O="a=b""#, "O=a=b"),
        ("C:/Program Files/Git/CN=x", "CN=x"),
        ("C:/Program Files/Git/O=Acme/CN=x", "CN=x,O=Acme"),
        ("commonName=a,organizationName=b", "CN=a,O=b"),
        ("organizationIdentifier=VATDE-1,OID.2.5.4.51=h", "2.5.4.97=#0c0756415444452d31,houseIdentifier=#0c0168"),
    ] {
        assert_eq!(text.parse::<Subject>(), expected.parse(), "{text}");
    }
}

#[test]
fn subjects_that_cannot_be_say_why() {
    let reason = |input: &str| input.parse::<Subject>().unwrap_err().reason;
    assert_eq!(reason("localhost"), "`localhost` is not of the form KEY=VALUE (RFC 4514)");
    assert_eq!(reason("CN="), "`CN` has no value");
    assert_eq!(reason("XY=1"), "`XY` is not an attribute known here: write its dotted OID");
    assert_eq!(reason("C=Germany"), "`C` is a country code of two letters");
    assert!(reason(&format!("CN={}", "a".repeat(65))).contains("longer than 64"));
    assert!(reason("CN=a\\00b").contains("NUL"));
    assert!(reason(r"CN=\a").contains("two hex digits"));
    assert!(reason(r"CN=a\").contains("two hex digits"));
    assert!(reason("").contains("KEY=VALUE"));
    assert_eq!(reason("CN=a+CN=a"), "`CN=a+CN=a` holds an attribute twice");
    // Encoded values: half an octet, no value, two values, and a length in more octets than it needs.
    for text in ["CN=#0c016", "CN=#zz", "CN=#", "CN=#0c01610c0162", "CN=#0c810161"] {
        assert!(reason(text).contains("does not read as KEY=VALUE"), "{text}");
    }
}

/// JSON once had `2.5.4.5=#13…` for a serial number that every reader of RFC 4514 knows by its name.
#[test]
fn registered_names_come_back_as_they_were() {
    for text in [
        "CN=a,serialNumber=HRB 4711,C=DE",
        "emailAddress=me@a.test,CN=a",
        "sn=Muster,givenName=Eva,initials=E,generationQualifier=II,title=Dr.,pseudonym=x",
        "dnQualifier=q,postalCode=80331,description=d,businessCategory=Private Organization",
    ] {
        assert_eq!(text.parse::<Subject>().unwrap().to_string(), text);
    }
    // A UTF8String in place of the PrintableString: its text would not be read back.
    let text = "serialNumber=#0c03c3bc78";
    assert_eq!(text.parse::<Subject>().unwrap().to_string(), text);
}

#[test]
fn strings_are_decoded_by_their_type() {
    let name = |tag: u8, value: &[u8]| {
        let value = [&[tag, u8::try_from(value.len()).unwrap()], value].concat();
        let pair = [&[6, 3, 0x55, 4, 3], &value[..]].concat();
        let wrap = |tag: u8, inner: &[u8]| [&[tag, u8::try_from(inner.len()).unwrap()], inner].concat();
        Subject::from_der(&wrap(0x30, &wrap(0x31, &wrap(0x30, &pair)))).unwrap().to_string()
    };
    assert_eq!(name(30, &[0, b'h', 0, 0xfc]), "CN=hü");
    assert_eq!(name(28, &[0, 0, 0, b'h', 0, 1, 0xf6, 0]), "CN=h\u{1f600}");
    assert_eq!(name(20, &[b'h', 0xfc]), "CN=hü");
    assert_eq!(name(12, b"a\x1b[31m"), r"CN=a\1b[31m");
    assert_eq!(name(12, "a\u{202e}b".as_bytes()), r"CN=a\e2\80\aeb");
}

proptest! {
    #[test]
    fn no_host_panics_and_what_is_taken_is_taken_again(input in "\\PC{0,80}") {
        if let Ok(name) = input.parse::<SubjectAltName>() {
            prop_assert!(name.to_rcgen().is_some());
            prop_assert_eq!(&name.to_string().parse::<SubjectAltName>().unwrap(), &name);
        }
    }

    #[test]
    fn hosts_made_of_their_letters(input in "[-*a-zü0-9.:@/\\[\\]%_]{0,40}") {
        if let Ok(name) = input.parse::<SubjectAltName>() {
            prop_assert_eq!(&name.to_string().parse::<SubjectAltName>().unwrap(), &name);
        }
    }

    #[test]
    fn advice_is_always_taken(input in "(https?:|wss?:|DNS:|IP:|//)?[-*a-zü0-9.:@/\\[\\]%_, ;]{0,30}") {
        if let Err(error) = input.parse::<SubjectAltName>() {
            prop_assert!(error.instead.iter().all(|name| name.parse::<SubjectAltName>().is_ok()), "{:?}", error);
        }
    }

    #[test]
    fn no_subject_panics(input in "\\PC{0,80}") {
        let _ = input.parse::<Subject>();
    }

    /// Any text can be an attribute's value, and comes out as it went in.
    #[test]
    fn escaped_values_come_back(value in "[^\\x00]{1,40}") {
        let mut text = "O=".to_owned();
        text::escape_value(&mut text, &value);
        let subject = text.parse::<Subject>().unwrap();
        prop_assert_eq!(subject.to_string(), text);
    }

    #[test]
    fn subjects_of_attributes(input in "(CN|O|DC|ou|1\\.2\\.3)=[ a-z\\\\,+#\"]{0,12}([,+/]CN=[a-z ]{0,4})?") {
        if let Ok(subject) = input.parse::<Subject>() {
            prop_assert_eq!(&subject.to_string().parse::<Subject>().unwrap(), &subject);
        }
    }
}
