"""Runs a command on a terminal: waits for a text, does something, and prints all output and the exit status.

terminal.py TEXT ACTION COMMAND...: ACTION is `keys:…` or `kill:NUMBER`.
"""

import os
import pty
import signal
import sys

text, action, command = sys.argv[1], sys.argv[2], sys.argv[3:]
pid, terminal = pty.fork()
if pid == 0:
    # A shell starts what runs in its background with these ignored, and so may whoever starts the tests.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os.execvp(command[0], command)
output = b""
is_done = False
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    if not piece:
        break
    output += piece
    if not is_done and text.encode() in output:
        is_done = True
        kind, _, what = action.partition(":")
        if kind == "keys":
            os.write(terminal, what.encode().decode("unicode_escape").encode())
        else:
            os.kill(pid, int(what))
_, status = os.waitpid(pid, 0)
sys.stdout.write(output.decode(errors="replace"))
print(f"exit: {os.waitstatus_to_exitcode(status)}")
