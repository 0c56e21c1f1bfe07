"""The thread that makes a journal durable and brings it to the server, while the script goes on."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable

from ._errors import AtelierError, ExhaustedError, InternalError, UnavailableError
from ._journal import Journal
from ._ship import Shipper
from ._transport import Transport

__all__ = ["Courier"]

_log = logging.getLogger("atelier")

_GATHER = 1.0  # seconds for which records are gathered before they are synced and sent
_FIRST_PAUSE = 0.5  # seconds after a failure; doubles up to the last
_LAST_PAUSE = 30.0
_LAST_TRIES = 3  # how often a server that is away is asked while somebody waits for the end


class Courier:
    """Syncs a journal and ships it, for as long as it is open."""

    def __init__(
        self, journal: Journal, open_transport: Callable[[], Transport] | None, title: str, later: str
    ) -> None:
        """Start the thread.

        Args:
            journal: What to ship.
            open_transport: Makes the way to the server; None only syncs.
            title: The run, for messages.
            later: Who sends what is left when the script has ended, for messages.
        """
        self._journal = journal
        self._open_transport = open_transport
        self._title = title
        self._later = later
        self.refused: list[str] = []
        self.fault: AtelierError | None = None
        self._state = threading.Condition()
        self._asked = self._answered = self._failures = 0
        self._news = self._hurry = self._closing = False
        self._told = False
        self._thread = threading.Thread(target=self._work, name="atelier-courier", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something new."""
        if not self._news:  # without the lock: it is only cleared before the journal is read
            with self._state:
                self._news = True
                self._state.notify_all()

    def drain(self, timeout: float) -> bool:
        """Wait until all that is in the journal now is with the server.

        Returns:
            False after timeout seconds, or when the server is away or takes nothing.
        """
        deadline = time.monotonic() + timeout
        with self._state:
            self._asked += 1
            ticket = self._asked
            self._failures = 0
            self._hurry = True
            self._state.notify_all()
            while self._answered < ticket and self._failures < _LAST_TRIES:
                left = deadline - time.monotonic()
                if left <= 0 or not self._state.wait(left):
                    break
            self._hurry = False
            return self._answered >= ticket

    def close(self) -> None:
        """End the thread; it gives back its connections."""
        with self._state:
            self._closing = True
            self._state.notify_all()
        self._thread.join(timeout=1.0)  # it may hang in a request, and is then left behind

    def _work(self) -> None:
        transport = None
        shipper = None
        pause = 0.0
        while self._rest(pause):
            with self._state:
                ticket = self._asked
                self._news = False
            try:
                self._journal.sync()
                if self._open_transport:
                    transport = transport or self._open_transport()
                    shipper = shipper or Shipper(self._journal.folder, transport, self._refuse)
                    shipper.ship()
            except AtelierError as fault:
                pause = min(pause * 2, _LAST_PAUSE) or _FIRST_PAUSE
                self._failed(fault)
            except Exception as fault:  # whatever it is, the journal keeps what was logged
                pause = _LAST_PAUSE
                self._failed(InternalError(f"The journal cannot be shipped: {type(fault).__name__}: {fault}"))
            else:
                pause = 0.0
                self._succeeded(ticket)
        if transport:
            with contextlib.suppress(Exception):
                transport.close()

    def _rest(self, pause: float) -> bool:
        """Wait until there is something to do; false when there never will be."""
        with self._state:
            if pause:
                self._state.wait_for(lambda: self._closing or self._hurry, pause)
                if self._hurry and not self._closing:
                    self._state.wait_for(lambda: self._closing, _FIRST_PAUSE if self._failures else 0)
            else:
                self._state.wait_for(lambda: self._news or self._closing or self._asked > self._answered)
                self._state.wait_for(lambda: self._closing or self._hurry, _GATHER)
            return not self._closing

    def _succeeded(self, ticket: int) -> None:
        with self._state:
            self._answered = max(self._answered, ticket)
            self.fault = None
            self._state.notify_all()
        if self._told:
            self._told = False
            _log.warning("The run %s is with its server again.", self._title)

    def _failed(self, fault: AtelierError) -> None:
        passing = isinstance(fault, (UnavailableError, ExhaustedError, InternalError))
        with self._state:
            self.fault = fault
            self._failures += 1 if passing else _LAST_TRIES
            self._state.notify_all()
        if not self._told:
            self._told = True
            _log.warning(
                "%s The run %s goes on: what it logs is kept in %s and sent later. "
                "If this script ends before that, %s the rest.",
                fault,
                self._title,
                self._journal.folder,
                self._later,
            )

    def _refuse(self, message: str) -> None:
        self.refused.append(message)
        _log.warning("%s", message)
