"""Frames between the router and a worker.

A frame is two big-endian 32-bit lengths, a JSON header of the first length and
a body of the second. A connection carries one request after another. An answer
whose header says "stream" is followed by more frames, each with a part of the
body, until one whose header says "end". The other end of this contract is
internal/endpoint/frame.go.
"""

import json
import select
import struct

_LENGTHS = struct.Struct("!II")
_MAX_HEADER = 1 << 20
_CHUNK = 1 << 16
#: Only Linux tells that the other side sends no more while there is something to read.
_LEFT = getattr(select, "POLLRDHUP", 0)
#: Made once: json.dumps() makes one for every call that wants no spaces.
_dump = json.JSONEncoder(separators=(",", ":")).encode


class BrokenFrame(Exception):
    """The other side broke off, or sent something that is no frame."""


class Connection:
    """A socket that frames are read from and written to."""

    def __init__(self, socket):
        self.socket, self._ahead = socket, b""
        self._leaving = select.poll()
        self._leaving.register(socket, _LEFT)

    def left(self):
        """Return whether the other side has said that it waits for no answer."""
        return bool(self._leaving.poll(0))

    def fileno(self):
        return self.socket.fileno()

    def read(self, size):
        """Return that many bytes, or fewer where the other side has hung up."""
        if len(self._ahead) < size:
            self._fill(size)
        found, self._ahead = self._ahead[:size], self._ahead[size:]
        return found

    def _fill(self, size):
        """Read ahead, at least that many bytes where they come."""
        parts = [self._ahead] if self._ahead else []
        missing = size - len(self._ahead)
        while missing > 0:
            part = self.socket.recv(max(_CHUNK, min(missing, 1 << 22)))
            if not part:
                break
            parts.append(part)
            missing -= len(part)
        self._ahead = parts[0] if len(parts) == 1 else b"".join(parts)

    def send(self, answer):
        """Send an answer, as a whole or in its parts."""
        if answer.chunks is None:
            self.socket.sendall(encode(answer.meta, answer.body))
            return
        self.socket.sendall(encode(dict(answer.meta, stream=True), b""))
        try:
            for chunk in answer.chunks:
                if chunk:
                    self.socket.sendall(
                        encode({}, chunk.encode("utf-8") if isinstance(chunk, str) else chunk)
                    )
        finally:
            if hasattr(answer.chunks, "close"):
                answer.chunks.close()
        self.socket.sendall(encode({"end": True}, b""))

    def close(self):
        self.socket.close()


def read(stream):
    """Return (header, body), or None where the other side has hung up."""
    lengths = stream.read(_LENGTHS.size)
    if not lengths:
        return None
    if len(lengths) < _LENGTHS.size:
        raise BrokenFrame("the connection ended inside a frame")
    header_size, body_size = _LENGTHS.unpack(lengths)
    if header_size > _MAX_HEADER:
        raise BrokenFrame("a header of %d bytes" % header_size)
    header, body = stream.read(header_size), stream.read(body_size)
    if len(header) < header_size or len(body) < body_size:
        raise BrokenFrame("the connection ended inside a frame")
    return json.loads(str(header, "utf-8")), body


def encode(header, body):
    """Return the bytes of a frame."""
    text = _dump(header).encode("utf-8")
    return b"".join((_LENGTHS.pack(len(text), len(body)), text, body))
