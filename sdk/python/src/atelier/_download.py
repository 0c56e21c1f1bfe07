"""Writes what the server sends into a folder of the user's, and nowhere else.

The names come from a server, and perhaps from a stranger who logged them, so
they are checked here: a path that would leave the folder is refused before a
byte is written. Files are written beside their place and moved there whole.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from ._errors import InternalError, NotFoundError
from ._transport import Transport

__all__ = ["fetch_artifacts", "fetch_tree", "place_inside"]


def place_inside(target: Path, path: str) -> Path:
    """Return where path (as the server names it) lies under target.

    Raises:
        InternalError: The path would leave the folder.
    """
    pure = PurePosixPath(path)
    suspicious = "\\" in path or "\0" in path or (os.name == "nt" and ":" in path)
    if suspicious or pure.is_absolute() or ".." in pure.parts or not pure.parts:
        raise InternalError(
            f"The server named a file {path!r}, which would lie outside {target}.",
            hint="Nothing was written for it.",
        )
    place = target.joinpath(*pure.parts)
    root = target.resolve()
    if root not in place.parent.resolve().joinpath(place.name).parents:
        raise InternalError(
            f"A link inside {target} would put the server's file {path!r} elsewhere.",
            hint="Download into an empty folder.",
        )
    return place


def fetch_tree(transport: Transport, tree: str, target: Path) -> list[Path]:
    """Download every file of a tree and check each against its hash."""
    files = transport.get(f"trees/{tree}").get("files") or []
    places = [(place_inside(target, str(file["path"])), file) for file in files]
    target.mkdir(parents=True, exist_ok=True)
    for place, file in places:
        with transport.download(f"blobs/{file['sha256']}") as chunks:
            _write(place, chunks, sha256=str(file["sha256"]))
        if file.get("executable") and os.name != "nt":
            place.chmod(place.stat().st_mode | 0o111)
    return [place for place, _ in places]


def fetch_artifacts(
    transport: Transport, run: str, target: Path, *, path: str = "", base: str = ""
) -> list[Path]:
    """Download a run's artifacts under path (all of them when it is empty), less the base of their paths."""
    run = quote(run, safe="")
    found = list(_walk(transport, run, path))
    if not found:
        raise NotFoundError(f"The run {run} has no artifacts there.")
    left_out = f"{base}/" if base else ""
    places = [(artifact, place_inside(target, artifact.removeprefix(left_out))) for artifact in found]
    target.mkdir(parents=True, exist_ok=True)
    for artifact, place in places:
        with transport.download(f"runs/{run}/artifacts/content", path=artifact) as chunks:
            _write(place, chunks)
    return [place for _, place in places]


def _walk(transport: Transport, run: str, path: str, depth: int = 0) -> Iterator[str]:
    if depth > 64:
        raise InternalError(f"The server's folders under {path!r} never end.")
    items = transport.get(f"runs/{run}/artifacts", path=path or None).get("items") or []
    for item in items:
        inside = str(item["path"])
        if item.get("is_dir"):
            yield from _walk(transport, run, inside, depth + 1)
        else:
            yield inside


def _write(place: Path, chunks: Iterator[bytes], *, sha256: str = "") -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=".atelier-")
    try:
        with os.fdopen(handle, "wb") as out:
            for chunk in chunks:
                digest.update(chunk)
                out.write(chunk)
        if sha256 and digest.hexdigest() != sha256:
            raise InternalError(f"What arrived for {place.name} is not what was stored.", hint="Try again.")
        os.chmod(temporary, 0o644)
        os.replace(temporary, place)
    except BaseException:
        os.unlink(temporary)
        raise
