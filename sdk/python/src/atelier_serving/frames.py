"""Frames between the router and a worker.

A frame is two big-endian 32-bit lengths, a JSON header of the first length and
a body of the second. A connection carries one request after another. The other
end of this contract is internal/endpoint/frame.go.
"""

import json
import struct

_LENGTHS = struct.Struct("!II")
_MAX_HEADER = 1 << 20


class BrokenFrame(Exception):
    """The other side broke off, or sent something that is no frame."""


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
    return json.loads(header), body


def encode(header, body):
    """Return the bytes of a frame."""
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    return b"".join((_LENGTHS.pack(len(text), len(body)), text, body))
