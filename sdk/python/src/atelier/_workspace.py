"""The way in: a workspace on a server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._batch import BatchDeployments, BatchEndpoints
from ._computes import Computes
from ._config import DEFAULT_SERVER, find_config, find_token, read_config
from ._data import Data, Datastores
from ._endpoints import OnlineDeployments, OnlineEndpoints
from ._environments import Environments
from ._errors import InvalidError, NotFoundError
from ._experiments import Experiments
from ._jobs import Jobs
from ._logging import ActiveRun, Destination, open_run
from ._models import Models
from ._runs import Runs
from ._secrets import Secrets
from ._transport import Transport

if TYPE_CHECKING:
    from typing_extensions import Self  # in typing itself from Python 3.11

__all__ = ["Workspace", "start_run"]


class Workspace:
    """A workspace: `jobs`, `experiments`, `runs`, `models`, `environments`, `online_endpoints` and so on.

    Making one does not touch the network. Use it as a context manager, or call
    `close`, to give back its connections.

    Attributes:
        server: The server's address, without a closing slash.
        name: The workspace's name.
    """

    def __init__(
        self,
        *,
        server: str | None = None,
        name: str = "default",
        token: str | None = None,
        timeout: float = 60.0,
    ) -> None:
        """Name a workspace.

        Args:
            server: The server's address; ATELIER_SERVER, else http://127.0.0.1:8700, unless told.
            name: The workspace's name.
            token: A personal token; ATELIER_TOKEN, else the one that the server's first start or
                `atelier sign-in` left in the user's configuration folder, unless told.
            timeout: Seconds that the server may take to answer a request.

        Raises:
            InvalidError: The address is not an http or https URL.
            UnauthenticatedError: There is no token for that server.
        """
        server = (server or os.environ.get("ATELIER_SERVER") or DEFAULT_SERVER).rstrip("/")
        if not server.startswith(("http://", "https://")):
            raise InvalidError(f"{server!r} is not an address.", hint=f"Write it like {DEFAULT_SERVER}.")
        self.server = server
        self.name = name
        self._timeout = timeout
        self._transport = Transport(server, name, token or find_token(server), timeout=timeout)
        self.jobs = Jobs(self._transport)
        self.experiments = Experiments(self._transport)
        self.runs = Runs(self._transport)
        self.data = Data(self._transport)
        self.computes = Computes(self._transport)
        self.datastores = Datastores(self._transport)
        self.models = Models(self._transport)
        self.online_endpoints = OnlineEndpoints(self._transport)
        self.online_deployments = OnlineDeployments(self._transport)
        self.batch_endpoints = BatchEndpoints(self._transport)
        self.batch_deployments = BatchDeployments(self._transport)
        self.environments = Environments(self._transport)
        self.secrets = Secrets(self._transport)

    def lineage(self, of: str, *, direction: str = "both", depth: int = 5) -> dict[str, Any]:
        """Return what a thing comes from and what became of it: `nodes` and `edges`.

        Args:
            of: `data:NAME:VERSION`, `model:NAME:VERSION`, `run:NAME`, `environment:NAME:VERSION` or
                `deployment:ENDPOINT/NAME`; without a version the one made last.
            direction: `sources`, `uses` or `both`.
            depth: How many steps to follow.

        Raises:
            NotFoundError: There is no such thing.
        """
        graph: dict[str, Any] = self._transport.get("lineage", of=of, direction=direction, depth=depth)
        return graph

    @classmethod
    def from_config(
        cls, path: str | Path | None = None, *, token: str | None = None, timeout: float = 60.0
    ) -> Self:
        """Name the workspace that a config.json selects.

        Args:
            path: The file, or the folder to look upwards from (the current one unless told); in
                every folder `.azureml/config.json` counts too.
            token: As for `Workspace`.
            timeout: As for `Workspace`.

        Raises:
            NotFoundError: No config.json was found, and ATELIER_WORKSPACE is not set.
        """
        start = Path(path) if path is not None else Path.cwd()
        server, name, by_file = _selected(path)
        if not name and find_config(start) is None:
            raise NotFoundError(
                f"There is no config.json in {start} or above it.",
                hint='Write one with {"workspace_name": "default"}, or use Workspace(server=, name=).',
            )
        if token is None and path is None and server and by_file:
            token = find_token(server, named_by_file=True)
        return cls(server=server, name=name or "default", token=token, timeout=timeout)

    def start_run(
        self,
        *,
        experiment: str | None = None,
        name: str | None = None,
        tags: Mapping[str, Any] | None = None,
        id: str | None = None,
        join: bool = False,
        parent: ActiveRun | str | None = None,
        mode: str | None = None,
        durable: bool = False,
        journal_dir: str | Path | None = None,
    ) -> ActiveRun:
        """Start a run and log to it, whether or not the server can be reached.

        Nothing here waits for the network: what is logged is in a journal on this machine when
        a call returns, and a thread brings it to the server. Inside a job, the run is the job's
        own, unless `parent` or `id` is given.

            with ws.start_run(experiment="diabetes") as run:
                run.log_params({"alpha": 0.5})
                for step in range(100):
                    run.log_metric("loss", train(), step)
                run.log_artifact("model.pkl", "model")

        Args:
            experiment: The experiment's name; it is made if it is not there. "Default" unless told.
            name: The run's name; the server makes one up unless told.
            tags: Tags to set at once.
            id: A run to go on with, rather than a new one.
            join: Whether the run of that id belongs to another process, which ends it.
            parent: The run that this one belongs under.
            mode: "online"; or "offline", which sends nothing and leaves that to `atelier sync`.
                ATELIER_MODE, else "online", unless told.
            durable: Whether every call waits until the disk has its record. Otherwise that happens
                within about a second, and only a loss of power can take what came after; the end
                of the process cannot.
            journal_dir: The folder of the journal; ATELIER_JOURNAL_DIR, else .atelier/runs, unless told.

        Raises:
            InvalidError: A name, tag or mode cannot be.
            ExhaustedError: The journal cannot be written.
        """
        online = _is_online(mode)
        return open_run(
            Destination(self.server, self.name, self._another_transport if online else None),
            experiment=experiment,
            name=name,
            tags=tags,
            id=id,
            join=join,
            parent=parent,
            durable=durable,
            journal_dir=journal_dir,
        )

    def _another_transport(self) -> Transport:
        """Return a transport for another thread, or another process."""
        return Transport(self.server, self.name, self._transport.token, timeout=self._timeout)

    def mlflow_env(self) -> dict[str, str]:
        """Return the environment variables with which `import mlflow` logs into this workspace.

        Put them into a script's environment, or into this process's before mlflow is imported:
        `os.environ.update(ws.mlflow_env())`.
        """
        address = self.server if self.name == "default" else f"{self.server}/workspaces/{self.name}"
        return {"MLFLOW_TRACKING_URI": address, "MLFLOW_TRACKING_TOKEN": self._transport.token}

    def close(self) -> None:
        """Give back the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Workspace(server={self.server!r}, name={self.name!r})"


def start_run(*, mode: str | None = None, **options: Any) -> ActiveRun:
    """Start a run in the workspace that config.json or the environment selects; see `Workspace.start_run`.

        with atelier.start_run(experiment="diabetes") as run:
            run.log_metric("loss", 0.5)

    Without any config.json it is the workspace "default" of http://127.0.0.1:8700. With
    mode="offline" not even a token is needed.

    Raises:
        UnauthenticatedError: There is no token for the server, and the mode is not "offline".
    """
    if not _is_online(mode):
        server, name, _ = _selected(None)
        away = Destination((server or DEFAULT_SERVER).rstrip("/"), name or "default", None)
        return open_run(away, **options)
    try:
        workspace = Workspace.from_config()
    except NotFoundError:  # there is no file, and the environment names no workspace
        workspace = Workspace()
    return workspace.start_run(mode="online", **options)


def _is_online(mode: str | None) -> bool:
    mode = mode or os.environ.get("ATELIER_MODE") or "online"
    if mode not in ("online", "offline"):
        raise InvalidError(f"There is no mode {mode!r}.", hint='Use "online" or "offline".', field="mode")
    return mode == "online"


def _selected(path: str | Path | None) -> tuple[str | None, str | None, bool]:
    """Return the selected server and workspace, and whether it was a config.json that named the server.

    As on the command line, the environment wins; but a file that was named outright wins over it.
    """
    found = find_config(Path(path) if path is not None else Path.cwd())
    body = read_config(found) if found else {}
    asked = {} if path is not None else os.environ
    server = asked.get("ATELIER_SERVER") or body.get("server")
    by_file = bool(server) and not asked.get("ATELIER_SERVER")
    return server, asked.get("ATELIER_WORKSPACE") or body.get("workspace_name"), by_file
