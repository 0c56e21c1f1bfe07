"""Packs a local folder or file as a tree of blobs and uploads what the server does not have.

The rules are those of Azure Machine Learning: the root `.amlignore`, else the
root `.gitignore`, says what stays behind; links are followed, but not out of a code
folder; a code folder has at most 300 MB and 2,000 files. The command line does
the same in Go, and makes the same tree of the same folder.
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

__all__ = ["CODE_LIMITS", "Limits", "LocalFile", "scan_code", "scan_data", "upload"]

_CHUNK = 1 << 20
_ASK_AT_ONCE = 1000
# Folders that no job needs and that would change with every run.
_NEVER = frozenset({".git", "__pycache__", ".atelier", "atelier-data"})


@dataclasses.dataclass(frozen=True)
class Limits:
    """The most that one upload may hold: total size in bytes, and files."""

    size: int
    files: int


CODE_LIMITS = Limits(size=300_000_000, files=2_000)


@dataclasses.dataclass(frozen=True)
class LocalFile:
    """One file to upload: where it is, and its slash path inside the tree. Size is in bytes."""

    source: Path
    path: str
    size: int
    executable: bool


def scan_code(folder: Path, *, limits: Limits = CODE_LIMITS) -> list[LocalFile]:
    """List the files of a code folder that its `.amlignore` or `.gitignore` lets through, sorted by path.

    Raises:
        NotFoundError: There is nothing there.
        InvalidError: The folder has no file to upload, or a link leads outside it.
        SnapshotTooLargeError: The folder is over a limit; the message says by how much.
    """
    files = _Walk(folder, ignored=_read_ignored(folder), confined=True).files()
    size = sum(file.size for file in files)
    if size > limits.size or len(files) > limits.files:
        raise _too_large(folder, files, size, limits)
    return files


def scan_data(path: Path) -> list[LocalFile]:
    """List a data file, or all files of a folder of data or of a model, sorted by path.

    Raises:
        NotFoundError: There is nothing there.
        InvalidError: The folder has no file.
    """
    return _Walk(path, ignored=None, confined=False).files()


def _read_ignored(folder: Path) -> pathspec.PathSpec | None:
    for name in (".amlignore", ".gitignore"):
        if (folder / name).is_file():
            lines = (folder / name).read_text(encoding="utf-8-sig").splitlines()
            return pathspec.PathSpec.from_lines("gitignore", lines)
    return None


class _Walk:
    """One walk through a folder. The last rule that matches a file, or a folder it lies in, decides."""

    def __init__(self, root: Path, *, ignored: pathspec.PathSpec | None, confined: bool) -> None:
        self._root = root
        self._ignored = ignored
        self._confined = confined
        self._brings_back = ignored is not None and any(rule.include is False for rule in ignored.patterns)

    def files(self) -> list[LocalFile]:
        if self._root.is_file():
            return [_local_file(self._root, self._root.resolve().name)]
        if not self._root.is_dir():
            raise NotFoundError(f"There is no file or folder {self._root}.")
        found = sorted(self._folder(self._root, "", (self._root.resolve(),)), key=lambda file: file.path)
        if not found:
            raise InvalidError(
                f"The folder {self._root} has no files.",
                hint="Check the path, and the .amlignore or .gitignore in it.",
            )
        return found

    def _folder(self, folder: Path, prefix: str, above: tuple[Path, ...]) -> Iterator[LocalFile]:
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            path, place = prefix + entry.name, Path(entry.path)
            if self._skips(path, place.is_dir()):
                continue
            if entry.is_symlink():
                self._check_link(path, place, above)
            if place.is_dir():
                yield from self._folder(place, path + "/", (*above, place.resolve()))
            elif place.is_file() and not self._matches(path):
                yield _local_file(place, path)

    def _skips(self, path: str, is_folder: bool) -> bool:
        """Say whether the walk leaves something out altogether; some rule may bring back what lies in it."""
        if self._confined and is_folder and path.rpartition("/")[2] in _NEVER:
            return True
        if is_folder:
            return not self._brings_back and self._matches(path + "/")
        return self._matches(path)

    def _matches(self, path: str) -> bool:
        return self._ignored is not None and self._ignored.match_file(path)

    def _check_link(self, path: str, place: Path, above: tuple[Path, ...]) -> None:
        target = place.resolve()
        if not target.exists():
            raise InvalidError(f"The link {path} leads nowhere.", hint="Remove it, or name it in .amlignore.")
        if target in above:
            raise InvalidError(
                f"The link {path} leads back to a folder that it lies in.",
                hint="Remove the link, or name it in .amlignore.",
            )
        # A repository from somebody else could otherwise upload its reader's keys.
        if self._confined and above[0] not in target.parents:
            raise InvalidError(
                f"The link {path} leads outside the folder {self._root}.",
                hint="Copy what it points to into the folder, or name the link in .amlignore.",
            )


def _local_file(source: Path, path: str) -> LocalFile:
    status = source.stat()
    executable = os.name != "nt" and bool(status.st_mode & 0o111)
    return LocalFile(source=source, path=path, size=status.st_size, executable=executable)


def _too_large(folder: Path, files: list[LocalFile], size: int, limits: Limits) -> SnapshotTooLargeError:
    entries: dict[str, list[int]] = {}
    for file in files:
        first, inside, _ = file.path.partition("/")
        entry = entries.setdefault(first + inside, [0, 0])
        entry[0] += file.size
        entry[1] += 1
    by_count = size <= limits.size
    order = sorted(entries.items(), key=lambda item: item[1][1] if by_count else item[1][0], reverse=True)
    largest = ", ".join(
        f"{name} ({sizes[0] / 1e6:.1f} MB" + (f", {sizes[1]} files)" if name.endswith("/") else ")")
        for name, sizes in order[:5]
    )
    return SnapshotTooLargeError(
        f"The folder {folder} is too large for code: {size / 1e6:.1f} MB in {len(files)} files, "
        f"and the limit is {limits.size / 1e6:.1f} MB and {limits.files} files. "
        f"The largest entries are {largest}.",
        hint="Name what the job does not need in .amlignore, or make it an input.",
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
