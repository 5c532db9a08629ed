"""Writes a wheel around a program that is built already: packaging/python/wheel.py PROGRAM OUT

What it holds is what maturin puts there; for the program of `just portable`, which maturin did not build.
"""

import base64
import hashlib
import pathlib
import re
import sys
import zipfile

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
import glibc  # noqa: E402


def value(text, key):
    return re.search(rf'^{key} = "(.*)"', text, re.M).group(1)


def main(program, out):
    root = here.parent.parent
    version = value((root / "Cargo.toml").read_text(), "version")
    project = (here / "pyproject.toml").read_text()
    machine = pathlib.Path(program).read_bytes()[:20]
    architecture = {62: "x86_64", 183: "aarch64"}[int.from_bytes(machine[18:20], "little")]
    major, minor = glibc.needed(program)
    tag = f"py3-none-manylinux_{major}_{minor}_{architecture}"
    info = f"secure_io-{version}.dist-info"
    metadata = (
        f"Metadata-Version: 2.4\nName: secure-io\nVersion: {version}\nSummary: {value(project, 'description')}\n"
        f"License-Expression: {value(project, 'license')}\nLicense-File: LICENSE-MIT\nLicense-File: LICENSE-APACHE\n"
        f"Requires-Python: {value(project, 'requires-python')}\nDescription-Content-Type: text/markdown\n\n"
        + (here / "README.md").read_text()
    )
    plugin = re.search(r"^\[project.entry-points.pytest11\]\n(.*)\n", project, re.M).group(1).replace('"', "")
    members = [(f"secure_io/{path.name}", path.read_bytes()) for path in sorted((here / "secure_io").iterdir()) if path.is_file()]
    members.append((f"secure_io-{version}.data/scripts/secure-io", pathlib.Path(program).read_bytes()))
    members.append((f"{info}/METADATA", metadata.encode()))
    members.append((f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: secure-io\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()))
    members.append((f"{info}/entry_points.txt", f"[pytest11]\n{plugin}\n".encode()))
    members += [(f"{info}/licenses/{name}", (root / name).read_bytes()) for name in ("LICENSE-MIT", "LICENSE-APACHE")]
    record = "".join(f"{name},sha256={digest(content)},{len(content)}\n" for name, content in members)
    members.append((f"{info}/RECORD", f"{record}{info}/RECORD,,\n".encode()))
    path = pathlib.Path(out) / f"secure_io-{version}-{tag}.whl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as wheel:
        for name, content in members:
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            entry.external_attr = (0o100755 if "/scripts/" in name else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(entry, content)
    print(path)


def digest(content):
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    main(*sys.argv[1:])
