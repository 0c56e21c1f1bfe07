"""A process that scores mini batches, as its driver sees it."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

from atelier_serving import frames

#: How often the driver looks whether a process that says nothing still lives, in seconds.
_LOOK = 0.2
#: How long a process may take to end when there is nothing left to score, in seconds.
_LAST_WORDS = 30


class Lost(Exception):
    """The process died, or took too long."""


class Worker:
    """One process that has loaded the script, or is about to."""

    def __init__(self, plan, number):
        self._failure = os.path.join(plan["folder"], "worker-%d.json" % number)
        if os.path.exists(self._failure):
            os.unlink(self._failure)
        ours, theirs = socket.socketpair()
        words = [sys.executable, "-m", "atelier_serving.batch_worker"]
        words += ["--fd", str(theirs.fileno()), "--code", plan["code"], "--failure", self._failure]
        words += ["--entry", plan.get("scoring_script", ""), "--output-action", plan["output_action"]]
        words += ["--logging-level", plan["logging_level"]]
        self._process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], start_new_session=True
        )
        theirs.close()
        self._connection = frames.Connection(ours)

    def load(self):
        """Wait until the script is loaded, however long that takes."""
        self._read(None)

    def reason(self):
        """Return why the script cannot be loaded, as a code and a message; None if it did not say."""
        try:
            with open(self._failure, encoding="utf-8") as file:
                said = json.load(file)
        except (OSError, ValueError):
            return None
        return said["code"], said["message"]

    def score(self, files, seconds):
        """Have a mini batch scored and return the answer's header and the rows."""
        try:
            self._connection.socket.sendall(frames.encode({"files": files}, b""))
        except OSError:
            raise Lost(self._end_text()) from None
        return self._read(seconds)

    def _read(self, seconds):
        """Return the next frame, which must be there in so many seconds."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            left = _LOOK if deadline is None else min(_LOOK, deadline - time.monotonic())
            if left <= 0:
                raise Lost("it took longer than %g seconds (retry_settings.timeout)" % seconds)
            ready, _, _ = select.select([self._connection], [], [], left)
            if ready:
                break
            if self._process.poll() is not None:
                raise Lost(self._end_text())
        self._connection.socket.settimeout(None if deadline is None else max(deadline - time.monotonic(), 1))
        try:
            frame = frames.read(self._connection)
        except socket.timeout:
            raise Lost("it took longer than %g seconds (retry_settings.timeout)" % seconds) from None
        except (OSError, frames.BrokenFrame):
            frame = None
        if frame is None:
            raise Lost(self._end_text())
        self._connection.socket.settimeout(None)
        return frame

    def _end_text(self):
        """Return how the process ended."""
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "the process that scored it hung up"
        if code < 0:
            hint = "; the machine may have run out of memory" if -code == signal.SIGKILL else ""
            return "the process that scored it was ended by the signal %d%s" % (-code, hint)
        return "the process that scored it ended with exit code %d" % code

    def signal(self):
        """Have the process and what it started end, whoever waits for its answer."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def kill(self):
        """End the process and what it started."""
        self.signal()
        self._process.wait()
        self._connection.close()

    def end(self):
        """Let the process end by itself, with what its script does at the end, and see that it does."""
        self._connection.socket.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=_LAST_WORDS)
        self.kill()
