"""Jobs: submit, watch, wait for, cancel and download."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

from ._download import fetch_artifacts
from ._errors import JobFailedError, UnavailableError, WaitTimeoutError
from ._spec import job_body, read_source
from ._transport import Transport
from ._values import Value

__all__ = ["CommandJob", "Job", "JobUsage", "Jobs"]

_ENDED = frozenset({"Completed", "Failed", "Canceled"})
_LONGEST_PAUSE = 2.0  # seconds between two looks at a job
_RECONNECTS = 30


@dataclasses.dataclass(kw_only=True)
class CommandJob:
    """A command job to submit; the fields are those of Azure ML's commandJob YAML.

    Paths are read against the current folder. `limits` is e.g. {"timeout": 300} (seconds), `resources`
    {"cpus": 2, "memory": "4Gi", "gpus": 1}, `queue_settings` {"priority": "high"}, `distribution`
    {"type": "pytorch", "process_count_per_instance": 4}, `services` {"board": {"type": "tensor_board"}}.
    """

    command: str
    environment: str | Mapping[str, Any]
    code: str | Path | None = None
    name: str | None = None
    display_name: str | None = None
    description: str | None = None
    experiment_name: str | None = None
    compute: str | None = None
    inputs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    outputs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    environment_variables: Mapping[str, str] = dataclasses.field(default_factory=dict)
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    limits: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    resources: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    queue_settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    distribution: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    identity: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    services: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class JobUsage(Value):
    """What a job used: CPU in seconds and in per cent of one core, memory in bytes."""

    cpu_seconds: float = 0.0
    cpu_percent: float = 0.0
    memory_bytes: int = 0
    memory_peak_bytes: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(Value):
    """A job as the server knows it. Its run has the same id as the job's name."""

    name: str
    type: str = "command"
    display_name: str = ""
    description: str = ""
    experiment_name: str = ""
    status: str = ""
    command: str = ""
    code: str = ""
    compute: str = ""
    environment: Any = None
    environment_variables: dict[str, str] = dataclasses.field(default_factory=dict)
    inputs: dict[str, Any] = dataclasses.field(default_factory=dict)
    outputs: dict[str, Any] = dataclasses.field(default_factory=dict)
    distribution: dict[str, Any] | None = None
    identity: dict[str, Any] | None = None
    services: dict[str, Any] = dataclasses.field(default_factory=dict)
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    properties: dict[str, str] = dataclasses.field(default_factory=dict)
    error: dict[str, Any] | None = None
    exit_code: int | None = None
    ranks: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    usage: JobUsage | None = None
    gpus: list[int] = dataclasses.field(default_factory=list)
    notices: list[str] = dataclasses.field(default_factory=list)
    created_by: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether the job will not change any more."""
        return self.status in _ENDED


@dataclasses.dataclass(frozen=True, kw_only=True)
class JobWait(Value):
    """Why a job waits: `reason` in sentences, `cause` in a word for programs, "" when it does not."""

    name: str
    status: str = ""
    cause: str = ""
    reason: str = ""
    ahead: int = 0
    behind: str = ""
    limit: str = ""
    since: datetime | None = None
    needs: dict[str, int] = dataclasses.field(default_factory=dict)
    free: dict[str, int] = dataclasses.field(default_factory=dict)


class Jobs:
    """`ws.jobs`: the jobs of a workspace."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self, job: str | Path | Mapping[str, Any] | CommandJob, *, set: Mapping[str, Any] | None = None
    ) -> Job:
        """Submit a job: a YAML file, a mapping of the same shape, or a CommandJob.

        The code folder is uploaded, but only the files that the server does not have.

        Args:
            job: What to run. Paths in a YAML file are read against the file's folder.
            set: Values to put in first, by dotted name: {"inputs.alpha": 0.5}.

        Raises:
            InvalidError: The job breaks a rule; nothing was created.
            SnapshotTooLargeError: The code folder has more than 300 MB or 2,000 files.
        """
        source = read_source(job)
        for key, value in (set or {}).items():
            _put(source.body, key, value)
        return Job.from_json(self._transport.post("jobs", job_body(self._transport, source)))

    def list(
        self, *, experiment: str | None = None, status: str | None = None, max_results: int | None = None
    ) -> list[Job]:
        """List jobs, the newest first."""
        pages = self._transport.pages("jobs", limit=max_results, experiment=experiment, status=status)
        return [Job.from_json(item) for item in pages]

    def get(self, name: str) -> Job:
        """Return a job. Raises NotFoundError when there is none."""
        return Job.from_json(self._transport.get(_path(name)))

    def why(self, name: str) -> JobWait:
        """Explain what a queued job waits for."""
        return JobWait.from_json(self._transport.get(f"{_path(name)}/why"))

    def cancel(self, name: str) -> Job:
        """Ask a job to stop; it gets SIGTERM, and SIGKILL ten seconds later."""
        self._transport.post(f"{_path(name)}/cancel", {})
        return self.get(name)

    def rerun(self, name: str, *, new_name: str | None = None) -> Job:
        """Submit a job again as it was: command, snapshot, parameters, data and installed packages.

        Raises:
            PreconditionError: The job never had an environment, or one that cannot be made again.
        """
        body = {} if new_name is None else {"name": new_name}
        return Job.from_json(self._transport.post(f"{_path(name)}/rerun", body))

    def compare(
        self,
        name: str,
        *,
        other: str | None = None,
        rtol: float = 0.0,
        atol: float = 0.0,
        ignore: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Say whether a job's metrics agree, point by point, with those of the job that it repeats.

        The answer's `agree` is the verdict; `metrics` has each metric's `agrees`, `last`,
        `with_last`, `largest_difference` and `first_step`.

        Args:
            name: A job that has ended.
            other: Another job to compare it with.
            rtol: How far values may be apart, as a part of the other's.
            atol: How far values may be apart.
            ignore: Metrics that do not count; "time/*" is all that begin with "time/".
        """
        return self._transport.get(
            f"{_path(name)}/comparison", **{"with": other}, rtol=rtol, atol=atol, ignore=list(ignore) or None
        )

    def services(self, name: str) -> list[dict[str, Any]]:
        """Return how a running job's services are; `atelier job open` shows one in the browser."""
        return self._transport.get(f"{_path(name)}/services")

    def delete(self, name: str) -> None:
        """Delete a job that has ended. Raises PreconditionError while it runs."""
        self._transport.delete(_path(name))

    def logs(self, name: str, *, log: str = "user_logs/std_log.txt") -> Iterator[str]:
        """Yield a job's log as text, from its beginning, and on while the job runs.

        A broken connection is taken up again where it broke.

        Args:
            name: The job.
            log: `user_logs/std_log.txt` (what the script printed), `system_logs/environment.txt`
                (how its environment was built), `system_logs/runner.txt`, or, of a job that is several
                processes, `user_logs/std_log_process_NN.txt`.
        """
        offset, broken = "0", 0
        while True:
            try:
                for event in self._transport.events(f"{_path(name)}/logs/stream", name=log, offset=offset):
                    broken, offset = 0, event.id or offset
                    if event.name == "log":
                        yield event.data["text"]
                    elif event.name == "end":
                        return
            except UnavailableError:
                broken += 1
                if broken > _RECONNECTS:
                    raise
                time.sleep(min(0.2 * 2**broken, _LONGEST_PAUSE))

    def stream(self, name: str, *, out: TextIO | None = None) -> Job:
        """Print a job's log until the job has ended, and return the job."""
        out = out or sys.stdout
        for text in self.logs(name):
            out.write(text)
            out.flush()
        return self.wait(name, check=False)

    def wait(self, name: str, *, timeout: float | None = None, check: bool = True) -> Job:
        """Wait until a job has ended and return it, through restarts of the server.

        Args:
            name: The job.
            timeout: Seconds to wait at most; None waits for ever.
            check: Whether a job that did not complete raises.

        Raises:
            JobFailedError: The job ended as Failed or Canceled, and check is true.
            WaitTimeoutError: The job still runs after timeout seconds. It goes on.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = 0.1
        while not (job := self._look(name)).ended:
            if deadline is not None and time.monotonic() + pause > deadline:
                raise WaitTimeoutError(f"The job {name} is still {job.status} after {timeout:g} seconds.")
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        if check and job.status != "Completed":
            reason = (job.error or {}).get("message", "")
            raise JobFailedError(
                f"The job {name} ended as {job.status}. {reason}".rstrip(),
                hint=f"Its log: `atelier job stream -n {name}`.",
            )
        return job

    def _look(self, name: str) -> Job:
        """Return a job; a server that is away for less than half a minute does not matter."""
        for attempt in range(_RECONNECTS):
            try:
                return self.get(name)
            except UnavailableError:
                if attempt == _RECONNECTS - 1:
                    raise
                time.sleep(1.0)
        raise AssertionError("unreachable")

    def download(
        self, name: str, *, download_path: str | Path | None = None, output_name: str | None = None
    ) -> list[Path]:
        """Download what a job left (outputs, logs, artifacts) and return the files' places.

        Args:
            name: The job.
            download_path: The folder to write to; one named like the job unless told.
            output_name: Only this named output of the job.

        Raises:
            NotFoundError: There is no such job, or nothing there.
        """
        base = f"named-outputs/{output_name}" if output_name else ""
        return fetch_artifacts(self._transport, name, Path(download_path or name), path=base, base=base)


def _path(name: str) -> str:
    return f"jobs/{quote(name, safe='')}"


def _put(body: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        inner = body.get(parent)
        body[parent] = dict(inner) if isinstance(inner, Mapping) else {}
        body = body[parent]
    body[last] = value
