#!/usr/bin/env python3
"""Draws the book's pictures from real runs: packaging/pictures/draw.py BINARY FOLDER.

Each scene's commands run at a terminal of their own, in an empty home. What they print becomes an SVG. The demo page is
photographed by Chromium, by way of the playwright-core of tests/node.
"""

import fcntl
import html
import os
import pty
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

COLUMNS = 112
CELL, LINE, MARGIN, SIZE = 8.4, 19, 16, 14
FOREGROUND, BACKGROUND, DIM = "#d8dee9", "#1e222a", "#8b93a1"
COLOURS = {31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#76e3ea"}
# A command that begins with `@` prepares the scene and is not shown. `PORT` is that of a server that is running.
SCENES = {
    "gen-cert": ["secure-io gen-cert app.test"],
    "inspect": [
        "@secure-io gen-cert --name app app.test",
        "@secure-io gen-cert --name other other.test",
        "secure-io inspect app-cert.pem app-key.pem other-key.pem",
    ],
    "local-ca": ["secure-io ca init", "secure-io gen-cert --ca app.test '*.app.test'"],
    "connect": ["secure-io connect https://localhost:PORT", "secure-io connect https://localhost:PORT --trust server-cert.pem --count 1"],
    "check": ["secure-io check https://localhost:PORT --trust server-cert.pem"],
}
SGR = re.compile(r"\x1b\[([0-9;]*)m")


def run(command, folder, environment):
    """Runs a command at a terminal, and returns what it printed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe("bash", ["bash", "-c", command], environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 60, COLUMNS, 0, 0))
    printed = b""
    while True:
        try:
            octets = os.read(terminal, 65536)
        except OSError:
            break
        if not octets:
            break
        printed += octets
    os.close(terminal)
    os.waitpid(pid, 0)
    # Progress that was written over is gone.
    text = printed.decode().replace("\r\n", "\n")
    return re.sub(r"[^\n]*(\r|\x1b\[[0-9]*[JKG])", "", text)


def lines(text):
    """Yields lines as lists of runs: text and style. Lines break where the terminal would break them."""
    style, row, column = (None, False, False), [], 0
    for part in re.split(r"(\x1b\[[0-9;]*m|\n)", text):
        match = SGR.fullmatch(part)
        if part == "\n":
            yield row
            row, column = [], 0
        elif match:
            for code in (int(code or 0) for code in match[1].split(";")):
                colour, bold, dim = style
                if code == 0:
                    style = (None, False, False)
                elif code in COLOURS:
                    style = (COLOURS[code], bold, dim)
                elif code in (1, 2):
                    style = (colour, bold or code == 1, dim or code == 2)
        else:
            while part:
                if column == COLUMNS:
                    yield row
                    row, column = [], 0
                piece, part = part[: COLUMNS - column], part[COLUMNS - column :]
                row.append((column, piece, style))
                column += len(piece)
    if row:
        yield row


def svg(rows):
    """Draws lines at a terminal. Each run has its place, so that columns meet in whatever font is there."""
    width = round(COLUMNS * CELL + 2 * MARGIN)
    height = len(rows) * LINE + 2 * MARGIN
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="{SIZE}">',
        f'<rect width="{width}" height="{height}" rx="8" fill="{BACKGROUND}"/>',
    ]
    for number, row in enumerate(rows):
        for column, text, (colour, bold, dim) in row:
            if not text.strip():
                continue
            column += len(text) - len(text.lstrip())
            text = text.strip()
            fill = colour or (DIM if dim else FOREGROUND)
            weight = ' font-weight="bold"' if bold else ""
            x, y = MARGIN + column * CELL, MARGIN + number * LINE + SIZE
            out.append(
                f'<text x="{x:.1f}" y="{y}" fill="{fill}"{weight} textLength="{len(text) * CELL:.1f}" '
                f'xml:space="preserve">{html.escape(text, quote=False)}</text>'
            )
    return "\n".join(out) + "\n</svg>\n"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def main(binary, target):
    target = Path(target).resolve()
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as above:
        programs = Path(above, "bin")
        programs.mkdir()
        (programs / "secure-io").symlink_to(Path(binary).resolve())
        environment = {"PATH": f"{programs}:{os.environ['PATH']}", "LANG": "C.UTF-8", "TERM": "xterm-256color"}
        shown = Path(above, "server")
        shown.mkdir()
        environment["HOME"] = str(shown)
        subprocess.run(["secure-io", "gen-cert", "-q"], cwd=shown, env=environment, check=True)
        port = 3000 if free(3000) else free_port()
        server = subprocess.Popen(
            ["secure-io", "serve", "--port", str(port)], cwd=shown, env=environment, stderr=subprocess.PIPE, text=True
        )
        try:
            for line in server.stderr:
                if "is running on" in line:
                    break
            for name, commands in SCENES.items():
                folder = Path(above, name)
                folder.mkdir()
                shutil.copy(shown / "server-cert.pem", folder) if "PORT" in str(commands) else None
                environment["HOME"] = str(folder)
                rows = []
                for command in commands:
                    command = command.replace("PORT", str(port))
                    printed = run(command.lstrip("@"), folder, environment)
                    if not command.startswith("@"):
                        prompt = [(0, "$ ", (COLOURS[32], True, False)), (2, command, (None, True, False))]
                        rows += [prompt, *lines(printed.replace(str(folder), "~")), []]
                while not rows[-1]:
                    rows.pop()
                (target / f"{name}.svg").write_text(svg(rows))
            node = Path(__file__).with_name("demo-page.mjs")
            picture = target / "demo-page.jpg"
            subprocess.run(["node", node, f"https://localhost:{port}", picture], check=True)
        finally:
            server.terminate()
            server.wait()
    for file in sorted(target.iterdir()):
        print(f"{file.name}: {file.stat().st_size / 1024:.1f} KB")
        assert file.stat().st_size < 60_000, f"{file.name} is too large for the repository"


def free(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) != 0


if __name__ == "__main__":
    main(*sys.argv[1:])
