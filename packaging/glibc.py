"""Prints the glibc that a program needs, read off its symbols: packaging/glibc.py PROGRAM [AT_MOST]

Fails if it is newer than AT_MOST, as in 2.17.
"""

import re
import subprocess
import sys


def needed(program):
    """The newest version of glibc among the symbols that it asks for, as in (2, 17)."""
    symbols = subprocess.run(["readelf", "--version-info", "--wide", program], check=True, capture_output=True, text=True)
    # The versions it needs stand in the section .gnu.version_r.
    wanted = symbols.stdout.split(".gnu.version_r", 1)[-1]
    versions = [tuple(map(int, found.split("."))) for found in re.findall(r"Name: GLIBC_(\d+(?:\.\d+)+)", wanted)]
    return max(versions)[:2]


def libraries(program):
    """The shared libraries that it asks for."""
    section = subprocess.run(["readelf", "--dynamic", "--wide", program], check=True, capture_output=True, text=True)
    return re.findall(r"\(NEEDED\).*\[(.*)\]", section.stdout)


if __name__ == "__main__":
    program, *at_most = sys.argv[1:]
    version = needed(program)
    print(f"{program}: glibc {version[0]}.{version[1]} or newer; {', '.join(libraries(program))}")
    if at_most and version > tuple(map(int, at_most[0].split("."))):
        sys.exit(f"error: it is to run with glibc {at_most[0]}")
