"""Computes: named parts of the machine on which jobs run."""

from __future__ import annotations

import builtins
import dataclasses
from typing import Any
from urllib.parse import quote

from ._transport import Transport
from ._values import Value

__all__ = ["Compute", "Computes"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compute(Value):
    """A part of the machine: `slots` of its jobs run at a time, 0 for as many as fit."""

    name: str
    type: str = "local"
    state: str = ""
    slots: int = 0
    description: str = ""
    running: int = 0
    queued: int = 0
    machine: dict[str, int] = dataclasses.field(default_factory=dict)
    notices: list[str] = dataclasses.field(default_factory=list)


class Computes:
    """The computes of the workspace."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, name: str, *, slots: int = 1, description: str = "") -> Compute:
        """Make a compute. Jobs run on it with compute="azureml:NAME"."""
        body = {"name": name, "type": "local", "slots": slots, "description": description}
        return Compute.from_json(self._transport.post("computes", body))

    def list(self) -> builtins.list[Compute]:
        """List the machine as a whole, and the computes by name."""
        return [Compute.from_json(item) for item in self._transport.pages("computes")]

    def get(self, name: str) -> Compute:
        """Return a compute. Raises NotFoundError when there is none."""
        return Compute.from_json(self._transport.get(_path(name)))

    def update(self, name: str, *, slots: int | None = None, description: str | None = None) -> Compute:
        """Change what is given of a compute. Raises PreconditionError for the machine as a whole."""
        change = {"slots": slots, "description": description}
        body = {key: value for key, value in change.items() if value is not None}
        return Compute.from_json(self._transport.patch(_path(name), body))

    def start(self, name: str) -> Compute:
        """Let the jobs of a compute run."""
        return Compute.from_json(self._transport.post(f"{_path(name)}/start", {}))

    def stop(self, name: str) -> Compute:
        """Have the queued jobs of a compute wait; those that run go on."""
        return Compute.from_json(self._transport.post(f"{_path(name)}/stop", {}))

    def delete(self, name: str) -> None:
        """Delete a compute without jobs."""
        self._transport.delete(_path(name))

    def limits(self, **change: int) -> dict[str, Any]:
        """Return the limits of jobs, after setting those given, as in max_jobs_per_member=4."""
        known: dict[str, Any] = self._transport.get("job-limits")
        if change:
            known = self._transport.put("job-limits", {**known, **change})
        return known


def _path(name: str) -> str:
    return f"computes/{quote(name, safe='')}"
