//! The README and the book show real runs: their commands are run, and the shown output is compared.

use std::collections::BTreeSet;
use std::path::Path;

use secure_io::files;

use crate::sandbox::{Sandbox, redact};

/// A command as shown, with its shown output.
struct Shown {
    command: String,
    output: Vec<String>,
}

/// The commands of a page's `console` blocks, in order.
fn shown(page: &str) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    for block in page.split("```console\n").skip(1) {
        let block = block.split("\n```").next().unwrap_or_default();
        for line in block.lines() {
            match (line.strip_prefix("$ "), all.last_mut()) {
                (None, Some(shown)) if shown.command.ends_with('\\') => {
                    shown.command =
                        format!("{} {}", shown.command.trim_end_matches('\\'), line.trim_start_matches("> ").trim());
                }
                (Some(command), _) => all.push(Shown { command: command.to_owned(), output: Vec::new() }),
                (None, Some(shown)) => shown.output.push(line.to_owned()),
                (None, None) => panic!("output before a command: {line}"),
            }
        }
    }
    all
}

/// The files that a page shows: each code block behind `<!-- file: NAME -->`.
fn files_shown(page: &str) -> impl Iterator<Item = (&str, &str)> {
    page.split("<!-- file: ").skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once(" -->\n```")?;
        let (content, _) = rest.split_once('\n')?.1.split_once("\n```")?;
        // Those of a CI's own folders are for other machines.
        (!name.contains('/')).then_some((name, content))
    })
}

impl Shown {
    /// Servers run on, and other programs are the tests' of `tests/interop`.
    fn is_run(&self) -> bool {
        let programs = ["secure-io ", "openssl ", "mkdir ", "printf ", "echo "];
        let ours = programs.iter().any(|program| self.command.starts_with(program));
        ours && !self.command.starts_with("secure-io serve") && !self.command.contains("s_client")
    }

    /// Runs the command in a shell, and compares its output, apart from the parts that differ from run to run: the
    /// difference, if there is one.
    fn difference(&self, sandbox: &Sandbox, page: &str) -> Option<String> {
        let mut command = sandbox.command("bash");
        let binary = Path::new(env!("CARGO_BIN_EXE_secure-io")).parent().expect("it is in a folder");
        let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
        command.args(["-c", &self.command]).env("PATH", path);
        let outcome = sandbox.finish(&self.command, &mut command, b"");
        if !self.command.starts_with("secure-io ") {
            assert!(outcome.is_success(), "{page}: {}\n{}", self.command, outcome.stderr);
        }
        let printed = format!("{}{}", outcome.stdout_text(), outcome.stderr);
        let home = sandbox.path("");
        // As openssl writes times.
        let time = regex::Regex::new(r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} GMT").expect("a pattern");
        let lines = |text: &str| -> BTreeSet<String> {
            redact(&time.replace_all(text, "[TIME]"), &home).lines().map(|line| line.trim_end().to_owned()).collect()
        };
        let printed = lines(&printed.replace(&*home.to_string_lossy(), "/home/me/"));
        let expected = lines(&self.output.join("\n"));
        // A page may leave out lines, and says so with an ellipsis.
        let shortened = self.output.iter().any(|line| line.trim() == "…");
        let missing: Vec<_> = expected.iter().filter(|line| line.trim() != "…" && !printed.contains(*line)).collect();
        let unsaid: Vec<_> = printed.iter().filter(|line| !shortened && !expected.contains(*line)).collect();
        (!missing.is_empty() || !unsaid.is_empty()).then(|| {
            format!("{page}: {}\nshown, not printed: {missing:#?}\nprinted, not shown: {unsaid:#?}\n", self.command)
        })
    }
}

#[test]
fn pages_show_what_happens() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let book = std::fs::read_dir(root.join("docs")).expect("the book is there");
    let pages = book.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "md"));
    let (mut count, mut differences) = (0, String::new());
    for path in pages.chain([root.join("README.md")]) {
        let text = files::read(&path).unwrap();
        let sandbox = Sandbox::new();
        let text = std::str::from_utf8(&text).unwrap();
        for (name, content) in files_shown(text) {
            sandbox.write(name, format!("{content}\n"));
        }
        for shown in shown(text).iter().filter(|shown| shown.is_run()) {
            differences.extend(shown.difference(&sandbox, &path.display().to_string()));
            count += 1;
        }
    }
    assert!(differences.is_empty(), "{differences}");
    assert!(count > 10, "only {count} commands were found");
}

/// The server said more about a connection than the pages showed.
#[test]
fn a_connection_is_logged_as_the_pages_show_it() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q");
    let mut server = sandbox.serve("--cert server-cert.pem --key server-key.pem");
    sandbox.ok(&format!("secure-io connect {} --trust server-cert.pem --count 1 --transport polling", server.url()));
    let varying = regex::Regex::new(
        r"(?x) id\ [\w-]+ | TLSv1\.\d | TLS_\w+ | X25519\w* | :\d+ | ,\ certificate\ of\ [^,]+ | ,\ upgraded\ from\ polling",
    );
    let varying = varying.expect("a pattern");
    let form = |line: &str| varying.replace_all(&line.replace("WebSocket", "polling"), "").into_owned();
    let logged = form(&server.wait_for("A user connected via secure polling"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for path in files::list(&root.join("docs")).into_iter().chain([root.join("README.md")]) {
        let text = String::from_utf8_lossy(&files::read(&path).expect("a page")).into_owned();
        for line in text.lines().map(str::trim).filter(|line| line.starts_with("A user connected via secure")) {
            assert_eq!(form(line), logged, "{}: {line}", path.display());
            count += 1;
        }
    }
    assert!(count > 5, "only {count} lines were found");
}

/// The page about JSON was about three commands, and the README promised all schemas there.
#[test]
fn the_page_about_json_links_every_schema() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let page = String::from_utf8_lossy(&files::read(&docs.join("json.md")).expect("a page")).into_owned();
    let names: Vec<_> = files::list(&docs.join("json"))
        .iter()
        .filter_map(|path| path.file_name()?.to_str().map(str::to_owned))
        .collect();
    assert!(names.len() > 20, "{names:?}");
    let missing: Vec<_> = names.iter().filter(|name| !page.contains(&format!("](json/{name})"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Code moves, and the page that says where each default is has to move with it.
#[test]
fn defaults_are_where_the_page_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| String::from_utf8_lossy(&files::read(path).expect("a file")).into_owned();
    let named = regex::Regex::new(r"((?:`[\w:]+`, )*`[\w:]+`) in `([\w/]+\.rs)`").expect("a pattern");
    let page = read(&root.join("docs/defaults.md"));
    let mut count = 0;
    for place in named.captures_iter(&page) {
        let source = read(&root.join("src").join(&place[2]));
        for name in place[1].split(", ").filter_map(|name| name.trim_matches('`').rsplit("::").next()) {
            assert!(source.contains(name), "{}", &place[0]);
            count += 1;
        }
    }
    assert!(count > 20, "only {count} places were found");

    let sources: String = sources(&root.join("src")).map(|(_, source)| source).collect();
    let path = regex::Regex::new(r"`((?:\w+::)+\w+)`").expect("a pattern");
    for part in path.captures_iter(&page).flat_map(|path| path[1].split("::").map(str::to_owned).collect::<Vec<_>>()) {
        let item =
            regex::Regex::new(&format!(r"(?m)(?:\b(?:mod|struct|enum|fn|const) {part}\b|^ +(?:pub )?{part}[,:({{])"));
        assert!(item.expect("a pattern").is_match(&sources), "the code has no `{part}`");
    }
}

/// The Rust sources of a folder, each with its name without `.rs`.
fn sources(folder: &Path) -> impl Iterator<Item = (String, String)> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.expect("an entry").into_path())
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .map(|path| {
            let source = String::from_utf8_lossy(&files::read(&path).expect("a source")).into_owned();
            (path.file_stem().expect("a name").to_string_lossy().into_owned(), source)
        })
}

/// A promise without a test is a hope: each test that the page names is there, in a file of the name before it.
#[test]
fn promises_of_security_have_their_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = String::from_utf8_lossy(&files::read(&root.join("docs/security.md")).expect("the page")).into_owned();
    let named = regex::Regex::new(r"`(\w+)::(\w+)`").expect("a pattern");
    let sources: Vec<(String, String)> =
        ["src", "tests"].iter().flat_map(|folder| sources(&root.join(folder)).collect::<Vec<_>>()).collect();
    let mut count = 0;
    for test in named.captures_iter(&page) {
        let function = format!("fn {}(", &test[2]);
        assert!(
            sources.iter().any(|(file, source)| *file == test[1] && source.contains(&function)),
            "{} does not exist",
            &test[0]
        );
        count += 1;
    }
    assert!(count > 20, "only {count} tests were found");
}

/// The page's tests are run as `tests/interop/from_rust.rs`: what a reader pastes is what passes here.
#[test]
fn the_rust_page_shows_the_tests_that_are_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = |path: &str| {
        let bytes = files::read(&root.join(path)).expect("it is there");
        String::from_utf8(bytes.to_vec()).expect("text")
    };
    let page = text("docs/from-rust.md");
    let shown =
        page.split_once("```rust,ignore\n").and_then(|(_, rest)| rest.split_once("```\n")).expect("the block").0;
    // Without the line that says where the file is used.
    let run = text("tests/interop/from_rust.rs");
    let run = run.split_once("\n\n").expect("a first line").1;
    assert_eq!(shown, run);
}

/// A page that is not in the summary, or a summary that names a page that is not there, is a hole in the book.
#[test]
fn the_book_builds_and_has_every_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sandbox = Sandbox::new();
    let mdbook = root.join("target/python/bin/mdbook");
    let line = format!(
        "{} build {} --dest-dir {}",
        mdbook.display(),
        root.join("docs").display(),
        sandbox.path("book").display()
    );
    let outcome = sandbox.run(&line).success();
    assert!(!outcome.stderr.contains("WARN") && !outcome.stderr.contains("ERROR"), "{}", outcome.stderr);
    assert!(sandbox.exists("book/index.html") && sandbox.exists("book/phones.html"));
    let summary =
        String::from_utf8_lossy(&files::read(&root.join("docs/SUMMARY.md")).expect("it is there")).into_owned();
    for entry in walkdir::WalkDir::new(root.join("docs")).into_iter().map(|entry| entry.expect("an entry").into_path())
    {
        let name = entry.strip_prefix(root.join("docs")).expect("below it").display().to_string();
        if entry.extension().is_some_and(|end| end == "md") && name != "SUMMARY.md" {
            assert!(summary.contains(&format!("({name})")), "{name} is not in the summary");
        }
    }
}
