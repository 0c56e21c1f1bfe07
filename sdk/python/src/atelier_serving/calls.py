"""Takes requests from connections and has them answered, one or several at a time.

With one call at a time, init() and run() both happen in the main thread, as in
Azure's own server: scripts hold things that only their own thread may use. The
main thread then reads the connections by itself, so that a request costs no
change of threads. With more at a time, each connection has a thread.

Either way the question after the worker's health is answered in a thread of its
own, whatever the script does.
"""

import _signal
import collections
import contextlib
import ctypes
import select
import signal
import socket
import threading
import time

from atelier_serving import frames
from atelier_serving.script import print_fault
from atelier_serving.service import CallTimeout

_REAL = int(signal.ITIMER_REAL)
#: How many seconds a worker that is told to stop may take to send its last answers.
_LAST_ANSWERS = 8


def _answer(connection, frame, service):
    """Answer one request, and return whether the connection can be used for another."""
    if connection.left():
        return False  # whoever asked has given up, or left, while the request waited here
    answers = _answers([frame], service)
    return bool(answers) and _send(connection, answers[0])


def _answers(frames, service):
    """Return the answers to some requests, or none where that is broken off."""
    try:
        return service.answer_together(frames) if len(frames) > 1 else [service.answer(*frames[0])]
    except BaseException as fault:  # a call's time was over when it had just ended
        print_fault(fault)
        return []


def _send(connection, answer):
    """Send an answer, and return whether the connection can be used for another request."""
    try:
        connection.send(answer)
    except (OSError, ValueError):
        return False  # the router left; it knows why
    except BaseException as fault:  # the script failed amid an answer that it sends in parts
        print_fault(fault)
        return False
    return True


def _next(connection):
    """Return the next request of a connection, or None where there is none to come."""
    try:
        return frames.read(connection)
    except (OSError, frames.BrokenFrame, ValueError):
        return None


class Porter:
    """Takes connections from a listening socket, and answers whether the worker is well."""

    def __init__(self, listener, service, hand_over):
        """hand_over gets each connection with its first real request."""
        self._listener, self._service, self._hand_over = listener, service, hand_over
        self.connections = 0  # that have been handed over and are still there

    def start(self):
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        """Where several processes accept from one socket, those that have fewer
        connections are quicker to take the next, so that all get their share."""
        self._listener.setblocking(False)
        while True:
            select.select([self._listener], [], [])
            time.sleep(0.001 * min(self.connections, 20))
            try:
                taken, _ = self._listener.accept()
            except BlockingIOError:  # another process was quicker
                continue
            except OSError:  # nobody listens yet, because another process still loads
                time.sleep(0.01)
                continue
            taken.setblocking(True)
            threading.Thread(target=self._greet, args=(frames.Connection(taken),), daemon=True).start()

    def _greet(self, connection):
        frame = _next(connection)
        while frame is not None and frame[0].get("path") == "/":
            frame = _next(connection) if _answer(connection, frame, self._service) else None
        if frame is None:
            connection.close()
            return
        self._hand_over(connection, frame)


class Alone:
    """Makes calls one at a time, in the main thread.

    With batches, the requests that wait when a call ends are answered by the next one,
    and as many as last time are waited for, for at most some milliseconds. So a single
    caller never waits, and many wait no longer than for each other.
    """

    def __init__(self, batch_size=1, batch_delay_ms=0):
        self._size, self._delay = batch_size, batch_delay_ms / 1000
        self._newcomers, self._stopped = collections.deque(), False
        self._bell, self._rope = socket.socketpair()
        self._rope.setblocking(False)
        self._known, self._poller = {}, select.poll()

    def serve(self, listener, service):
        """Answer requests until told to stop."""
        porter = Porter(listener, service, self._welcome)
        porter.start()
        self._poller.register(self._bell, select.POLLIN)
        usual = 1
        while not self._stopped:
            waiting = self._take(None)
            if len(waiting) < usual:
                self._wait(waiting, usual)
            usual = len(waiting)
            for at in range(0, len(waiting), self._size):
                self._answer(waiting[at : at + self._size], service)
            porter.connections = len(self._known)

    def _take(self, patience_ms):
        """Return the requests that are there, each with its connection."""
        found = []
        for number, _ in self._poller.poll(patience_ms):
            if number == self._bell.fileno():
                self._bell.recv(4096)
                found.extend(self._arrived())
                continue
            frame = _next(self._known[number])
            if frame is None:
                self._forget(self._known[number])
            else:
                found.append((self._known[number], frame))
        return found

    def _wait(self, waiting, wanted):
        """Wait for more requests, for as long as the first may be held up."""
        end = time.monotonic() + self._delay
        while len(waiting) < min(wanted, self._size) and time.monotonic() < end:
            waiting += self._take(1000 * max(0, end - time.monotonic()))

    def _answer(self, waiting, service):
        waiting = [one for one in waiting if not self._left(one[0])]
        if not waiting:
            return
        answers = _answers([frame for _, frame in waiting], service)
        for at, (connection, _) in enumerate(waiting):
            if not answers or not _send(connection, answers[at]):
                self._forget(connection)

    def _left(self, connection):
        """Whether whoever asked has given up, or left, while the request waited here."""
        if not connection.left():
            return False
        self._forget(connection)
        return True

    def _forget(self, connection):
        if self._known.pop(connection.fileno(), None) is not None:  # it may have hung up while it waited
            self._poller.unregister(connection)
            connection.close()

    def stop(self):
        self._stopped = True
        self._ring()

    def _ring(self):
        with contextlib.suppress(BlockingIOError):  # it rings already
            self._rope.send(b".")

    def _welcome(self, connection, frame):
        self._newcomers.append((connection, frame))
        self._ring()

    def _arrived(self):
        while self._newcomers:
            connection, frame = self._newcomers.popleft()
            self._known[connection.fileno()] = connection
            self._poller.register(connection, select.POLLIN)
            yield connection, frame

    def limit(self, milliseconds):
        """End what runs inside with CallTimeout after the time."""
        return _Alarm(milliseconds / 1000)


class _Alarm:
    """Has the system interrupt the main thread when its time is over. It is entered for
    every request: contextlib and signal.signal(), which looks for names of numbers,
    would take twice as long as the rest of the way."""

    __slots__ = ("_seconds",)

    def __init__(self, seconds):
        self._seconds = seconds

    def __enter__(self):
        if _signal.getsignal(signal.SIGALRM) is not _expired:  # at first, or a script took it
            signal.signal(signal.SIGALRM, _expired)
        _signal.setitimer(_REAL, self._seconds)

    def __exit__(self, *fault):
        _signal.setitimer(_REAL, 0)


def _expired(_number, _frame):
    raise CallTimeout


class Several:
    """Makes several calls at once, each in its connection's thread."""

    def __init__(self, number):
        self._places = threading.BoundedSemaphore(number)
        self._stopped = threading.Event()
        self._number, self._changed = 0, threading.Condition()
        self._watch = Watch()

    def serve(self, listener, service):
        """Answer requests until told to stop, and let those under way come to their end."""
        self._service = service
        self._porter = Porter(listener, service, self._converse)
        self._watch.start()
        self._porter.start()
        self._stopped.wait()
        with self._changed:
            self._changed.wait_for(lambda: self._number == 0, _LAST_ANSWERS)

    def stop(self):
        self._stopped.set()

    def limit(self, milliseconds):
        """End what runs inside with CallTimeout after the time."""
        return self._watch.limit(milliseconds)

    def _converse(self, connection, frame):
        self._porter.connections += 1
        try:
            while frame is not None:
                self._count(1)
                try:
                    with self._places:
                        going = _answer(connection, frame, self._service)
                finally:
                    self._count(-1)
                frame = _next(connection) if going else None
        finally:
            connection.close()
            self._porter.connections -= 1

    def _count(self, change):
        with self._changed:
            self._number += change
            self._changed.notify_all()


class Watch:
    """Ends calls in other threads that take too long. Python does so when the thread
    next runs a line of Python: a call that sleeps, or computes inside a library, goes
    on until then, and the router answers in its place."""

    def __init__(self):
        self._changed, self._deadlines = threading.Condition(), {}

    def start(self):
        threading.Thread(target=self._run, daemon=True).start()

    @contextlib.contextmanager
    def limit(self, milliseconds):
        me = threading.get_ident()
        with self._changed:
            self._deadlines[me] = time.monotonic() + milliseconds / 1000
            if len(self._deadlines) == 1 or self._deadlines[me] == min(self._deadlines.values()):
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._deadlines.pop(me, None)
                _raise_in(me, None)

    def _run(self):
        with self._changed:
            while True:
                now = time.monotonic()
                for thread in [one for one, end in self._deadlines.items() if end <= now]:
                    del self._deadlines[thread]
                    _raise_in(thread, CallTimeout)
                nearest = min(self._deadlines.values(), default=None)
                self._changed.wait(None if nearest is None else max(0.0, nearest - now))


def _raise_in(thread, fault):
    """Have a thread raise fault at its next line; None takes that back."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), None if fault is None else ctypes.py_object(fault)
    )
