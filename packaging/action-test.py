"""Runs the steps of action.yml as a runner does, with a program and with the npm package: packaging/action-test.py BINARY

The package comes from a registry on loopback. Needs npm.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

binary = str(pathlib.Path(sys.argv[1]).resolve())
here = pathlib.Path(__file__).resolve().parent
text = (here.parent / "action.yml").read_text()
scripts = [(name, "\n".join(line[8:] for line in script.splitlines())) for name, script in
           re.findall(r"    - name: ([^\n]*)\n(?:(?!    - name).*\n)*?      run: \|[^\n]*\n((?:        [^\n]*\n?)+)", text)]
assert [name for name, _ in scripts] == ["Install secure-io", "Fixtures", "Trust a local CA"], scripts


def steps(binary, registry, path_added):
    with tempfile.TemporaryDirectory() as folder:
        home = pathlib.Path(folder)
        env = {
            "PATH": os.environ["PATH"], "HOME": folder, "RUNNER_TEMP": folder, "BINARY": binary, "VERSION": "latest",
            "FIXTURES": "build", "TRUST": "true", "GITHUB_PATH": f"{folder}/path", "GITHUB_ENV": f"{folder}/env",
            "npm_config_registry": registry, "npm_config_cache": f"{folder}/cache",
        }
        (home / "secure-io.toml").write_bytes(manifest)
        (home / "path").touch()
        for name, script in scripts:
            # The runner's own store is not this test's to change.
            script = script.replace("secure-io ca trust ", "secure-io ca status ")
            # A runner puts the lines of GITHUB_PATH in front for the steps that follow.
            path = ":".join([*reversed((home / "path").read_text().split()), env["PATH"]])
            subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=folder, env={**env, "PATH": path}, check=True)
            print(f"{name}, {'with a program' if binary else 'from npm'}: ok")
        variables = (home / "env").read_text()
        assert "NODE_EXTRA_CA_CERTS=" in variables, variables
        assert (home / "path").read_text().strip() == f"{folder}/{path_added}"
        assert list(home.glob("fixtures/**/*.pem")), "the fixtures are built"


with tempfile.TemporaryDirectory() as work:
    subprocess.run([binary, "fixtures", "init"], cwd=work, check=True, stdout=subprocess.DEVNULL)
    manifest = pathlib.Path(work, "secure-io.toml").read_bytes()
    built = f"{work}/packages"
    subprocess.run(["node", here / "npm/build.mjs", built, f"linux-x64-gnu={binary}"], check=True)
    code = "const [module, ...folders] = process.argv.slice(1); console.log((await (await import(module)).serve(...folders)).url)"
    words = ["node", "--input-type=module", "--eval", code, here / "npm/registry.mjs", built, work]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as registry:
        try:
            url = registry.stdout.readline().strip()
            steps(binary, url, "secure-io/bin")
            steps("", url, "secure-io/node_modules/.bin")
        finally:
            registry.terminate()
