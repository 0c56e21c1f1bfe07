"""Logging to a run: into a journal on this machine first, and from there to the server."""

from __future__ import annotations

import atexit
import dataclasses
import functools
import json
import logging
import math
import multiprocessing.util
import os
import posixpath
import socket
import sys
import tempfile
import threading
import time
import unicodedata
import uuid
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._courier import Courier
from ._errors import AtelierError, InvalidError
from ._journal import Journal, journal_root, read_entries
from ._ship import read_place, ship_others, word
from ._transport import Transport

if TYPE_CHECKING:
    from typing_extensions import Self  # in typing itself from Python 3.11

__all__ = ["ActiveRun", "Delivery", "Destination", "open_run"]

_log = logging.getLogger("atelier")

_IN_A_JOB = 5.0  # seconds to wait at the end of a script whose runner sends the rest
_LONGEST_KEY = 250
_LONGEST_PARAM = 6000  # the server cuts what is longer; here, so that a batch is never too large
_LONGEST_TAG = 8000
_DOTS = ".․‥…．｡。"  # noqa: RUF001 - the full stops that some systems take for plain ones
_ENDS = frozenset({"FINISHED", "FAILED", "KILLED"})


@dataclasses.dataclass(frozen=True)
class Delivery:
    """What became of all that a run logged.

    Attributes:
        complete: Whether the server has all of it.
        left: How many calls' worth of it is still only in the journal.
        refused: What the server will never take, in sentences.
        folder: The journal, where something is left in it; `atelier sync FOLDER` ships that.
    """

    complete: bool
    left: int = 0
    refused: tuple[str, ...] = ()
    folder: Path | None = None


@dataclasses.dataclass(frozen=True)
class Destination:
    """Where a run goes. Without open_transport it goes nowhere yet: somebody syncs its journal later."""

    server: str
    workspace: str
    open_transport: Callable[[], Transport] | None


class ActiveRun:
    """A run that this process logs to. Made by `Workspace.start_run` and `atelier.start_run`.

    A call returns once its record is in the journal, in microseconds; from there it reaches the
    server whatever happens to this process, the server or the network, and is stored once. All
    methods may be called by several threads, and in a forked process, which gets a journal of its
    own. Used as a context manager, the run ends as FINISHED, or as FAILED when an exception passes.

    Attributes:
        id: The run's id, 32 hexadecimal digits, or the job's name inside a job.
        name: The run's name; empty when the server chooses it.
    """

    def __init__(
        self, destination: Destination, record: Mapping[str, Any], *, durable: bool, root: Path
    ) -> None:
        self.id = str(record["id"])
        self.name = str(record.get("name") or "")
        self._destination = destination
        self._record = dict(record)
        self._durable = durable
        self._root = root
        self._mutex = threading.RLock()
        self._journal: Journal | None = None
        self._courier: Courier | None = None
        self._delivery: Delivery | None = None
        self._params: dict[str, str] = {}
        self._steps: dict[str, int] = {}
        self._open()

    @property
    def folder(self) -> Path:
        """The journal's folder."""
        return self._opened().folder

    def log_metric(
        self, key: str, value: float, step: int | None = None, *, timestamp: int | None = None
    ) -> None:
        """Log a point of a metric.

        Args:
            key: The metric's name.
            value: A number; NaN and infinities too. Scalars of numpy and torch are numbers.
            step: Where on the axis; 0, 1, 2, ... per metric when it is left out.
            timestamp: Milliseconds since 1970; now, when it is left out.

        Raises:
            InvalidError: The name or the number cannot be.
            ExhaustedError: The disk is full; the point was not logged.
        """
        self.log_metrics({key: value}, step, timestamp=timestamp)

    def log_metrics(
        self, values: Mapping[str, float], step: int | None = None, *, timestamp: int | None = None
    ) -> None:
        """Log a point of each of several metrics, all or none. The arguments are those of log_metric."""
        points = {_key("metric", key): _number(key, value) for key, value in values.items()}
        moment = _now() if timestamp is None else _whole("timestamp", timestamp)
        with self._mutex:
            by_step: dict[int, dict[str, float | str]] = {}
            for key, value in points.items():
                at = self._steps.get(key, 0) if step is None else _whole("step", step)
                by_step.setdefault(at, {})[key] = value
            for at, group in by_step.items():
                self._append({"type": "metrics", "time": moment, "step": at, "values": group})
                self._steps.update(dict.fromkeys(group, at + 1))

    def log_param(self, key: str, value: Any) -> None:
        """Log a param, which has one value for good.

        Raises:
            InvalidError: The name cannot be, or the param was logged with another value.
        """
        self.log_params({key: value})

    def log_params(self, values: Mapping[str, Any]) -> None:
        """Log several params, all or none. See log_param."""
        texts = {_key("param", key): _text(key, value, _LONGEST_PARAM) for key, value in values.items()}
        with self._mutex:
            for key, text in texts.items():
                if (before := self._params.get(key, text)) != text:
                    raise InvalidError(
                        f"The param {key!r} was logged as {before[:200]!r} and cannot become {text[:200]!r}.",
                        hint="A param never changes; use a tag or a metric for what does.",
                        field=key,
                    )
            if fresh := {key: text for key, text in texts.items() if key not in self._params}:
                self._append({"type": "params", "values": fresh})
                self._params.update(fresh)

    def set_tag(self, key: str, value: Any) -> None:
        """Set a tag. The last value counts."""
        self.set_tags({key: value})

    def set_tags(self, values: Mapping[str, Any]) -> None:
        """Set several tags."""
        if values:
            texts = {_key("tag", key): _text(key, value, _LONGEST_TAG) for key, value in values.items()}
            self._append({"type": "tags", "values": texts})

    def log_artifact(self, path: str | Path, folder: str = "") -> None:
        """Keep a file with the run, as it is now: the journal has a copy when this returns.

        Args:
            path: The file, or a folder, of which everything is kept.
            folder: Where it goes among the run's artifacts; their root unless told.

        Raises:
            InvalidError: There is no such file, or the place cannot be.
            ExhaustedError: The disk is full; the file was not kept.
        """
        source = Path(path)
        if source.is_dir():
            for file in sorted(file for file in source.rglob("*") if file.is_file()):
                self._keep(file, posixpath.join(folder, file.relative_to(source).as_posix()))
        else:
            self._keep(source, posixpath.join(folder, source.name))

    def log_text(self, text: str, path: str) -> None:
        """Keep text as the file path among the run's artifacts."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "text"
            file.write_text(text, encoding="utf-8")
            self._keep(file, path)

    def log_dict(self, values: Any, path: str) -> None:
        """Keep values as a JSON file among the run's artifacts."""
        self.log_text(json.dumps(values, indent=2, default=str), path)

    def flush(self, timeout: float = 30.0) -> bool:
        """Wait until the server has all that was logged so far; false if it has not in timeout seconds."""
        with self._mutex:
            self._opened().sync()
            courier = self._courier
        return bool(courier and self._destination.open_transport) and courier.drain(timeout)

    def finish(self, status: str = "FINISHED", *, timeout: float = 30.0) -> Delivery:
        """End the run, wait until the server has everything, and say what it has not.

        A server that is away is not waited for long: the journal keeps the rest. Finishing again
        changes nothing.

        Args:
            status: FINISHED, FAILED or KILLED.
            timeout: Seconds to wait at most.
        """
        if status not in _ENDS:
            raise InvalidError(f"A run cannot end as {status!r}.", hint="Use FINISHED, FAILED or KILLED.")
        with self._mutex:
            if self._delivery is None:
                self._delivery = self._end(status, timeout)
            return self._delivery

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        interrupted = kind is not None and issubclass(kind, (KeyboardInterrupt, SystemExit))
        self.finish("FINISHED" if kind is None else "KILLED" if interrupted else "FAILED")

    def __repr__(self) -> str:
        return f"ActiveRun(id={self.id!r}, name={self.name!r})"

    def _open(self) -> None:
        self._journal = Journal(self._root, self._record, durable=self._durable)
        title, later = self.name or self.id, self._later(self._journal.folder)
        self._courier = Courier(self._journal, self._destination.open_transport, title, later)
        self._courier.wake()
        _open_runs.add(self)
        if multiprocessing.parent_process() is not None:  # whose processes end without atexit
            multiprocessing.util.Finalize(None, self._leave, exitpriority=10)

    def _later(self, folder: Path) -> str:
        """Say who sends what is left when this process has ended."""
        return f"`atelier sync {folder}` sends" if self._record["server"] else "the job's runner sends"

    def _opened(self) -> Journal:
        """Return the journal; in a forked process, one of its own."""
        if self._delivery is not None:
            raise InvalidError(f"The run {self.id} is over.", hint="Start it again with start_run(id=...).")
        if self._journal is None:
            self._open()
        assert self._journal is not None
        return self._journal

    def _append(self, record: Mapping[str, Any]) -> None:
        with self._mutex:
            self._opened().append(record)
            if self._courier:
                self._courier.wake()

    def _keep(self, source: Path, path: str) -> None:
        record = {"type": "artifact", "path": _artifact_path(path)}
        with self._mutex:
            journal = self._opened()
        self._append({**record, **journal.keep(source)})

    def _end(self, status: str, timeout: float) -> Delivery:
        journal, courier = self._opened(), self._courier
        assert courier is not None
        if not self._record["server"]:
            timeout = min(timeout, _IN_A_JOB)
        deadline = time.monotonic() + timeout
        online = self._destination.open_transport is not None
        if online and self._record["ends"]:
            self._ship_others(journal)
        if self._record["ends"]:
            journal.append({"type": "end", "status": status, "time": _now()})
        journal.sync()
        complete = online and courier.drain(max(0.0, deadline - time.monotonic()))
        courier.close()
        _open_runs.discard(self)
        refused = tuple(courier.refused)
        if complete and not refused:
            journal.remove()
            return Delivery(complete=True)
        left = 0 if complete else sum(1 for _ in read_entries(journal.folder, read_place(journal.folder)))
        journal.close()
        if not complete:
            why = f"{courier.fault} " if courier.fault else ""
            _log.warning(
                "%s%d records of the run %s are not on the server yet. They are kept in %s: %s them.",
                why,
                left,
                self.name or self.id,
                journal.folder,
                self._later(journal.folder),
            )
        return Delivery(complete=complete, left=left, refused=refused, folder=journal.folder)

    def _ship_others(self, journal: Journal) -> None:
        """Bring what forked processes of this run left when they ended."""
        assert self._destination.open_transport is not None
        try:
            ship_others(self._root, self.id, journal.folder, self._destination.open_transport)
        except AtelierError as fault:
            _log.warning(
                "%s What other processes of the run %s logged is kept in %s.", fault, self.id, self._root
            )

    def _leave(self) -> None:
        """End with the process, as far as it is this one's to end."""
        failed = getattr(sys, "last_value", None) is not None and self._record["ends"]
        if self._journal is not None:
            self.finish("FAILED" if failed else "FINISHED")

    def _forked(self) -> None:
        """Forget, in a child, what is the parent's: its locks, its files, its thread, and the run's end."""
        self._mutex = threading.RLock()
        if self._journal is not None:
            self._journal.abandon()
        self._journal = self._courier = None
        start = "new" if self._record["start"] == "new" else "none"
        self._record |= {"start": start, "ends": False, "process": os.getpid()}


_open_runs: weakref.WeakSet[ActiveRun] = weakref.WeakSet()


def _leave_all() -> None:
    for run in list(_open_runs):
        run._leave()


def _forked_all() -> None:
    for run in list(_open_runs):
        run._forked()


atexit.register(_leave_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked_all)


def open_run(
    destination: Destination,
    *,
    experiment: str | None = None,
    name: str | None = None,
    tags: Mapping[str, Any] | None = None,
    id: str | None = None,
    join: bool = False,
    parent: ActiveRun | str | None = None,
    durable: bool = False,
    journal_dir: str | Path | None = None,
) -> ActiveRun:
    """Start a run, or go on with one; see Workspace.start_run."""
    job = os.environ.get("ATELIER_JOB_NAME", "")
    texts = {_key("tag", key): _text(key, value, _LONGEST_TAG) for key, value in (tags or {}).items()}
    if parent is not None:
        texts["mlflow.parentRunId"] = parent.id if isinstance(parent, ActiveRun) else parent
    of_job = bool(job) and parent is None and id in (None, job)
    if join and not id:
        raise InvalidError("Which run is to be joined?", hint="Give its id.", field="id")
    record = {
        "format": 1,
        "id": (job if of_job else id) or uuid.uuid4().hex,
        "start": "none" if of_job or join else "resume" if id else "new",
        "ends": not of_job and not join,
        "server": "" if job else destination.server,  # inside a job it is the job's relay, which ends with it
        "workspace": destination.workspace,
        "experiment": experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME", ""),
        "name": _text("name", name or "", _LONGEST_TAG),
        "tags": texts,
        "started_at": _now(),
        "host": socket.gethostname(),
        "process": os.getpid(),
    }
    if "/" in record["id"] or "\\" in record["id"] or record["id"].startswith("."):
        raise InvalidError(f"{record['id']!r} is not the id of a run.")
    root = Path(journal_dir) if journal_dir else journal_root()
    run = ActiveRun(destination, record, durable=durable, root=root.absolute())
    if record["start"] != "new":
        changed = {**texts, **({"mlflow.runName": record["name"]} if name else {})}
        run.set_tags(changed)
    if destination.open_transport is None:
        title = run.name or run.id
        _log.warning("The run %s is offline. `atelier sync %s` brings it to the server.", title, run.folder)
    return run


def _now() -> int:
    return time.time_ns() // 1_000_000


@functools.lru_cache(maxsize=4096)  # the same few names come again and again
def _key(kind: str, key: Any) -> str:
    """Check a name by the server's rule, so that what it would refuse later is refused now."""
    if not isinstance(key, str) or not key:
        raise InvalidError(f"The name of a {kind} is text, not {key!r}.", field="key")
    if len(key) > _LONGEST_KEY:
        raise InvalidError(f"The name {key[:60]!r}... of a {kind} has more than {_LONGEST_KEY} characters.")
    if not all(c.isalnum() or c in "_/.- :" or unicodedata.category(c)[0] in "LNM" for c in key):
        raise InvalidError(f"The name {key!r} may have letters, digits and '_-. :/' only.", field="key")
    if posixpath.normpath(key) != key or key.startswith(("/", "../")) or key in (".", ".."):
        raise InvalidError(f"The name {key!r} reads like a path that leads elsewhere.", field="key")
    return key


def _text(key: str, value: Any, longest: int) -> str:
    text = str(value)
    if "\0" in text or (not text.isascii() and not _is_unicode(text)):
        raise InvalidError(f"The value of {key!r} contains a NUL or a half character.", field=key)
    return text[:longest]


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _number(key: str, value: Any) -> float | str:
    try:
        number = float(value)
    except (TypeError, ValueError) as fault:
        raise InvalidError(
            f"The metric {key!r} must be a number, not {str(value)[:80]!r}.", field=key
        ) from fault
    return number if math.isfinite(number) else word(number)


def _whole(name: str, value: Any) -> int:
    number = int(value)
    if number != value or not -(2**63) <= number < 2**63 or (name == "timestamp" and number < 0):
        raise InvalidError(f"The {name} must be a whole number, not {str(value)[:80]!r}.", field=name)
    return number


def _artifact_path(path: str) -> str:
    names = [part.partition(";")[0] if part else "." for part in path.split("/")]
    strange = any(c in path for c in "\\#\0\r\n:") or any(name and not name.strip(_DOTS) for name in names)
    if strange or len(path) > 1024:
        raise InvalidError(
            f"{path!r} is no place among a run's artifacts.",
            hint="Use a relative path with '/', without '..'.",
            field="path",
        )
    return path
