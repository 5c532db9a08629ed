"""Prints the licences of what the program holds: packaging/third-party.py > THIRD-PARTY.txt

The crates are those of `cargo metadata` for this platform, tests and build scripts left out; equal texts stand once.
"""

import json
import pathlib
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent


def crates():
    command = ["cargo", "metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"]
    metadata = json.loads(subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    ours = metadata["resolve"]["root"]
    found, waiting = set(), [ours]
    while waiting:
        for dependency in nodes[waiting.pop()]["deps"]:
            is_in = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if is_in and dependency["pkg"] not in found:
                found.add(dependency["pkg"])
                waiting.append(dependency["pkg"])
    return sorted((packages[crate] for crate in found), key=lambda package: (package["name"], package["version"]))


def texts(folder):
    endings = ("", ".md", ".txt", "-mit", "-apache", "-mit.txt", "-mit.md", "-bsd", ".mit")
    names = {f"{word}{ending}" for word in ("license", "licence", "copying", "unlicense") for ending in endings}
    # Apache's own text is in the package already.
    return [path.read_text(errors="replace").strip() for path in sorted(folder.iterdir()) if path.name.lower() in names and path.is_file()]


def main():
    found = crates()
    assert len(found) > 100, len(found)
    print("secure-io holds the following crates, and socket.io-client (MIT), which it serves to browsers.\n")
    by_text = {}
    for crate in found:
        name = f"{crate['name']} {crate['version']}"
        print(f"{name}: {crate['license'] or 'see below'}")
        for text in texts(pathlib.Path(crate["manifest_path"]).parent):
            by_text.setdefault(text, []).append(name)
    client = "Copyright (c) 2014-present Guillermo Rauch and Socket.IO contributors"
    by_text.setdefault((root / "LICENSE-MIT").read_text().split("\n\n", 2)[-1].strip() + f"\n\n({client})", []).append("socket.io-client")
    for text, names in sorted(by_text.items(), key=lambda entry: entry[1]):
        print(f"\n{'=' * 80}\n{', '.join(names)}\n{'-' * 80}\n{text}")


if __name__ == "__main__":
    sys.exit(main())
