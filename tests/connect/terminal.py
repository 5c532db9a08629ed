"""Types into `secure-io connect` at a terminal of its own, and prints the exit status and how the terminal was left.

terminal.py TERM END COMMAND...: END is the way in which the run ends.
"""

import os
import pty
import re
import select
import signal
import sys
import termios
import time

term, end, command = sys.argv[1], sys.argv[2], sys.argv[3:]
child, terminal = pty.fork()
if child == 0:
    # A shell starts what runs in its background with this ignored.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ.update(TERM=term, COLUMNS="120", NO_COLOR="1")
    os.execv(command[0], command)

shown = ""


def until(words):
    """Waits for words behind those of the last time."""
    global shown
    deadline = time.time() + 30
    while words not in shown:
        ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.time()))
        if not ready:
            sys.exit(f"no {words!r} in {shown!r}")
        try:
            read = os.read(terminal, 65536)
        except OSError:
            sys.exit(f"ended, and no {words!r} in {shown!r}")
        shown += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", read.decode(errors="replace")).replace("\r", "")
    shown = shown.split(words, 1)[1]


def key(keys):
    os.write(terminal, keys.encode())


if end == "refused":
    until("error: ")
    until("(refused at tcp)")
else:
    until("joined /")
    until("/help lists the commands")
    until('Received: "welcome"')
    # The server emits `tick` when it has heard `soon`, while a line is being edited: the line is whole behind it.
    key("soon\r")
    key('late "a')
    until("Received tick: 1")
    key('bc"\r')
    until('Received late: "abc"')
    if term == "dumb":
        key("/ack echo 1\r")
        until("Acknowledged echo")
    else:
        # Completion of an event that was seen, and history.
        key("ti\t\r")
        until("Received tick: 2")
        key("\x1b[A\r")
        until("Received tick: 3")
        key("/ack\r")
        until("acknowledgements are waited for")
        key('echo {"a":1}\r')
        until("Acknowledged echo")
        # Arguments stand behind the completed name, and were taken for a part of it.
        key('ech\t{"b":2}\r')
        until("Acknowledged echo")
        key("echo {\r")
        until("is not JSON")
        key("/nothing\r")
        until("the command /nothing does not exist")
        key("/frames\r")
        until("packets are shown")
        key("echo 1\r")
        until('["echo",1]')
        key("/frames\r")
        until("packets are not shown")
        # What nobody acknowledges does not end the run.
        key("deaf\r")
        until("(ack-timeout at event)")
        key("/join nowhere\r")
        until("(namespace-unknown at namespace)")
        key("/join /chat\r")
        until("joined /chat")
        key("where\r")
        until('Received here: "/chat"')
    key({"/quit": "/quit\r", "/exit": "/exit\r", "Ctrl-D": "\x04", "Ctrl-C": "half a line\x03", "bye": "bye\r"}[end])
    if end == "bye":
        until("(server-disconnect at event)")
_, status = os.waitpid(child, 0)
flags = termios.tcgetattr(terminal)[3]
print("exit", os.waitstatus_to_exitcode(status), "edits", bool(flags & termios.ICANON and flags & termios.ECHO))
