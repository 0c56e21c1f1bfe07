"""What a batch job has done, on disk: one entry for each mini batch, with its rows.

An entry is three big-endian 32-bit numbers (the length of a JSON header, the length
of the rows, and the CRC-32 of both), the header and the rows. It is on disk before
the mini batch counts as done. A driver that dies may leave a torn entry at the end,
which the next one cuts off. The first entry says what is scored; the journal of
something else is thrown away.
"""

import json
import os
import struct
import zlib

_NUMBERS = struct.Struct("!III")
#: No mini batch may have more bytes of rows: the length has to fit.
MAX_ROWS = (1 << 32) - 1
_SUMS = ("files_done", "files_failed", "mini_batches_done", "mini_batches_failed", "rows")


class Journal:
    """The mini batches that are done."""

    def __init__(self, path, identity):
        #: Where the rows of each mini batch that is done are, and how many bytes.
        self.done = {}
        #: The sums of all that is done.
        self.tally = dict.fromkeys(_SUMS, 0)
        #: Why files failed most recently.
        self.reason = None
        self._file, self._end = open(path, "a+b"), 0  # noqa: SIM115 - open for the whole job
        self._file.seek(0)
        first = self._next()
        if first is None or first[0].get("identity") != identity:
            self._end = 0
            self._file.truncate(0)
            self._append({"identity": identity}, b"")
            return
        entry = self._next()
        while entry is not None:
            self._note(*entry)
            entry = self._next()
        self._file.truncate(self._end)

    def _next(self):
        """Return the next entry's header, and the place and size of its rows; None at the end."""
        numbers = self._file.read(_NUMBERS.size)
        if len(numbers) < _NUMBERS.size:
            return None
        header_size, size, check = _NUMBERS.unpack(numbers)
        header, place = self._file.read(header_size), self._file.tell()
        rows = self._file.read(size)
        if len(header) < header_size or len(rows) < size or zlib.crc32(rows, zlib.crc32(header)) != check:
            return None
        self._end = self._file.tell()
        return json.loads(header), place, size

    def _append(self, header, rows):
        text = json.dumps(header).encode("utf-8")
        numbers = _NUMBERS.pack(len(text), len(rows), zlib.crc32(rows, zlib.crc32(text)))
        try:
            self._file.write(numbers + text + rows)
            self._file.flush()
            os.fsync(self._file.fileno())
        except BaseException:
            self._file.truncate(self._end)  # half an entry would hide those after it
            raise
        place = self._end + _NUMBERS.size + len(text)
        self._end = place + len(rows)
        return place

    def add(self, at, entry, rows):
        """Note that a mini batch is done."""
        header = dict(entry, batch=at)
        self._note(header, self._append(header, rows), len(rows))

    def _note(self, header, place, size):
        self.done[header["batch"]] = (place, size)
        sums = (header["files"], header["failed"], 1, "error" in header, header["rows"])
        for name, number in zip(_SUMS, sums):
            self.tally[name] += number
        if header["failed"]:
            self.reason = header.get("error") or "run() returned fewer rows than it was given files"

    def copy_rows(self, at, target):
        """Copy a mini batch's rows to a file."""
        place, size = self.done[at]
        self._file.seek(place)
        while size > 0:
            piece = self._file.read(min(size, 1 << 20))
            if not piece:
                raise OSError("the journal is shorter than it was")
            target.write(piece)
            size -= len(piece)
