"""Packs a local folder or file as a tree of blobs and uploads what the server does not have.

The rules are those of Azure Machine Learning: the root `.amlignore`, else the
root `.gitignore`, says what stays behind; symbolic links are followed; a code
folder has at most 300 MB and 2,000 files.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pathspec

from ._errors import InvalidError, NotFoundError, SnapshotTooLargeError
from ._transport import Transport

__all__ = ["CODE_LIMITS", "NO_LIMITS", "Limits", "LocalFile", "scan", "upload"]

_CHUNK = 1 << 20
_ASK_AT_ONCE = 1000
_NEVER = frozenset({".git"})


@dataclasses.dataclass(frozen=True)
class Limits:
    """The most that one upload may hold: total size in bytes, and files."""

    size: int
    files: int


CODE_LIMITS = Limits(size=300_000_000, files=2_000)
NO_LIMITS = Limits(size=2**62, files=2**31)


@dataclasses.dataclass(frozen=True)
class LocalFile:
    """One file to upload: where it is, and its slash path inside the tree. Size is in bytes."""

    source: Path
    path: str
    size: int
    executable: bool


def scan(root: Path, *, limits: Limits, ignore: bool) -> list[LocalFile]:
    """List the files under root (or root itself, when it is a file), sorted by path.

    Args:
        root: A folder or a file.
        limits: What is refused as too much.
        ignore: Whether the folder's `.amlignore` or `.gitignore` counts.

    Raises:
        NotFoundError: There is nothing at root.
        InvalidError: The folder has no file to upload.
        SnapshotTooLargeError: The folder is over a limit; the message has the numbers and the largest files.
    """
    if root.is_file():
        return [_local_file(root, root.name)]
    if not root.is_dir():
        raise NotFoundError(f"There is no file or folder {root}.")
    files = sorted(_walk(root, _ignored(root) if ignore else None), key=lambda file: file.path)
    if not files:
        raise InvalidError(f"The folder {root} has no file to upload.", hint="Are all of its files ignored?")
    _check_limits(root, files, limits)
    return files


def _ignored(root: Path) -> pathspec.GitIgnoreSpec | None:
    for name in (".amlignore", ".gitignore"):
        if (root / name).is_file():
            return pathspec.GitIgnoreSpec.from_lines((root / name).read_text(encoding="utf-8").splitlines())
    return None


def _walk(root: Path, ignored: pathspec.GitIgnoreSpec | None) -> Iterator[LocalFile]:
    seen: set[str] = set()  # real folders on the way, so that a circle of links ends
    for folder, subfolders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            subfolders.clear()
            continue
        seen.add(real)
        inside = Path(folder).relative_to(root)
        subfolders[:] = sorted(
            name
            for name in subfolders
            if name not in _NEVER and not _matches(ignored, (inside / name).as_posix() + "/")
        )
        for name in names:
            path = (inside / name).as_posix()
            source = Path(folder) / name
            if source.is_file() and not _matches(ignored, path):
                yield _local_file(source, path)


def _matches(ignored: pathspec.GitIgnoreSpec | None, path: str) -> bool:
    return ignored is not None and ignored.match_file(path)


def _local_file(source: Path, path: str) -> LocalFile:
    status = source.stat()
    return LocalFile(
        source=source,
        path=path,
        size=status.st_size,
        executable=os.name != "nt" and bool(status.st_mode & 0o100),
    )


def _check_limits(root: Path, files: list[LocalFile], limits: Limits) -> None:
    size = sum(file.size for file in files)
    if size <= limits.size and len(files) <= limits.files:
        return
    largest = sorted(files, key=lambda file: -file.size)[:5]
    listing = ", ".join(f"{file.path} ({file.size / 1e6:.1f} MB)" for file in largest)
    raise SnapshotTooLargeError(
        f"The folder {root} has {size / 1e6:.1f} MB in {len(files):,} files; "
        f"the limit is {limits.size / 1e6:.0f} MB and {limits.files:,} files. The largest are {listing}.",
        hint="Name what is not code in an .amlignore file in that folder.",
    )


def upload(transport: Transport, files: Iterable[LocalFile]) -> str:
    """Upload the blobs that the server misses, then the tree, and return the tree's id."""
    hashed = [(file, _hash(file.source)) for file in files]
    sources = {digest: file for file, digest in hashed}
    digests = sorted(sources)
    for start in range(0, len(digests), _ASK_AT_ONCE):
        batch = digests[start : start + _ASK_AT_ONCE]
        for digest in transport.post("blobs/missing", {"sha256": batch}).get("missing") or []:
            file = sources[digest]
            transport.put_stream(f"blobs/{digest}", lambda source=file.source: _chunks(source), file.size)
    entries = [
        {
            "path": file.path,
            "sha256": digest,
            "size": file.size,
            **({"executable": True} if file.executable else {}),
        }
        for file, digest in hashed
    ]
    return str(transport.post("trees", {"files": entries})["id"])


def _chunks(source: Path) -> Iterator[bytes]:
    with source.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def _hash(source: Path) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(source):
        digest.update(chunk)
    return digest.hexdigest()
