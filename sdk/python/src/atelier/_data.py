"""Data assets and datastores: register, list, look inside and download."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ._download import fetch_tree
from ._errors import InvalidError, PreconditionError, WaitTimeoutError
from ._spec import Source, data_body, read_source
from ._transport import Transport
from ._values import Value

__all__ = ["Data", "DataAsset", "DataVersion", "Datastore", "Datastores"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataAsset(Value):
    """A name under which versions of data are kept."""

    name: str
    latest_version: str = ""
    next_version: str = ""
    type: str = ""
    description: str = ""
    archived: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataVersion(Value):
    """One version of a data asset, which never changes. Size is in bytes."""

    name: str
    version: str
    type: str = "uri_folder"
    path: str = ""
    tree: str = ""
    reference: dict[str, Any] = dataclasses.field(default_factory=dict)
    size: int = 0
    files: int = 0
    description: str = ""
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    properties: dict[str, str] = dataclasses.field(default_factory=dict)
    archived: bool = False
    run_id: str = ""
    created_by: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Datastore(Value):
    """A named place where data lies. Its credentials are never shown."""

    name: str
    type: str
    description: str = ""
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    is_default: bool = False
    credentials: dict[str, Any] = dataclasses.field(default_factory=dict)
    created_by: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Data:
    """`ws.data`: the data assets of a workspace."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        source: str | Path | Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        path: str | Path | None = None,
        type: str | None = None,
        version: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        freeze: bool = False,
    ) -> DataVersion:
        """Register a version of a data asset.

        Args:
            source: A data YAML file or a mapping of the same shape; the keywords win over it.
            name: The asset's name.
            path: A local file or folder, `azureml://jobs/JOB/outputs/OUTPUT`, `runs:/RUN/PATH`, or
                `azureml://datastores/DATASTORE/paths/PATH`.
            type: uri_file, uri_folder or mltable; what lies at a local path unless told.
            version: The next number unless told.
            description: For people.
            tags: For searching.
            freeze: Store what lies in a datastore, so that it cannot change.

        Raises:
            ConflictError: That version is taken.
            NotFoundError: There is nothing at path.
        """
        given = read_source(source) if source is not None else Source({}, Path.cwd())
        if path is not None and not isinstance(path, str):
            path = str(path.absolute())
        keywords = {
            "name": name,
            "path": path,
            "type": type,
            "version": version,
            "description": description,
            "tags": tags,
            "freeze": freeze or None,
        }
        given.body.update({key: value for key, value in keywords.items() if value is not None})
        return DataVersion.from_json(self._transport.post("data", data_body(self._transport, given)))

    def list(self, *, name: str | None = None, archived: bool = False) -> list[DataAsset] | list[DataVersion]:
        """List the data assets, or, with a name, the versions of that one, newest first."""
        also = "true" if archived else None
        if name is None:
            return [DataAsset.from_json(item) for item in self._transport.pages("data", archived=also)]
        pages = self._transport.pages(f"data/{quote(name, safe='')}/versions", archived=also)
        return [DataVersion.from_json(item) for item in pages]

    def get(self, name: str, *, version: str = "latest") -> DataVersion:
        """Return a version, the latest unless told. Raises NotFoundError when there is none."""
        return DataVersion.from_json(self._transport.get(_path(name, version)))

    def download(
        self, name: str, *, version: str = "latest", download_path: str | Path | None = None
    ) -> list[Path]:
        """Download a version's files and return their places; each is checked against its hash.

        Raises:
            PreconditionError: The version only refers to a datastore; freeze it first.
        """
        found = self.get(name, version=version)
        if not found.tree:
            raise PreconditionError(
                f"{name}:{found.version} lies elsewhere and is not stored here.",
                hint="Register it with freeze=True, or use `atelier data download`.",
            )
        return fetch_tree(self._transport, found.tree, Path(download_path or name))

    def archive(self, name: str, *, version: str | None = None) -> None:
        """Hide a version, or the whole asset. It is kept, and can still be named."""
        self._archive(name, version, True)

    def restore(self, name: str, *, version: str | None = None) -> None:
        """Take a version, or the whole asset, out of the archive."""
        self._archive(name, version, False)

    def _archive(self, name: str, version: str | None, archived: bool) -> None:
        path = f"data/{quote(name, safe='')}" if version is None else _path(name, version)
        self._transport.patch(path, {"archived": archived})

    def preview(
        self, name: str, *, version: str = "latest", path: str = "", rows: int = 50
    ) -> dict[str, Any]:
        """Return the first rows of a table: `columns`, and `rows` of text or None."""
        answer: dict[str, Any] = self._transport.get(
            f"{_path(name, version)}/preview", path=path or None, rows=rows
        )
        return answer

    def profile(self, name: str, *, version: str = "latest", timeout: float = 600.0) -> dict[str, Any]:
        """Return what is known of every column; it is found out when it is asked for first.

        Raises:
            InvalidError: The tables are broken, or there are none.
            WaitTimeoutError: It takes longer than timeout seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            state = self._transport.get(f"{_path(name, version)}/profile")
            if state["status"] == "Ready":
                profile: dict[str, Any] = state["profile"]
                return profile
            if state["status"] == "Failed":
                raise InvalidError(state["error"])
            if time.monotonic() > deadline:
                raise WaitTimeoutError(f"The profile of {name}:{version} is not there yet.")
            time.sleep(0.2)

    def used_by(self, name: str, *, version: str = "latest") -> list[dict[str, Any]]:
        """Return which runs read or made a version, the latest first."""
        return list(self._transport.pages(f"{_path(name, version)}/uses"))


class Datastores:
    """`ws.datastores`: the places where data of a workspace lies."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, source: str | Path | Mapping[str, Any]) -> Datastore:
        """Make a datastore from a YAML file or a mapping of the same shape.

        Raises:
            PreconditionError: The service refuses the credentials.
        """
        return Datastore.from_json(self._transport.post("datastores", read_source(source).body))

    def list(self) -> list[Datastore]:
        """List the datastores."""
        return [Datastore.from_json(item) for item in self._transport.pages("datastores")]

    def get(self, name: str) -> Datastore:
        """Return a datastore, without its credentials."""
        return Datastore.from_json(self._transport.get(f"datastores/{quote(name, safe='')}"))

    def delete(self, name: str) -> None:
        """Forget a datastore; what lies there stays."""
        self._transport.delete(f"datastores/{quote(name, safe='')}")


def _path(name: str, version: str) -> str:
    return f"data/{quote(name, safe='')}/versions/{quote(version, safe='')}"
