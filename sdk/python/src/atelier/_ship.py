"""Ships a journal to the server: every record once, in order, through restarts of either side.

What was sent is noted in the journal's folder after the server has acknowledged it. Between the two
a process may be killed, so a record may be sent twice; the server stores it once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ._errors import AtelierError, InvalidError, NotFoundError, NotOfferedError, PreconditionError
from ._journal import Entry, Lock, Place, read_entries, segment_name, segments
from ._transport import Transport

__all__ = ["Shipper", "ship_others"]

_MOST = {"metrics": 1000, "params": 100, "tags": 100}
_MOST_AT_ONCE = 1000


@dataclasses.dataclass(frozen=True)
class _Item:
    """One point, param or tag, as log-batch takes it, and the record that it came with."""

    kind: str
    value: Mapping[str, Any]
    origin: Place


class _Batch:
    """What goes out with the next log-batch."""

    def __init__(self) -> None:
        self.items: list[_Item] = []
        self._counts = dict.fromkeys(_MOST, 0)
        self._tags: set[str] = set()

    def takes(self, item: _Item) -> bool:
        """Whether there is room for the item, and a tag's values stay in order."""
        again = item.kind == "tags" and item.value["key"] in self._tags
        return not again and self._counts[item.kind] < _MOST[item.kind] and len(self.items) < _MOST_AT_ONCE

    def add(self, item: _Item) -> None:
        self.items.append(item)
        self._counts[item.kind] += 1
        if item.kind == "tags":
            self._tags.add(item.value["key"])


class Shipper:
    """Ships one journal, whose lock the caller holds."""

    def __init__(self, folder: Path, transport: Transport, refused: Callable[[str], None]) -> None:
        """Go on where an earlier shipper of the journal stopped.

        Args:
            folder: The journal.
            transport: The way to the server.
            refused: Is told, in a sentence, of everything that the server will never take.
        """
        self._folder = folder
        self._transport = transport
        self._refused = refused
        self._place = read_place(folder)
        self._run = ""
        self._batch = _Batch()

    def ship(self) -> None:
        """Send what is in the journal at this moment.

        Raises:
            AtelierError: The server is away, or takes nothing of this run; the rest stays where it is.
        """
        self._batch = _Batch()
        self._run = self._run or _run_of(self._folder)
        done = self._place
        for entry in read_entries(self._folder, self._place):
            if entry.record["type"] in _MOST:
                for item in _items(entry):
                    if not self._batch.takes(item):
                        self._flush(done)
                    self._batch.add(item)
                done = entry.end
                continue
            self._flush(done)
            self._act(entry)
            done = entry.end
            self._advance(done)
            self._discard(entry.record)
        self._flush(done)

    def _flush(self, done: Place) -> None:
        if self._batch.items:
            self._send(self._batch.items)
            self._batch = _Batch()
        self._advance(done)

    def _send(self, items: list[_Item]) -> None:
        """Log items. When the server refuses them, those are found that it refuses, and the others stored."""
        body: dict[str, Any] = {"run_id": self._run, "metrics": [], "params": [], "tags": []}
        for item in items:
            body[item.kind].append(item.value)
        try:
            self._transport.mlflow("runs/log-batch", body)
        except InvalidError as fault:
            self._check_active()
            if len(items) == 1:
                self._refuse(items[0].origin, items[0].kind, items[0].value, fault)
                return
            middle = len(items) // 2
            self._send(items[:middle])
            self._send(items[middle:])

    def _check_active(self) -> None:
        """Tell a run that takes nothing from a value that is wrong."""
        run = self._transport.get(f"runs/{quote(self._run, safe='')}")
        if run.get("lifecycle_stage") != "active":
            raise PreconditionError(
                f"The run {self._run} was deleted on the server.",
                hint=f"Restore it: `atelier run restore {self._run}`.",
            )

    def _act(self, entry: Entry) -> None:
        record = entry.record
        act = {"run": self._start, "artifact": self._store, "end": self._end}.get(str(record["type"]))
        if act is None:
            raise NotOfferedError(
                f"The journal has a record of a type that this version does not know: {record['type']!r}.",
                hint="A newer one wrote it, and can ship it.",
            )
        if record["type"] == "run":
            act(record)
            return
        try:
            act(record)
        except InvalidError as fault:
            self._check_active()
            self._refuse(entry.begin, str(record["type"]), record, fault)

    def _start(self, record: Mapping[str, Any]) -> None:
        if record["start"] == "resume":
            self._transport.mlflow("runs/update", {"run_id": self._run, "status": "RUNNING"})
        elif record["start"] == "new":
            started = datetime.fromtimestamp(record["started_at"] / 1000, timezone.utc)
            body = {
                "experiment": record.get("experiment"),
                "name": record.get("name"),
                "tags": record.get("tags"),
                "started_at": started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            }
            present = {key: value for key, value in body.items() if value}
            self._transport.put(f"runs/{quote(self._run, safe='')}", present)

    def _store(self, record: Mapping[str, Any]) -> None:
        """Name content that the server has, or else send it first."""
        path = f"runs/{quote(self._run, safe='')}/artifacts"
        name = {"path": record["path"], "sha256": record["sha256"]}
        try:
            self._transport.put(path, name)
        except NotFoundError:
            copy = self._folder / "files" / _plain(record["file"])
            if not copy.is_file():
                raise InvalidError("Its content is no longer in the journal.") from None
            self._transport.put_stream(
                f"blobs/{record['sha256']}", lambda: _blocks(copy), int(record["size"])
            )
            self._transport.put(path, name)

    def _end(self, record: Mapping[str, Any]) -> None:
        body = {"run_id": self._run, "status": record["status"], "end_time": record["time"]}
        self._transport.mlflow("runs/update", body)

    def _refuse(self, origin: Place, kind: str, value: Mapping[str, Any], fault: AtelierError) -> None:
        line = {
            "segment": origin.segment,
            "offset": origin.offset,
            "type": kind,
            **value,
            "message": fault.message,
        }
        with (self._folder / "refused").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        what = f"{kind} {value.get('key') or value.get('path') or value.get('status')!r}"
        self._refused(f"The server refused what the run {self._run} logged ({what}): {fault.message}")

    def _advance(self, place: Place) -> None:
        """Note how much was acknowledged. An older note only means that something is sent twice."""
        if place == self._place:
            return
        self._place = place
        fresh = self._folder / "shipped.new"
        fresh.write_text(json.dumps(dataclasses.asdict(place)), encoding="utf-8")
        os.replace(fresh, self._folder / "shipped")
        for number in segments(self._folder):
            if number < place.segment:
                (self._folder / segment_name(number)).unlink(missing_ok=True)

    def _discard(self, record: Mapping[str, Any]) -> None:
        if record["type"] == "artifact":
            with contextlib.suppress(OSError):
                (self._folder / "files" / _plain(record["file"])).unlink(missing_ok=True)


def ship_others(root: Path, run: str, own: Path, open_transport: Callable[[], Transport]) -> None:
    """Ship the journals of the run in root whose writers are gone, except own."""
    for folder in sorted(root.glob(f"{run}*")):
        if folder == own or not segments(folder):
            continue
        try:
            lock = Lock(folder)
        except OSError:
            continue  # its writer is alive, and ships it
        refused: list[str] = []
        try:
            Shipper(folder, open_transport(), refused.append).ship()
            if not refused and not (folder / "refused").exists():
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            lock.close()


def read_place(folder: Path) -> Place:
    """Return up to where the journal was shipped."""
    try:
        noted = json.loads((folder / "shipped").read_text(encoding="utf-8"))
        return Place(int(noted["segment"]), int(noted["offset"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Place()  # then all is sent again, and stored once


def _run_of(folder: Path) -> str:
    for entry in read_entries(folder, Place()):
        if entry.record["type"] == "run":
            return str(entry.record["id"])
    raise InvalidError(f"The journal {folder} does not say of which run it is.")


def _items(entry: Entry) -> Iterator[_Item]:
    record = entry.record
    kind = str(record["type"])
    for key, value in record["values"].items():
        item: dict[str, Any] = {"key": key, "value": value}
        if kind == "metrics":
            item |= {"timestamp": record["time"], "step": record["step"]}
        yield _Item(kind, item, entry.begin)


def _plain(name: Any) -> str:
    if not str(name).isdigit():
        raise InvalidError(f"{name!r} is not the name of a copy.")
    return str(name)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block


def word(value: float) -> float | str:
    """Return a metric's value as JSON can say it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value
