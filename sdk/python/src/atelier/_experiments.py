"""Experiments: runs that are worth comparing, and the room that they take."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

from ._transport import Transport
from ._values import Value

__all__ = ["Experiment", "Experiments", "Kept", "Purged", "Storage", "StorageUse"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment(Value):
    """A group of runs."""

    id: str
    name: str = ""
    lifecycle_stage: str = ""
    artifact_location: str = ""
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class StorageUse(Value):
    """The room that a run or an experiment takes, in bytes.

    Equal content is stored once: `unique_bytes` are for these files alone, and free when the runs are
    purged and swept; `shared_bytes` others need, too. `bytes` is the sum of the files' sizes.
    """

    id: str = ""
    name: str = ""
    lifecycle_stage: str = ""
    runs: int = 0
    files: int = 0
    bytes: int = 0
    unique_bytes: int = 0
    shared_bytes: int = 0
    metric_bytes: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Storage(StorageUse):
    """The room that a workspace or an experiment takes, with what takes most of it.

    What takes the server long to sum up is remembered and made anew in the background: see `made_at`.
    """

    made_at: datetime | None = None
    experiments: list[StorageUse] = dataclasses.field(default_factory=list)
    largest_runs: list[StorageUse] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kept(Value):
    """What had to stay, and why."""

    id: str = ""
    name: str = ""
    reason: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Purged(Value):
    """How much a purge removed, or in a dry run would; `objects` and `bytes` are left for the sweep."""

    dry_run: bool = False
    experiments: int = 0
    runs: int = 0
    logged_models: int = 0
    metric_bytes: int = 0
    objects: int = 0
    bytes: int = 0
    kept: int = 0
    reasons: list[Kept] = dataclasses.field(default_factory=list)


class Experiments:
    """`ws.experiments`: the experiments of a workspace, by name or id."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, deleted: bool = False) -> list[Experiment]:
        """List the experiments, newest first, or the deleted ones."""
        pages = self._transport.pages("experiments", view="deleted" if deleted else "active")
        return [Experiment.from_json(item) for item in pages]

    def get(self, experiment: str) -> Experiment:
        """Return an experiment, deleted or not. Raises NotFoundError when there is none."""
        return Experiment.from_json(self._transport.get(_path(experiment)))

    def create(self, name: str, *, tags: dict[str, str] | None = None) -> Experiment:
        """Make an experiment. Raises ConflictError when the name is taken, also by a deleted one."""
        return Experiment.from_json(self._transport.post("experiments", {"name": name, "tags": tags or {}}))

    def update(
        self, experiment: str, *, name: str | None = None, tags: dict[str, str | None] | None = None
    ) -> Experiment:
        """Rename an experiment, or change tags: a tag whose value is None is removed."""
        body: dict[str, Any] = {"tags": tags or {}}
        if name is not None:
            body["name"] = name
        return Experiment.from_json(self._transport.patch(_path(experiment), body))

    def delete(self, experiment: str) -> None:
        """Hide an experiment with its runs; `restore` brings them back."""
        self._transport.delete(_path(experiment))

    def restore(self, experiment: str) -> Experiment:
        """Bring a deleted experiment back, with its runs."""
        return Experiment.from_json(self._transport.post(_path(experiment) + "/restore", None))

    def purge(
        self, *experiments: str, deleted_before: datetime | None = None, dry_run: bool = False
    ) -> Purged:
        """Remove deleted experiments with their runs for good: those named, or all deleted before a time.

        Raises:
            InvalidError: Neither was given.
            PreconditionError: One that is named is not deleted.
        """
        body: dict[str, Any] = {"experiments": experiments, "dry_run": dry_run}
        if deleted_before is None and experiments:
            body["deleted_before"] = "9999-01-01T00:00:00Z"
        elif deleted_before is not None:
            body["deleted_before"] = deleted_before.astimezone(timezone.utc).isoformat()
        return Purged.from_json(self._transport.post("experiments/purge", body))

    def storage(self, experiment: str | None = None, *, largest: int = 10) -> Storage:
        """Say how much room the workspace takes, or one experiment, and name the largest runs."""
        return Storage.from_json(self._transport.get("storage", experiment=experiment, largest=largest))


def _path(experiment: str) -> str:
    return f"experiments/{quote(experiment, safe='')}"
