"""Runs argv[1:] in a terminal of its own and ends with its exit code. What it draws comes on stdout, a line each time that it
goes back to the beginning of one; what stands on stdin is typed."""

import os
import pty
import sys
import termios
import threading

pid, terminal = pty.fork()
if pid == 0:
    termios.tcsetwinsize(1, (24, 100))
    os.execve(sys.argv[1], sys.argv[1:], {"TERM": "xterm"})


def type_on():
    while keys := os.read(0, 1024):
        os.write(terminal, keys)


threading.Thread(target=type_on, daemon=True).start()
while True:
    try:
        drawn = os.read(terminal, 1 << 16)
    except OSError:  # how the end of a terminal is told
        break
    os.write(1, drawn.replace(b"\r", b"\n"))
os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
