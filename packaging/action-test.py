"""Runs the steps of action.yml as a runner does: packaging/action-test.py BINARY"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

binary = str(pathlib.Path(sys.argv[1]).resolve())
text = (pathlib.Path(__file__).parent.parent / "action.yml").read_text()
scripts = [(name, "\n".join(line[8:] for line in script.splitlines())) for name, script in
           re.findall(r"    - name: ([^\n]*)\n(?:(?!    - name).*\n)*?      run: \|[^\n]*\n((?:        [^\n]*\n?)+)", text)]
assert [name for name, _ in scripts] == ["Install secure-io", "Fixtures", "Trust a local CA"], scripts
with tempfile.TemporaryDirectory() as folder:
    home = pathlib.Path(folder)
    env = {
        "PATH": os.environ["PATH"], "HOME": folder, "RUNNER_TEMP": folder, "BINARY": binary, "VERSION": "latest",
        "FIXTURES": "build", "TRUST": "true", "GITHUB_PATH": f"{folder}/path", "GITHUB_ENV": f"{folder}/env",
    }
    subprocess.run([binary, "fixtures", "init"], cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)
    for name, script in scripts:
        # The runner's own store is not this test's to change.
        script = script.replace("secure-io ca trust ", "secure-io ca status ")
        subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=folder, env=env, check=True)
        print(f"{name}: ok")
    variables = (home / "env").read_text()
    assert "NODE_EXTRA_CA_CERTS=" in variables, variables
    assert (home / "path").read_text().strip() == f"{folder}/secure-io/bin"
    assert list(home.glob("fixtures/**/*.pem")), "the fixtures are built"
