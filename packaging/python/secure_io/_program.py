"""The program: where it is, and running it."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sysconfig


class SecureIoError(Exception):
    """What the program refused to do. ``reason`` is the error, ``hints`` the advice that belongs to it."""

    def __init__(self, reason: str, hints: tuple[str, ...] = ()) -> None:
        super().__init__("\n".join([reason, *(f"hint: {hint}" for hint in hints)]))
        self.reason = reason
        self.hints = hints


def program() -> str:
    """The path of the program: the one that was installed with this package, else the one on the path."""
    name = "secure-io" + (".exe" if os.name == "nt" else "")
    user = f"{os.name}_user"
    folders = [sysconfig.get_path("scripts")]
    if user in sysconfig.get_scheme_names():
        folders.append(sysconfig.get_path("scripts", scheme=user))
    # `pip install --target` puts programs beside the package.
    folders.append(str(pathlib.Path(__file__).parent.parent / "bin"))
    for folder in folders:
        path = pathlib.Path(folder) / name
        if path.is_file():
            return str(path)
    found = shutil.which("secure-io")
    if found is None:
        raise SecureIoError("the program secure-io is not installed", ("python -m pip install --force-reinstall secure-io",))
    return found


def run(*words: str | os.PathLike[str], cwd: str | os.PathLike[str] | None = None) -> str:
    """Runs the program to its end, and returns what it printed."""
    path = program()
    done = subprocess.run([path, *words], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8")
    if done.returncode == 0:
        return done.stdout
    lines = done.stderr.splitlines()
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    # Advice calls the program as it was called; what it was called with here was not typed by anybody.
    hints = [line.removeprefix("hint: ") for line in lines if line.startswith("hint: ") and "--out-dir" not in line]
    reason = errors[0] if errors else f"secure-io ended with status {done.returncode}"
    raise SecureIoError(reason, tuple(hint.replace(f"`{path} ", "`secure-io ") for hint in hints))
