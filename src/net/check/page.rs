//! Mixed content: resources that a page, its scripts and its styles load over plain HTTP and plain WebSockets.

use super::http::{Page, Request};
use super::session::Place;

/// Scripts and styles of a page that are read.
const MOST: usize = 8;

/// Calls whose first argument is loaded.
const CALLS: [&str; 9] =
    ["io(", "io.connect(", "fetch(", "WebSocket(", "EventSource(", "Worker(", "import(", "axios.get(", "axios.post("];

/// Attributes that load; of `a` and `area` they are links, which do not.
const ATTRIBUTES: [&str; 6] = ["src", "href", "action", "data", "poster", "srcset"];

/// A resource loaded in the clear: the file that loads it, and its URL.
pub(super) type Mixed = Vec<(String, String)>;

/// Looks through a page and through its own scripts and styles.
pub(super) async fn mixed(place: &Place<'_>, body: &str) -> Mixed {
    let mut found: Mixed = in_page(body).into_iter().map(|url| ("page".to_owned(), url)).collect();
    for target in parts(body).into_iter().take(MOST) {
        let Some(Page { response, body }) = place.ask(&Request::get(target.clone())).await else { continue };
        if response.status != 200 {
            continue;
        }
        let text = String::from_utf8_lossy(&body);
        let is_style = response.value("content-type").is_some_and(|kind| kind.contains("css"));
        let urls = if is_style { in_style(&text) } else { in_script(&text) };
        found.extend(urls.into_iter().map(|url| (target.clone(), url)));
    }
    found.dedup();
    found
}

/// A tag with its attributes, names in lower case.
struct Tag<'a> {
    name: String,
    attributes: Vec<(String, &'a str)>,
    /// The text after it.
    rest: &'a str,
}

impl Tag<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }
}

fn tags(mut html: &str) -> impl Iterator<Item = Tag<'_>> {
    std::iter::from_fn(move || {
        loop {
            let at = html.find('<')?;
            html = html.get(at + 1..)?;
            if let Some(comment) = html.strip_prefix("!--") {
                html = comment.split_once("-->").map_or("", |(_, rest)| rest);
                continue;
            }
            if html.starts_with(|c: char| c.is_ascii_alphabetic()) {
                let tag = tag(html);
                html = tag.rest;
                return Some(tag);
            }
        }
    })
}

fn tag(text: &str) -> Tag<'_> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            rest = after;
            break;
        }
        if rest.is_empty() {
            break;
        }
        let end = rest.find(|c: char| c.is_whitespace() || "=>/".contains(c)).unwrap_or(rest.len()).max(1);
        let end = (end..=rest.len()).find(|end| rest.is_char_boundary(*end)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let after = after.trim_start();
        let Some(value) = after.strip_prefix('=').map(str::trim_start) else {
            attributes.push((name.to_ascii_lowercase(), ""));
            rest = after;
            continue;
        };
        let quote = value.chars().next().filter(|c| *c == '"' || *c == '\'');
        let (value, after) = match quote {
            Some(quote) => value.get(1..).unwrap_or_default().split_once(quote).unwrap_or((value, "")),
            None => value.split_at(value.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(value.len())),
        };
        attributes.push((name.to_ascii_lowercase(), value));
        rest = after;
    }
    Tag { name: name.to_ascii_lowercase(), attributes, rest }
}

/// Decides whether a URL is loaded in the clear; this machine's own addresses are no secret's way.
fn is_clear(url: &str) -> bool {
    let lower = url.trim().to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("ws://")
}

fn in_page(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    for tag in tags(html) {
        let loads = match tag.name.as_str() {
            "a" | "area" | "base" => false,
            "link" => tag.value("rel").is_some_and(|rel| {
                ["stylesheet", "icon", "preload", "modulepreload", "manifest"]
                    .iter()
                    .any(|loaded| rel.to_ascii_lowercase().contains(loaded))
            }),
            _ => true,
        };
        let values = tag.attributes.iter().filter(|(name, _)| loads && ATTRIBUTES.contains(&name.as_str()));
        found.extend(values.filter(|(_, value)| is_clear(value)).map(|(_, value)| value.trim().to_owned()));
        let within = |end: &str| tag.rest.find(end).and_then(|at| tag.rest.get(..at)).unwrap_or(tag.rest);
        match tag.name.as_str() {
            "script" if tag.value("src").is_none() => found.extend(in_script(within("</script"))),
            "style" => found.extend(in_style(within("</style"))),
            _ => {}
        }
        found.extend(tag.value("style").map(in_style).unwrap_or_default());
    }
    found
}

/// Scripts and styles from the same server.
fn parts(html: &str) -> Vec<String> {
    let urls = tags(html).filter_map(|tag| match tag.name.as_str() {
        "script" => tag.value("src").map(str::to_owned),
        "link" if tag.value("rel").is_some_and(|rel| rel.eq_ignore_ascii_case("stylesheet")) => {
            tag.value("href").map(str::to_owned)
        }
        _ => None,
    });
    let is_plain = |c: char| c.is_ascii_graphic() && !"\"'<>\\".contains(c);
    let own = urls.filter(|url| !url.contains("://") && !url.starts_with("//") && !url.starts_with("data:"));
    own.filter(|url| !url.is_empty() && url.chars().all(is_plain))
        .map(|url| match url.strip_prefix("./").unwrap_or(&url) {
            whole if whole.starts_with('/') => whole.to_owned(),
            relative => format!("/{relative}"),
        })
        .collect()
}

/// URLs that a script loads: string literals that begin with `ws://`, and those handed to a call that loads.
fn in_script(script: &str) -> Vec<String> {
    let script = without_comments(script);
    let mut found = Vec::new();
    for (at, quote) in script.char_indices().filter(|(_, c)| "\"'`".contains(*c)) {
        let literal = script.get(at + 1..).unwrap_or_default();
        let literal = literal.split([quote, '\n']).next().unwrap_or_default();
        let before = script.get(..at).unwrap_or_default().trim_end();
        let is_handed = CALLS.iter().any(|call| before.ends_with(call));
        let has_host = literal.split_once("://").is_some_and(|(_, rest)| !rest.is_empty());
        if has_host && (literal.starts_with("ws://") || literal.starts_with("http://") && is_handed) {
            found.push(literal.to_owned());
        }
    }
    found
}

/// The script without lines and blocks of comments, as far as they begin a line.
fn without_comments(script: &str) -> String {
    let mut is_comment = false;
    let mut code = String::with_capacity(script.len());
    for line in script.lines() {
        let start = line.trim_start();
        is_comment |= start.starts_with("/*");
        if !is_comment && !start.starts_with("//") {
            code.push_str(line);
            code.push('\n');
        }
        is_comment &= !line.contains("*/");
    }
    code
}

fn in_style(style: &str) -> Vec<String> {
    let urls = style.match_indices("url(").map(|(at, _)| style.get(at + 4..).unwrap_or_default());
    let imports = style.match_indices("@import").map(|(at, _)| style.get(at + 7..).unwrap_or_default());
    let urls = urls.chain(imports).map(|rest| {
        let rest = rest.trim_start().trim_start_matches(['"', '\'']);
        rest.split(['"', '\'', ')', ';', '\n']).next().unwrap_or_default().trim().to_owned()
    });
    urls.filter(|url| is_clear(url)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_loaded_in_the_clear_is_found() {
        for (html, url) in [
            ("<script src=http://cdn.test/a.js></script>", "http://cdn.test/a.js"),
            ("<IMG SRC='HTTP://cdn.test/a.png'>", "HTTP://cdn.test/a.png"),
            ("<link rel=stylesheet href=\"http://cdn.test/a.css\">", "http://cdn.test/a.css"),
            ("<script>const socket = io(\"http://app.test:3000\");</script>", "http://app.test:3000"),
            ("<script>new WebSocket(`ws://app.test/`)</script>", "ws://app.test/"),
            ("<style>body { background: url(http://cdn.test/b.png) }</style>", "http://cdn.test/b.png"),
            ("<style>@import 'http://cdn.test/c.css';</style>", "http://cdn.test/c.css"),
            ("<form method=post action=http://app.test/login>", "http://app.test/login"),
        ] {
            assert_eq!(in_page(html), [url], "{html}");
        }
    }

    #[test]
    fn links_names_and_comments_are_not_loaded() {
        for html in [
            "<a href=http://other.test/>other</a>",
            "<!-- <script src=http://cdn.test/a.js></script> -->",
            "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>",
            "<script>// io('http://app.test')\nconst namespace = 'http://www.w3.org/2000/svg';</script>",
            "<script>const url = (secure ? 'wss' : 'ws') + '://' + host; const plain = 'ws://';</script>",
            "<link rel=canonical href=http://app.test/>",
            "<img src=/a.png>",
        ] {
            assert_eq!(in_page(html), Vec::<String>::new(), "{html}");
        }
    }

    #[test]
    fn own_scripts_and_styles_are_read() {
        let html = "<script src=/a.js></script><script src=./b.js></script><link rel=stylesheet href=c.css>\
                    <script src=https://cdn.test/d.js></script><script src=//cdn.test/e.js></script>";
        assert_eq!(parts(html), ["/a.js", "/b.js", "/c.css"]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(html in "[<>a-z=\"'`/ é:!(){}*\\-\n]{0,120}") {
            let _ = (in_page(&html), parts(&html), in_style(&html));
        }
    }
}
