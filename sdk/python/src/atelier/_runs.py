"""Runs: find the best one, and read its metrics."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ._download import fetch_artifacts
from ._experiments import Purged, StorageUse
from ._transport import Transport
from ._values import Value

__all__ = ["Artifact", "Metric", "MetricPoint", "MetricSeries", "Run", "Runs"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metric(Value):
    """The last value of a metric."""

    value: float = math.nan
    step: int = 0
    timestamp: datetime | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class MetricPoint(Value):
    """One logged value of a metric."""

    step: int = 0
    timestamp: datetime | None = None
    value: float = math.nan


@dataclasses.dataclass(frozen=True, kw_only=True)
class MetricSeries(Value):
    """The history of a metric. When `sampled`, the points are fewer than `count` but keep every extreme."""

    key: str = ""
    points: list[MetricPoint] = dataclasses.field(default_factory=list)
    count: int = 0
    sampled: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Artifact(Value):
    """A file or folder that a run keeps. Size is in bytes."""

    path: str = ""
    is_dir: bool = False
    size: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run(Value):
    """A run: what was logged, and how it ended."""

    id: str
    name: str = ""
    experiment_id: str = ""
    experiment_name: str = ""
    status: str = ""
    lifecycle_stage: str = ""
    user: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    params: dict[str, str] = dataclasses.field(default_factory=dict)
    metrics: dict[str, Metric] = dataclasses.field(default_factory=dict)
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    parent_run_id: str = ""
    job: bool = False
    outputs: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    inputs: list[dict[str, Any]] = dataclasses.field(default_factory=list)


class Runs:
    """`ws.runs`: the runs of a workspace, those of jobs and those that scripts opened by themselves."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        experiment: str | None = None,
        filter: str | None = None,
        order_by: str | list[str] | None = None,
        max_results: int | None = None,
    ) -> list[Run]:
        """List runs.

        Args:
            experiment: An experiment's name or id; None searches all.
            filter: MLflow's search language: "metrics.rmse < 60 and params.kind = 'ridge'".
            order_by: One or more keys: "metrics.rmse ASC".
            max_results: At most so many runs.

        Raises:
            InvalidError: The filter or a key cannot be read; the message says where.
        """
        pages = self._transport.pages(
            "runs", limit=max_results, experiment=experiment, filter=filter, order_by=order_by
        )
        return [Run.from_json(item) for item in pages]

    def get(self, run: str) -> Run:
        """Return a run. Raises NotFoundError when there is none."""
        return Run.from_json(self._transport.get(f"runs/{quote(run, safe='')}"))

    def delete(self, run: str) -> None:
        """Hide a run; `restore` brings it back."""
        self._transport.delete(f"runs/{quote(run, safe='')}")

    def restore(self, run: str) -> Run:
        """Bring a deleted run back."""
        return Run.from_json(self._transport.post(f"runs/{quote(run, safe='')}/restore", None))

    def storage(self, run: str) -> StorageUse:
        """Say how much room a run takes."""
        return StorageUse.from_json(self._transport.get(f"runs/{quote(run, safe='')}/storage"))

    def purge(
        self,
        *,
        deleted_before: datetime | None = None,
        ended_before: datetime | None = None,
        experiments: Sequence[str] = (),
        status: Sequence[str] = (),
        keep_best: int | None = None,
        metric: str = "",
        order: str = "max",
        include_active: bool = False,
        dry_run: bool = False,
    ) -> Purged:
        """Remove runs for good: those to which every rule that is given applies.

        A run stays while a registered version, a deployment or a child that stays refers to it.

        Args:
            deleted_before: Runs that were deleted before this time.
            ended_before: Runs that ended before this time.
            experiments: Names or ids; all unless told.
            status: Runs that ended so: "FINISHED", "FAILED" or "KILLED".
            keep_best: How many runs of each experiment stay, by `metric`.
            metric: By which metric runs are the best.
            order: "max" when the greatest value is the best, else "min".
            include_active: Remove runs that nobody deleted, too.
            dry_run: Only say what would be removed.

        Raises:
            InvalidError: No rule was given, or no run has the metric.
        """
        body: dict[str, Any] = {
            "experiments": list(experiments),
            "status": list(status),
            "include_active": include_active,
            "dry_run": dry_run,
        }
        for name, at in (("deleted_before", deleted_before), ("ended_before", ended_before)):
            if at is not None:
                body[name] = at.astimezone(timezone.utc).isoformat()
        if keep_best is not None:
            body["keep_best"] = {"count": keep_best, "metric": metric, "order": order}
        return Purged.from_json(self._transport.post("runs/purge", body))

    def metrics(self, run: str, key: str, *, max_points: int | None = None) -> MetricSeries:
        """Return the history of a metric, thinned to max_points (2,000) with its extremes kept."""
        path = f"runs/{quote(run, safe='')}/metrics"
        return MetricSeries.from_json(self._transport.get(path, key=key, max_points=max_points))

    def artifacts(self, run: str, *, path: str | None = None) -> list[Artifact]:
        """List one level of what a run keeps."""
        body = self._transport.get(f"runs/{quote(run, safe='')}/artifacts", path=path)
        return [Artifact.from_json(item) for item in body.get("items") or []]

    def download(
        self, run: str, *, download_path: str | Path | None = None, artifact_path: str = ""
    ) -> list[Path]:
        """Download a run's artifacts and return the files' places.

        Args:
            run: The run's id.
            download_path: The folder to write to; one named like the run unless told.
            artifact_path: Only what lies under this path.

        Raises:
            NotFoundError: There is no such run, or nothing there.
        """
        return fetch_artifacts(self._transport, run, Path(download_path or run), path=artifact_path)
