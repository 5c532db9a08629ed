//! The recipes of docs/ci.md, run as they are pasted from the page, on the tree that `fixtures init` makes.

use std::path::Path;

use secure_io::files;

use crate::sandbox::Sandbox;

/// The code block of the page that stands behind `<!-- file: NAME -->`.
fn recipe(name: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ci.md");
    let page = String::from_utf8(files::read(&page).expect("the page").to_vec()).expect("text");
    let (_, rest) = page.split_once(&format!("<!-- file: {name} -->\n```")).expect("the file's block");
    let (_, code) = rest.split_once('\n').expect("the block's first line");
    code.split_once("```").expect("the block's end").0.to_owned()
}

/// A folder with the tree of a manifest made by `fixtures init`, and one recipe.
fn sandbox_with(name: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io fixtures init");
    sandbox.ok("secure-io fixtures");
    sandbox.write(name, recipe(name));
    sandbox
}

#[test]
fn the_node_recipe_passes() {
    let sandbox = sandbox_with("fixtures.test.mjs");
    sandbox.run("node --test --test-reporter=tap fixtures.test.mjs").success().says("# fail 0");
}

#[test]
fn the_python_recipe_passes() {
    let sandbox = sandbox_with("test_fixtures.py");
    sandbox.run("python3 -m pytest -q test_fixtures.py").success().says(" passed");
}

#[test]
fn the_go_recipe_passes() {
    let sandbox = sandbox_with("fixtures_test.go");
    let mut command = crate::go::command(&["test", "fixtures_test.go"]);
    command.current_dir(sandbox.path(""));
    sandbox.finish("go test fixtures_test.go", &mut command, b"").success().says("ok ");
}

#[test]
fn the_java_recipe_opens_the_stores() {
    let sandbox = Sandbox::new();
    sandbox.write("secure-io.toml", recipe("java/secure-io.toml"));
    sandbox.write("Stores.java", recipe("java/Stores.java"));
    sandbox.ok("secure-io fixtures");
    sandbox.run("java Stores.java").success().says("DNSName: localhost");
}

/// A test suite that passes must be able to fail: with the deviations taken out, the recipe notices the clients' own
/// answers.
#[test]
fn the_node_recipe_fails_without_the_deviations() {
    let sandbox = sandbox_with("fixtures.test.mjs");
    let expected = String::from_utf8(sandbox.read("fixtures/expected.json")).expect("text");
    sandbox.write("fixtures/expected.json", expected.replace("\"clients\"", "\"unknown\""));
    sandbox.run("node --test --test-reporter=tap fixtures.test.mjs").exits(1).says("not ok");
}

/// A project whose tests walk the tree, with `secure-io` on the path.
fn project(name: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io fixtures init");
    sandbox.write("fixtures.test.mjs", recipe("fixtures.test.mjs"));
    sandbox.write("package.json", r#"{"private":true,"scripts":{"test":"node --test --test-reporter=tap"}}"#);
    sandbox.write(name, recipe(name));
    sandbox
}

/// Runs shell lines as a CI does: each in one shell, which ends with the first that fails.
#[track_caller]
fn in_shell(sandbox: &Sandbox, script: &str, variables: &[(&str, &str)]) -> crate::sandbox::Outcome {
    let mut command = sandbox.command("bash");
    let binary = Path::new(env!("CARGO_BIN_EXE_secure-io")).parent().expect("it is in a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{}:{path}", sandbox.path("bin").display(), binary.display());
    command.args(["-euo", "pipefail", "-c", script]).env("PATH", path).envs(variables.iter().copied());
    sandbox.finish(script, &mut command, b"")
}

#[test]
fn the_make_recipe_passes() {
    let sandbox = project("Makefile");
    in_shell(&sandbox, "make test", &[]).success().says("# fail 0");
    in_shell(&sandbox, "make test", &[]).success().says("# fail 0");
}

/// The steps of the pipeline, in order, in the environment that it sets.
#[test]
fn the_jenkins_recipe_passes() {
    let sandbox = project("Jenkinsfile");
    let pipeline = recipe("Jenkinsfile");
    let workspace = sandbox.path("").display().to_string();
    let set = regex::Regex::new(r#"(\w+) = "(.*)""#).expect("a pattern");
    let set = set.captures(&pipeline).expect("a variable is set");
    let value = set[2].replace("${WORKSPACE}", workspace.trim_end_matches('/'));
    let steps = regex::Regex::new(r"sh '(.*?)'").expect("a pattern");
    let steps: Vec<_> = steps.captures_iter(&pipeline).map(|step| step[1].to_owned()).collect();
    assert_eq!(steps.len(), 2);
    for step in &steps {
        in_shell(&sandbox, step, &[(&set[1], &value)]).success();
    }
    assert!(Path::new(&value).exists(), "the variable names a file of the tree");
}

/// The scripts of both jobs, in order; cargo's part is a stand-in, because the program is built already.
#[test]
fn the_gitlab_recipe_passes() {
    let sandbox = project(".gitlab-ci.yml");
    std::fs::create_dir_all(sandbox.path("tools/secure-io")).expect("a folder");
    std::fs::create_dir_all(sandbox.path("bin")).expect("a folder");
    sandbox.write("bin/cargo", "#!/bin/sh\n[ \"$*\" = 'install --locked --path .' ]\n");
    sandbox.ok("chmod +x bin/cargo");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node/node_modules/yaml");
    sandbox.write(
        "jobs.cjs",
        format!(
            "const jobs = require({root:?}).parse(require('fs').readFileSync('.gitlab-ci.yml', 'utf8'));\n\
             console.log([...jobs.fixtures.script, ...jobs.test.script].join('\\n'));\n\
             require('fs').writeFileSync('variable', jobs.test.variables.NODE_EXTRA_CA_CERTS);\n"
        ),
    );
    let script = sandbox.ok("node jobs.cjs");
    let directory = sandbox.path("").display().to_string();
    let variable = String::from_utf8(sandbox.read("variable")).expect("text");
    let variable = variable.replace("$CI_PROJECT_DIR", directory.trim_end_matches('/'));
    in_shell(&sandbox, &script, &[("NODE_EXTRA_CA_CERTS", &variable)]).success().says("# fail 0");
    assert!(Path::new(&variable).exists(), "the variable names a file of the tree");
}
