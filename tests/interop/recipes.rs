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

/// A test suite that passes must be able to fail: with the deviations taken out, the recipe notices the clients' own answers.
#[test]
fn the_node_recipe_fails_without_the_deviations() {
    let sandbox = sandbox_with("fixtures.test.mjs");
    let expected = String::from_utf8(sandbox.read("fixtures/expected.json")).expect("text");
    sandbox.write("fixtures/expected.json", expected.replace("\"clients\"", "\"unknown\""));
    sandbox.run("node --test --test-reporter=tap fixtures.test.mjs").exits(1).says("not ok");
}
