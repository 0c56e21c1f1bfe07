"""Environments: what jobs and deployments run in."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ._spec import environment_body, read_source
from ._transport import Transport
from ._values import Value

__all__ = ["Build", "Environment", "Environments"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Environment(Value):
    """A set of packages. Two with the same hash are one folder on disk."""

    name: str = ""
    version: str = ""
    description: str = ""
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    image: str = ""
    conda_file: str = ""
    python_version: str = ""
    requirements: list[str] = dataclasses.field(default_factory=list)
    hash: str = ""
    curated: bool = False
    archived: bool = False
    created_by: str = ""
    created_at: datetime | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Build(Value):
    """How far the content of an environment is built.

    `state` is not_built, building, ready, failed or canceled.
    """

    hash: str
    state: str
    error: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    last_used_at: datetime | None = None
    in_use: bool = False
    size_bytes: int = 0
    python_version: str = ""
    packages: list[dict[str, str]] = dataclasses.field(default_factory=list)
    log_bytes: int = 0


class Environments:
    """`ws.environments`: the curated environments, and the workspace's own."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, source: str | Path | Mapping[str, Any]) -> Environment:
        """Register a version of an environment: a YAML file, or a mapping of the same shape.

        Raises:
            ConflictError: That version is taken.
            InvalidError: The packages cannot be read; the message names the line.
        """
        given = read_source(source)
        body = environment_body(given.body, given.folder)
        return Environment.from_json(self._transport.post("environments", body))

    def list(self, *, name: str | None = None, archived: bool = False) -> list[Environment]:
        """List the environments, or the versions of one; archived ones too where asked for."""
        pages = self._transport.pages("environments", name=name, archived="true" if archived else None)
        return [Environment.from_json(item) for item in pages]

    def get(self, name: str, *, version: str = "latest") -> Environment:
        """Return a version, the latest unless told. Raises NotFoundError when there is none."""
        return Environment.from_json(self._transport.get(_path(name, version)))

    def build(self, name: str, *, version: str = "latest", wait: bool = True) -> Build:
        """Build an environment before a job needs it; wait=False only begins."""
        found = Build.from_json(self._transport.post(f"{_path(name, version)}/build", {}))
        while wait and found.state == "building":
            time.sleep(0.25)
            found = self.build_state(name, version=version)
        return found

    def build_state(self, name: str, *, version: str = "latest") -> Build:
        """Tell how far an environment is built, whoever asked for it."""
        return Build.from_json(self._transport.get(f"{_path(name, version)}/build"))

    def build_log(self, name: str, *, version: str = "latest") -> str:
        """Return the log of an environment's last build."""
        log = b""
        while True:
            with self._transport.download(f"{_path(name, version)}/build/log", offset=len(log)) as chunks:
                part = b"".join(chunks)
            if not part:
                return log.decode(errors="replace")
            log += part

    def cancel_build(self, name: str, *, version: str = "latest") -> Build:
        """End the build of an environment that `build` began."""
        return Build.from_json(self._transport.post(f"{_path(name, version)}/build/cancel", {}))

    def archive(self, name: str, *, version: str | None = None) -> None:
        """Leave a version, or all of them, out of lists and of `@latest`; jobs that name one still run."""
        self._set_archived(name, version, True)

    def restore(self, name: str, *, version: str | None = None) -> None:
        """Undo `archive`."""
        self._set_archived(name, version, False)

    def _set_archived(self, name: str, version: str | None, archived: bool) -> None:
        path = f"environments/{quote(name, safe='')}" if version is None else _path(name, version)
        self._transport.patch(path, {"archived": archived})


def _path(name: str, version: str) -> str:
    return f"environments/{quote(name, safe='')}/versions/{quote(version, safe='')}"
