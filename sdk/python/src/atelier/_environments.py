"""Environments: what jobs and deployments run in."""

from __future__ import annotations

import dataclasses

from ._transport import Transport
from ._values import Value

__all__ = ["Environment", "Environments"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Environment(Value):
    """A set of packages. Two with the same hash are one folder on disk."""

    name: str = ""
    version: str = ""
    description: str = ""
    image: str = ""
    conda_file: str = ""
    python_version: str = ""
    requirements: list[str] = dataclasses.field(default_factory=list)
    hash: str = ""
    curated: bool = False


class Environments:
    """`ws.environments`: the curated environments, and those that jobs have used."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> list[Environment]:
        """List the environments."""
        return [Environment.from_json(item) for item in self._transport.pages("environments")]
