"""Types into `secure-io connect` at a terminal of its own, and prints what the terminal shows."""
import os
import pty
import re
import select
import sys
import time

command, url = sys.argv[1], sys.argv[2]
child, terminal = pty.fork()
if child == 0:
    os.environ.update(TERM='xterm', COLUMNS='120', NO_COLOR='1')
    os.execv(command, [command, 'connect', url])

shown = ''


def until(words):
    """Waits for words behind those of the last time."""
    global shown
    deadline = time.time() + 30
    while words not in shown:
        ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.time()))
        if not ready:
            sys.exit(f'no {words!r} in {shown!r}')
        try:
            read = os.read(terminal, 65536)
        except OSError:
            sys.exit(f'ended, and no {words!r} in {shown!r}')
        shown += re.sub(r'\x1b\[[0-9;?]*[A-Za-z]', '', read.decode(errors='replace')).replace('\r', '')
    shown = shown.split(words, 1)[1]


def key(keys):
    os.write(terminal, keys.encode())


until('joined /')
until('Received: "welcome"')
# The server emits `tick` while a line is being edited: the line is still whole behind it.
key('late "a')
until('Received tick: 1')
key('bc"\r')
until('Received late: "abc"')
# Completion of an event that was seen, and history.
key('ti\t\r')
until('Received tick: 2')
key('\x1b[A\r')
until('Received tick: 3')
key('/ack\r')
until('acknowledgements are waited for')
key('echo {"a":1}\r')
until('Acknowledged echo')
key('echo {\r')
until('is not JSON')
key('/nothing\r')
until('there is no command /nothing')
key('/frames\r')
until('packets are shown')
key('echo 1\r')
until('["echo",1]')
key('/frames\r')
until('packets are not shown')
key('/join nowhere\r')
until('namespace-unknown')
key('/join /chat\r')
until('joined /chat')
key('where\r')
until('Received here: "/chat"')
if sys.argv[3] == 'quit':
    key('/quit\r')
else:
    key('bye\r')
    until('server-disconnect')
_, status = os.waitpid(child, 0)
import termios
flags = termios.tcgetattr(terminal)[3]
print('exit', os.waitstatus_to_exitcode(status), 'canonical', bool(flags & termios.ICANON), 'echo', bool(flags & termios.ECHO))
