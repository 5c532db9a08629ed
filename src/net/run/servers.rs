//! The table of dev servers: the variables that they read, and the flags of those that read none.

/// The variables that tell servers where to listen.
#[must_use]
pub fn variables(port: u16, host: &str) -> Vec<(&'static str, String)> {
    const HERE: &str = "127.0.0.1";
    let port = port.to_string();
    vec![
        ("PORT", port.clone()),              // Node's custom, Next, Nuxt, Parcel, Rails, gunicorn
        ("HOST", HERE.to_owned()),           // Nuxt, Astro's standalone server
        ("FLASK_RUN_PORT", port.clone()),    // Flask
        ("FLASK_RUN_HOST", HERE.to_owned()), // Flask
        ("UVICORN_PORT", port.clone()),      // uvicorn
        ("UVICORN_HOST", HERE.to_owned()),   // uvicorn
        ("SERVER_PORT", port.clone()),       // Spring, Laravel
        ("SERVER_FORWARD_HEADERS_STRATEGY", "framework".into()), // Spring believes X-Forwarded-Proto
        ("ASPNETCORE_URLS", format!("http://{HERE}:{port}")), // .NET
        ("__VITE_ADDITIONAL_SERVER_ALLOWED_HOSTS", host.to_owned()), // Vite
    ]
}

/// A server that has to be told by flags.
pub(super) struct Server {
    /// Its name, for people.
    pub(super) name: &'static str,
    programs: &'static [&'static str],
    subcommands: Subcommands,
    /// The flags that say where it listens; the first ones say the port.
    groups: &'static [Group],
}

enum Subcommands {
    /// These alone start the server.
    Only(&'static [&'static str]),
    /// All but these do, and none.
    Except(&'static [&'static str]),
}

/// Words that are added unless one of the names was typed.
struct Group {
    names: &'static [&'static str],
    /// `{port}` stands for the port.
    words: &'static [&'static str],
}

const PORT: Group = Group { names: &["--port", "-p"], words: &["--port", "{port}"] };
const HOST: Group = Group { names: &["--host", "-H"], words: &["--host", "127.0.0.1"] };
/// The page reloads through the port that it came by: webpack's client would call the dev server's own otherwise.
const RELOADING: Group = Group {
    names: &["--client-web-socket-url", "--client-web-socket-url-port"],
    words: &["--client-web-socket-url", "auto://0.0.0.0:0/ws"],
};
const STRICT: Group = Group { names: &["--strictPort"], words: &["--strictPort"] };

use Subcommands::{Except, Only};

/// In the order of how common they are.
const SERVERS: &[Server] = &[
    Server {
        name: "Vite",
        programs: &["vite"],
        subcommands: Except(&["build", "optimize", "preview"]),
        groups: &[PORT, STRICT, HOST],
    },
    Server { name: "Vite", programs: &["vite"], subcommands: Only(&["preview"]), groups: &[PORT, STRICT, HOST] },
    Server { name: "Vite+", programs: &["vp"], subcommands: Only(&["dev"]), groups: &[PORT, STRICT, HOST] },
    Server { name: "Astro", programs: &["astro"], subcommands: Only(&["dev", "preview"]), groups: &[PORT, HOST] },
    Server { name: "Angular", programs: &["ng"], subcommands: Only(&["serve", "s", "dev"]), groups: &[PORT, HOST] },
    Server {
        name: "webpack-dev-server",
        programs: &["webpack", "webpack-cli"],
        subcommands: Only(&["serve", "server", "s"]),
        groups: &[PORT, HOST, RELOADING],
    },
    Server {
        name: "webpack-dev-server",
        programs: &["webpack-dev-server"],
        subcommands: Except(&[]),
        groups: &[PORT, HOST, RELOADING],
    },
    Server { name: "Rspack", programs: &["rspack"], subcommands: Only(&["serve", "dev"]), groups: &[PORT, HOST] },
    Server { name: "Rsbuild", programs: &["rsbuild"], subcommands: Only(&["dev", "preview"]), groups: &[PORT, HOST] },
    Server { name: "React Router", programs: &["react-router"], subcommands: Only(&["dev"]), groups: &[PORT, HOST] },
    Server { name: "Remix", programs: &["remix"], subcommands: Only(&["vite:dev"]), groups: &[PORT, HOST] },
    Server { name: "Vue CLI", programs: &["vue-cli-service"], subcommands: Only(&["serve"]), groups: &[PORT, HOST] },
    Server { name: "VitePress", programs: &["vitepress"], subcommands: Only(&["dev"]), groups: &[PORT, STRICT, HOST] },
    Server { name: "Expo", programs: &["expo"], subcommands: Only(&["start"]), groups: &[PORT] },
    Server { name: "Gatsby", programs: &["gatsby"], subcommands: Only(&["develop"]), groups: &[PORT, HOST] },
    Server {
        name: "Docusaurus",
        programs: &["docusaurus"],
        subcommands: Only(&["start", "serve"]),
        groups: &[PORT, HOST],
    },
    Server { name: "Storybook", programs: &["storybook"], subcommands: Only(&["dev"]), groups: &[PORT, HOST] },
    Server {
        name: "Wrangler",
        programs: &["wrangler"],
        subcommands: Only(&["dev"]),
        groups: &[PORT, Group { names: &["--ip"], words: &["--ip", "127.0.0.1"] }],
    },
    Server {
        name: "Django",
        programs: &["manage.py", "django", "django-admin"],
        subcommands: Only(&["runserver"]),
        groups: &[Group { names: &[ARGUMENT], words: &["127.0.0.1:{port}"] }],
    },
    Server {
        name: "Python's http.server",
        programs: &["http.server"],
        subcommands: Except(&[]),
        groups: &[
            Group { names: &[ARGUMENT], words: &["{port}"] },
            Group { names: &["--bind", "-b"], words: &["--bind", "127.0.0.1"] },
        ],
    },
    Server {
        name: "Hugo",
        programs: &["hugo"],
        subcommands: Only(&["server", "serve"]),
        groups: &[PORT, Group { names: &["--bind"], words: &["--bind", "127.0.0.1"] }],
    },
    Server {
        name: "Jekyll",
        programs: &["jekyll"],
        subcommands: Only(&["serve", "server", "s"]),
        groups: &[Group { names: &["--port", "-P"], words: &["--port", "{port}"] }, HOST],
    },
    Server {
        name: "MkDocs",
        programs: &["mkdocs"],
        subcommands: Only(&["serve"]),
        groups: &[Group { names: &["--dev-addr", "-a"], words: &["--dev-addr", "127.0.0.1:{port}"] }],
    },
    Server {
        name: "Trunk",
        programs: &["trunk"],
        subcommands: Only(&["serve"]),
        groups: &[PORT, Group { names: &["--address", "-a"], words: &["--address", "127.0.0.1"] }],
    },
];

/// Stands for an argument behind the subcommand, in place of a flag.
const ARGUMENT: &str = "";

/// Finds the server that a program with these arguments starts, and the words that tell it where to listen. They are
/// empty if the arguments say that.
pub(super) fn told(program: &str, arguments: &[String], port: u16) -> Option<(&'static str, Vec<String>)> {
    let subcommand = arguments.iter().find(|argument| !argument.starts_with('-')).map(String::as_str);
    let is_it = |server: &&Server| {
        server.programs.contains(&program)
            && match server.subcommands {
                Only(these) => subcommand.is_some_and(|subcommand| these.contains(&subcommand)),
                Except(these) => !subcommand.is_some_and(|subcommand| these.contains(&subcommand)),
            }
    };
    let server = SERVERS.iter().find(is_it)?;
    let behind = match server.subcommands {
        Only(_) => arguments.iter().position(|argument| !argument.starts_with('-')).map_or(0, |at| at + 1),
        Except(_) => 0,
    };
    let behind = arguments.get(behind..).unwrap_or_default();
    let mut groups = server.groups.iter();
    let first = groups.next()?;
    if first.is_in(behind) {
        return Some((server.name, Vec::new()));
    }
    let added = [first].into_iter().chain(groups.filter(|group| !group.is_in(behind)));
    let words = added.flat_map(|group| group.words).map(|word| word.replace("{port}", &port.to_string()));
    Some((server.name, words.collect()))
}

impl Group {
    fn is_in(&self, arguments: &[String]) -> bool {
        let is_one = |argument: &String| {
            let is_named = |name: &str| {
                let rest = argument.strip_prefix(name);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('=') || !name.starts_with("--"))
            };
            self.names.iter().any(|name| if *name == ARGUMENT { !argument.starts_with('-') } else { is_named(name) })
        };
        arguments.iter().any(is_one)
    }
}
