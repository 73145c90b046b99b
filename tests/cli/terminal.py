"""A command on a terminal of its own: what a user types goes in, what the screen gets comes out."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

from command import SCRATCH, command_line, environment


class Terminal:
    def __init__(self, *arguments, columns=80, cwd=SCRATCH):
        self.screen = ""
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))

        def become_foreground():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(command_line(arguments), stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd,
                                        env=environment(), preexec_fn=become_foreground)
        os.close(theirs)

    def type(self, text):
        os.write(self.ours, text.encode())

    def wait_for(self, text, seconds=120):
        """Reads until the screen shows `text` behind what was waited for before; returns what came."""
        end = time.monotonic() + seconds
        while text not in self.screen:
            assert self._read(end), f"waited for {text!r}, the screen shows {self.screen!r}"
        came, self.screen = self.screen.split(text, 1)
        return came

    def wait_for_more(self, seconds=120):
        """Reads until anything comes."""
        end = time.monotonic() + seconds
        while not self.screen:
            assert self._read(end), "nothing more came"

    def ended(self, seconds=120):
        """The exit status, and what else came onto the screen."""
        end = time.monotonic() + seconds
        while self._read(end):
            pass
        status = self.process.wait(timeout=max(1.0, end - time.monotonic()))
        os.close(self.ours)
        return status, self.screen.replace("\r\n", "\n")

    def _read(self, end):
        ready, _, _ = select.select([self.ours], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            return False
        try:
            got = os.read(self.ours, 65536)
        except OSError:  # the other side is closed
            return False
        self.screen += got.decode(errors="replace")
        return bool(got)
