"""The journal of a run: what was logged, on disk before it is anywhere else.

`docs/reference/journal.md` is the format; `atelier sync` reads the same files. A journal is a folder with one
writer. It is written here, record by record, and read by whoever ships it, here or there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import shutil
import struct
import threading
import uuid
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ._errors import ExhaustedError, InvalidError

try:
    import fcntl
except ImportError:  # Windows, where the lock is one of its own kind
    fcntl = None  # type: ignore[assignment]
    import msvcrt

__all__ = ["Entry", "Journal", "Lock", "Place", "journal_root", "read_entries", "segments"]

MAGIC = b"ATLRUN1\n"
LARGEST = 16 << 20  # bytes that a record's content may have
SEGMENT = 8 << 20  # bytes after which a new segment begins
_BEGINNING = b'{"type":"'  # of every record's content
_HEAD = struct.Struct(">II")
_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_SEGMENT_NAME = re.compile(r"\d{6,}\.journal")


def journal_root() -> Path:
    """Return the folder of all journals: ATELIER_JOURNAL_DIR, else .atelier/runs in the current folder."""
    chosen = os.environ.get("ATELIER_JOURNAL_DIR")
    return Path(chosen) if chosen else Path.cwd() / ".atelier" / "runs"


@dataclasses.dataclass(frozen=True, order=True)
class Place:
    """A place in a journal: the number of a segment and an offset (bytes) in it."""

    segment: int = 1
    offset: int = 0


@dataclasses.dataclass(frozen=True)
class Entry:
    """A record, where it begins, and where the next one does."""

    record: dict[str, Any]
    begin: Place
    end: Place


class Lock:
    """The lock of a journal, held by its writer or by who ships it, until it is closed or the process ends.

    It is a POSIX record lock, as `atelier sync` takes it: a child of this process does not inherit it.
    """

    def __init__(self, folder: Path) -> None:
        self._handle = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            if fcntl is None:
                msvcrt.locking(self._handle, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.lockf(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._handle)
            raise

    def close(self) -> None:
        """Release the lock."""
        os.close(self._handle)


class Journal:
    """The writer of a journal. Its methods may be called by several threads.

    A record is with the operating system when `append` returns, so that the end of this process
    cannot harm it. It is on the disk, safe from the loss of power, after the next `sync`; with
    `durable` that is at once.
    """

    def __init__(self, root: Path, run: Mapping[str, Any], *, durable: bool = False) -> None:
        self.folder = _make_folder(root, str(run["id"]))
        self.durable = durable
        self._run = dict(run)
        self._mutex = threading.Lock()
        self._lock = Lock(self.folder)
        self._segment = 0
        self._handle = -1
        self._dirty = False
        self._copies = 0
        try:
            self._begin_segment()
            self.sync()
            _sync_folder(self.folder.parent)
        except BaseException:
            self.remove()
            raise

    def append(self, record: Mapping[str, Any]) -> None:
        """Write a record.

        Raises:
            ExhaustedError: It could not be written, for want of space above all; nothing of it is kept.
        """
        frame = _frame(record)
        with self._mutex:
            if self._handle < 0:
                raise InvalidError(f"The journal {self.folder} is closed.")
            start = os.lseek(self._handle, 0, os.SEEK_END)
            if start + len(frame) > SEGMENT:
                self._begin_segment()
                start = os.lseek(self._handle, 0, os.SEEK_END)
            self._write(frame, start)
            self._dirty = True
        if self.durable:
            self.sync()

    def keep(self, source: Path) -> dict[str, Any]:
        """Copy a file into the journal's folder and return what a record says of it."""
        with self._mutex:
            self._copies += 1
            name = f"{self._copies:06d}"
        place = self.folder / "files" / name
        digest, size = hashlib.sha256(), 0
        try:
            original = source.open("rb")
        except OSError as fault:
            raise InvalidError(f"{source} cannot be read: {fault.strerror}.") from fault
        try:
            place.parent.mkdir(mode=0o700, exist_ok=True)
            with original, place.open("xb") as copy:
                while block := original.read(1 << 20):
                    digest.update(block)
                    size += len(block)
                    copy.write(block)
                copy.flush()
                os.fsync(copy.fileno())
        except OSError as fault:
            place.unlink(missing_ok=True)
            raise _unwritable(self.folder, fault) from fault
        return {"file": name, "sha256": digest.hexdigest(), "size": size}

    def sync(self) -> None:
        """Return when all that was written is on the disk."""
        with self._mutex:
            if self._dirty and self._handle >= 0:
                try:
                    os.fsync(self._handle)
                except OSError as fault:
                    raise _unwritable(self.folder, fault) from fault
                self._dirty = False

    def close(self) -> None:
        """Give the files and the lock back."""
        with self._mutex:
            if self._handle >= 0:
                os.close(self._handle)
                self._lock.close()
            self._handle = -1

    def remove(self) -> None:
        """Close the journal and delete its folder, of which nothing is needed any more."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.close()

    def abandon(self) -> None:
        """Let go of the files in a child of the process that writes them."""
        self._mutex = threading.Lock()  # a thread of the parent may have held it
        self.close()

    def _begin_segment(self) -> None:
        path = self.folder / segment_name(self._segment + 1)
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        except OSError as fault:
            raise _unwritable(self.folder, fault) from fault
        before, self._handle = self._handle, handle
        try:
            self._write(MAGIC + _frame({"type": "run", **self._run}), 0)
        except BaseException:
            self._handle = before
            os.close(handle)
            path.unlink()
            raise
        self._segment += 1
        self._dirty = True
        try:
            if before >= 0:
                os.fsync(before)
                os.close(before)
            _sync_folder(self.folder)
        except OSError as fault:
            raise _unwritable(self.folder, fault) from fault

    def _write(self, frame: bytes, start: int) -> None:
        """Append the frame whole, from the offset start on, or not at all."""
        view = memoryview(frame)
        try:
            while view:
                view = view[os.write(self._handle, view) :]
        except OSError as fault:
            os.ftruncate(self._handle, start)
            raise _unwritable(self.folder, fault) from fault


def _frame(record: Mapping[str, Any]) -> bytes:
    content = _encoder.encode(record).encode()
    if len(content) > LARGEST:
        raise InvalidError(f"What was logged at once has {len(content)} bytes; {LARGEST} is the limit.")
    length = len(content).to_bytes(4, "big")
    return _HEAD.pack(len(content), zlib.crc32(content, zlib.crc32(length))) + content


def _make_folder(root: Path, run: str) -> Path:
    try:
        fresh = not root.exists()
        root.mkdir(parents=True, exist_ok=True)
        if fresh and root.parent.name == ".atelier":
            (root.parent / ".gitignore").write_text("*\n", encoding="utf-8")
        for name in (run, f"{run}-{uuid.uuid4().hex[:8]}"):
            with contextlib.suppress(FileExistsError):
                (root / name).mkdir(mode=0o700)
                return root / name
    except OSError as fault:
        raise _unwritable(root, fault) from fault
    raise InvalidError(f"{root / run} cannot be made.")


def _unwritable(place: Path, fault: OSError) -> ExhaustedError:
    return ExhaustedError(
        f"The journal in {place} cannot be written: {fault.strerror}. What this call logs is not kept.",
        hint="Make room, or name another folder in ATELIER_JOURNAL_DIR.",
    )


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def segment_name(number: int) -> str:
    """Return the name of a segment's file."""
    return f"{number:06d}.journal"


def segments(folder: Path) -> list[int]:
    """Return the numbers of the segments that are there, in order."""
    names = (path.name for path in folder.iterdir())
    return sorted(int(name.partition(".")[0]) for name in names if _SEGMENT_NAME.fullmatch(name))


def read_entries(folder: Path, start: Place) -> Iterator[Entry]:
    """Yield the whole records from start on, up to a torn end, or to where the writer is at this moment.

    Damaged bytes are stepped over: what is whole behind them is yielded. `atelier sync` says where they are.
    """
    for number in segments(folder):
        if number < start.segment:
            continue
        base = max(start.offset if number == start.segment else 0, len(MAGIC))
        with contextlib.suppress(FileNotFoundError), (folder / segment_name(number)).open("rb") as file:
            file.seek(base)
            yield from _entries_of(file.read(), Place(number, base))


def _entries_of(data: bytes, base: Place) -> Iterator[Entry]:
    offset = 0
    while offset < len(data):
        content = _content_at(data, offset)
        if content is None:
            offset += 1
            continue
        begin, offset = offset, offset + _HEAD.size + len(content)
        yield Entry(
            json.loads(content),
            Place(base.segment, base.offset + begin),
            Place(base.segment, base.offset + offset),
        )


def _content_at(data: bytes, offset: int) -> bytes | None:
    """Return the content of the record that begins at offset, if one does."""
    begin = offset + _HEAD.size
    if not data.startswith(_BEGINNING, begin):
        return None
    length, checksum = _HEAD.unpack_from(data, offset)
    if length > LARGEST or begin + length > len(data):
        return None
    content = data[begin : begin + length]
    return content if zlib.crc32(content, zlib.crc32(data[offset : offset + 4])) == checksum else None
