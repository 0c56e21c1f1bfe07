"""The way in: a workspace on a server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ._config import DEFAULT_SERVER, find_config, find_token, read_config
from ._endpoints import OnlineDeployments, OnlineEndpoints
from ._environments import Environments
from ._errors import InvalidError, NotFoundError
from ._jobs import Jobs
from ._models import Models
from ._runs import Runs
from ._transport import Transport

if TYPE_CHECKING:
    from typing_extensions import Self  # in typing itself from Python 3.11

__all__ = ["Workspace"]


class Workspace:
    """A workspace: `jobs`, `runs`, `models`, `online_endpoints`, `online_deployments`, `environments`.

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
        self._transport = Transport(server, name, token or find_token(server), timeout=timeout)
        self.jobs = Jobs(self._transport)
        self.runs = Runs(self._transport)
        self.models = Models(self._transport)
        self.online_endpoints = OnlineEndpoints(self._transport)
        self.online_deployments = OnlineDeployments(self._transport)
        self.environments = Environments(self._transport)

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
        found = find_config(start)
        body = read_config(found) if found else {}
        # As on the command line, the environment wins; but a file that was named outright wins over it.
        asked = {} if path is not None else os.environ
        name = asked.get("ATELIER_WORKSPACE") or body.get("workspace_name")
        server = asked.get("ATELIER_SERVER") or body.get("server")
        if found is None and not name:
            raise NotFoundError(
                f"There is no config.json in {start} or above it.",
                hint='Write one with {"workspace_name": "default"}, or use Workspace(server=, name=).',
            )
        if token is None and path is None and server and not asked.get("ATELIER_SERVER"):
            token = find_token(server, named_by_file=True)
        return cls(server=server, name=name or "default", token=token, timeout=timeout)

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
