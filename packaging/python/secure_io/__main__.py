"""``python -m secure_io`` is the program."""

import os
import subprocess
import sys

from ._program import program

if os.name == "nt":
    sys.exit(subprocess.call([program(), *sys.argv[1:]]))
os.execv(program(), ["secure-io", *sys.argv[1:]])
