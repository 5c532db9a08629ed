# Lists the recipes
default:
    @just --list

# Serves the demo, as a newcomer would
serve *ARGS:
    cargo run --release -- serve {{ARGS}}

# Compiles everything, without running it
check:
    cargo check --all-targets

# Installs what the tests drive (OpenSSL, Node, Chromium, …) and runs them all
test *ARGS:
    tests/run {{ARGS}}

# Lets clients come and go for an hour, and holds that memory stays flat
soak SECONDS="3600":
    SECURE_IO_SOAK={{SECONDS}} cargo test --release --test server soak -- --nocapture

# Formats the code
fmt:
    cargo fmt

# Lints as CI does
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings

# Builds the API documentation, warnings being errors
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps

# Builds the book (needs mdbook)
book:
    mdbook build docs

# Draws the book's pictures from real runs (needs Chromium, and `npm ci` in tests/node)
pictures BINARY="target/release/secure-io": (built BINARY)
    python3 packaging/pictures/draw.py {{BINARY}} docs/pictures

# Checks the dependencies: advisories, licences, duplicates and sources (needs cargo-deny, and the network)
deny:
    cargo deny check --config .cargo/deny.toml

# The same but for advisories, without the network
deny-offline:
    cargo deny --offline check --config .cargo/deny.toml bans licenses sources

# Checks that the oldest Rust we promise still builds it
msrv:
    cargo +1.94 check --all-targets

# Accepts changed snapshots (needs cargo-insta)
snapshots:
    cargo insta review

# Writes the JSON Schemas in docs/json
schemas:
    UPDATE_SCHEMAS=1 cargo test --lib schema

# Compares with peers, each side in the same run: Node's socket.io, openssl, x509-parser, rustls-webpki, bare signing
bench:
    cargo bench --bench serve
    cargo bench --bench gen_cert
    cargo bench --bench inspect
    cargo bench --bench verify
    cargo bench --bench fixtures
    cargo bench --bench growth
    cargo bench --bench proxy

# Changes FILES, or what the branch changed, in many small ways, each of which a test has to notice (needs cargo-mutants)
mutants *FILES:
    mkdir -p target && git diff main... >target/branch.diff
    cargo mutants --output target {{ if FILES == "" { "--in-diff target/branch.diff" } else { "--file " + replace(FILES, " ", " --file ") } }}

# Fuzzes one entry, as in `just fuzz container` (needs cargo-fuzz and a nightly Rust)
fuzz TARGET *ARGS:
    cargo +nightly fuzz run {{TARGET}} {{ARGS}}

# Builds the program that is to be packed, unless it is there: the folder names the profile
[private]
built BINARY:
    [ -e "{{BINARY}}" ] || cargo build --locked --profile "$(basename "$(dirname "{{BINARY}}")")"

# Builds and packs the npm packages for this machine into target/npm, and installs and uses them (needs npm)
npm BINARY="target/release/secure-io": (built BINARY)
    node packaging/npm/build.mjs target/npm linux-x64-gnu="$(realpath {{BINARY}})"
    for folder in secure-io linux-x64-gnu; do (cd target/npm/$folder && npm pack --silent --pack-destination ..); done
    node packaging/npm/test.mjs {{BINARY}}

# Installs the npm packages with pnpm, yarn 1, yarn 4 and bun, and checks their types (these come from npm's registry)
npm-clients BINARY="target/release/secure-io": (built BINARY)
    node packaging/npm/clients.mjs {{BINARY}}

# Builds the Python wheel into target/wheels (needs maturin)
wheel:
    cd packaging/python && maturin build --locked --out ../../target/wheels

# The same from a program that is built already, as by `just portable`
wheel-of BINARY:
    python3 packaging/python/wheel.py {{BINARY}} target/wheels

# Installs a wheel in an environment of its own, runs the tests of its page and removes it
wheel-test WHEEL:
    packaging/python/test.sh {{WHEEL}}

# Builds one program for all Linux packages, for glibc 2.17 and newer (Zig comes from PyPI)
portable TARGET="x86_64-unknown-linux-gnu":
    packaging/portable.sh {{TARGET}}

# Packs the crate with the Socket.IO client in it (needs npm)
crate:
    packaging/crate.sh

# Installs the packed crate by the README's line, from a directory source and with npm hidden; compiles everything
crate-install *WITHOUT:
    packaging/crate-install.sh {{WITHOUT}}

# Runs the steps of action.yml as a GitHub runner does
action BINARY="target/release/secure-io": (built BINARY)
    python3 packaging/action-test.py {{BINARY}}

# Builds a Debian package in target/debian (needs dpkg-dev)
deb BINARY="target/dist/secure-io":
    packaging/debian/build.sh {{BINARY}}

# Lints the Debian package, and installs, runs and purges it in a minimal Debian (needs root, debootstrap and lintian)
deb-test DEB SUITE="bookworm":
    packaging/debian/test.sh {{DEB}} {{SUITE}}

# Runs the steps of the Dockerfile's last stage in a minimal Debian, and the server as the image does (needs root and debootstrap)
container-test BINARY="target/release/secure-io": (built BINARY)
    packaging/container-test.sh {{BINARY}}

# Checks the workflows (needs zizmor and actionlint)
workflows:
    zizmor --offline .github action.yml
    actionlint

# Runs what CI runs
ci:
    .ci/run
