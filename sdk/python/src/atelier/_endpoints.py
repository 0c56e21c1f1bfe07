"""Online endpoints and their deployments: a URL with keys, and what answers behind it."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ._errors import DeploymentFailedError, InvalidError, NotFoundError, WaitTimeoutError
from ._spec import deployment_body, read_source
from ._transport import Transport
from ._values import Value

__all__ = [
    "Credentials",
    "OnlineDeployment",
    "OnlineDeployments",
    "OnlineEndpoint",
    "OnlineEndpoints",
]

_LONGEST_PAUSE = 2.0  # seconds between two looks at a deployment


@dataclasses.dataclass(frozen=True, kw_only=True)
class OnlineEndpoint(Value):
    """A stable address with keys and a split of traffic (per cent by deployment)."""

    name: str
    description: str = ""
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    auth_mode: str = "key"
    traffic: dict[str, int] = dataclasses.field(default_factory=dict)
    mirror_traffic: dict[str, int] = dataclasses.field(default_factory=dict)
    rollout: dict[str, Any] | None = None
    scoring_uri: str = ""
    openapi_uri: str = ""
    provisioning_state: str = ""
    error: dict[str, Any] | None = None
    created_by: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class OnlineDeployment(Value):
    """A model, with a scoring script or without, that answers behind an endpoint."""

    name: str
    endpoint_name: str = ""
    description: str = ""
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    model: Any = None
    code_configuration: dict[str, str] | None = None
    environment: Any = None
    environment_variables: dict[str, str] = dataclasses.field(default_factory=dict)
    instance_type: str = ""
    instance_count: int = 1
    wanted_instances: int = 0
    scale_settings: dict[str, Any] | None = None
    request_settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    resources: dict[str, Any] | None = None
    provisioning_state: str = ""
    error: dict[str, Any] | None = None
    replicas: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Credentials(Value):
    """The two keys of an endpoint. They are left out when the value is printed."""

    primary_key: str = dataclasses.field(default="", repr=False)
    secondary_key: str = dataclasses.field(default="", repr=False)


class OnlineEndpoints:
    """`ws.online_endpoints`: the addresses."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        source: str | Path | Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        auth_mode: str | None = None,
    ) -> OnlineEndpoint:
        """Create an endpoint from a YAML file, a mapping, or a name alone.

        Raises:
            ConflictError: There is an endpoint of that name.
        """
        body = read_source(source).body if source is not None else {}
        keywords = {"name": name, "auth_mode": auth_mode}
        body.update({key: value for key, value in keywords.items() if value is not None})
        return OnlineEndpoint.from_json(self._transport.post("online-endpoints", body))

    def get(self, name: str) -> OnlineEndpoint:
        """Return an endpoint. Raises NotFoundError when there is none."""
        return OnlineEndpoint.from_json(self._transport.get(_endpoint(name)))

    def list(self) -> list[OnlineEndpoint]:
        """List the endpoints."""
        return [OnlineEndpoint.from_json(item) for item in self._transport.pages("online-endpoints")]

    def update(self, name: str, *, traffic: Mapping[str, int]) -> OnlineEndpoint:
        """Change the traffic split: per cent by deployment, in all 0 or 100."""
        body = self._transport.patch(_endpoint(name), {"traffic": dict(traffic)})
        return OnlineEndpoint.from_json(body)

    def start_rollout(
        self,
        name: str,
        *,
        deployment: str,
        steps: Sequence[int] = (10, 25, 50, 100),
        step_seconds: int = 300,
        min_requests: int = 50,
        max_error_increase: float = 1.0,
        max_latency_increase: float = 25.0,
    ) -> OnlineEndpoint:
        """Begin to move the traffic to a deployment step by step; the server goes on by itself.

        The traffic goes back when the deployment does significantly worse than the others;
        `get(name).rollout` says how far it is, and why it ended.

        Args:
            name: The endpoint.
            deployment: The deployment that the traffic moves to.
            steps: Its shares in per cent, one after another, rising.
            step_seconds: How long each step lasts at least, in seconds.
            min_requests: How many requests it must have answered in a step before the next.
            max_error_increase: Percent points of requests that may fail above those of the others.
            max_latency_increase: Per cent by which the mean latency may be above that of the others.

        Raises:
            ConflictError: The endpoint is already moving its traffic.
            PreconditionError: The deployment does not answer yet, or no other one gets traffic.
        """
        body = {
            "deployment": deployment,
            "steps": list(steps),
            "step_seconds": step_seconds,
            "min_requests": min_requests,
            "max_error_increase": max_error_increase,
            "max_latency_increase": max_latency_increase,
        }
        return OnlineEndpoint.from_json(self._transport.post(f"{_endpoint(name)}/rollout", body))

    def stop_rollout(self, name: str, *, keep_traffic: bool = False) -> OnlineEndpoint:
        """Stop moving the traffic, and move it back unless keep_traffic is set."""
        body = self._transport.post(f"{_endpoint(name)}/rollout/stop", {"keep_traffic": keep_traffic})
        return OnlineEndpoint.from_json(body)

    def delete(self, name: str) -> None:
        """Delete an endpoint with all of its deployments."""
        self._transport.delete(_endpoint(name))

    def credentials(self, name: str) -> Credentials:
        """Return the keys with which anybody may call the endpoint."""
        return Credentials.from_json(self._transport.get(f"{_endpoint(name)}/credentials"))

    def invoke(
        self,
        name: str,
        *,
        request: Any = None,
        request_file: str | Path | None = None,
        deployment_name: str | None = None,
    ) -> Any:
        """Send a scoring request and return the answer: decoded JSON, or text when it is not JSON.

        Args:
            name: The endpoint.
            request: What to send, encoded as JSON (a string or bytes go as they are).
            request_file: A file to send instead.
            deployment_name: Ask this deployment, whatever the traffic split says.

        Raises:
            InvalidError: Neither or both of request and request_file were given.
            AtelierError: What the deployment or the endpoint answered instead of a result.
        """
        if (request is None) == (request_file is None):
            raise InvalidError("Give a request or a request_file, one of the two.")
        content = _read(request_file) if request_file is not None else _encode(request)
        response = self._transport.post_raw(
            f"{_endpoint(name)}/invoke",
            content,
            content_type="application/json",
            deployment=deployment_name,
        )
        try:
            return response.json()
        except ValueError:
            return response.text


class OnlineDeployments:
    """`ws.online_deployments`: what answers behind the addresses."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        source: str | Path | Mapping[str, Any],
        *,
        endpoint_name: str | None = None,
        all_traffic: bool = False,
    ) -> OnlineDeployment:
        """Create a deployment from a YAML file or a mapping; it comes up by itself, see `wait`.

        Args:
            source: The deployment. Paths in a YAML file are read against the file's folder.
            endpoint_name: The endpoint, when the file does not name it.
            all_traffic: Send all of the endpoint's requests to it once it is up.

        Raises:
            InvalidError: The deployment breaks a rule; nothing was created.
            ConflictError: The endpoint has a deployment of that name.
        """
        given = read_source(source)
        if endpoint_name is not None:
            given.body["endpoint_name"] = endpoint_name
        endpoint = given.body.get("endpoint_name")
        if not endpoint:
            raise InvalidError("The deployment does not say which endpoint it is for.", field="endpoint_name")
        body = deployment_body(self._transport, given)
        path = f"{_endpoint(str(endpoint))}/deployments"
        created = self._transport.post(path, body, all_traffic="true" if all_traffic else None)
        return OnlineDeployment.from_json(created)

    def get(self, endpoint: str, name: str) -> OnlineDeployment:
        """Return a deployment. Raises NotFoundError when there is none."""
        return OnlineDeployment.from_json(self._transport.get(_deployment(endpoint, name)))

    def list(self, endpoint: str) -> list[OnlineDeployment]:
        """List the deployments of an endpoint."""
        pages = self._transport.pages(f"{_endpoint(endpoint)}/deployments")
        return [OnlineDeployment.from_json(item) for item in pages]

    def delete(self, endpoint: str, name: str) -> None:
        """Delete a deployment. Raises PreconditionError while it has traffic."""
        self._transport.delete(_deployment(endpoint, name))

    def logs(self, endpoint: str, name: str, *, lines: int = 5000) -> str:
        """Return the last lines of what the deployment's scripts and workers printed."""
        return str(self._transport.get(f"{_deployment(endpoint, name)}/logs", tail=lines).get("content", ""))

    def collected(
        self, endpoint: str, name: str, collection: str | None = None, *, max_results: int = 20
    ) -> list[dict[str, Any]]:
        """Return what a deployment has collected: how much by collection, or the newest rows of one.

        Args:
            endpoint: The endpoint.
            name: The deployment. One that is gone has left what it collected.
            collection: Return rows of this collection, as CloudEvents, the newest first.
            max_results: How many rows at most.
        """
        path = f"{_deployment(endpoint, name)}/collected"
        if collection is None:
            return list(self._transport.pages(path))
        return list(self._transport.pages(f"{path}/{quote(collection, safe='')}", limit=max_results))

    def delete_collected(
        self, endpoint: str, name: str, collection: str, *, before: datetime | None = None
    ) -> dict[str, int]:
        """Delete the rows of a collection, or those from before a time; say how many that were."""
        path = f"{_deployment(endpoint, name)}/collected/{quote(collection, safe='')}"
        gone: dict[str, int] = self._transport.delete(path, before=before.isoformat() if before else None)
        return gone

    def wait(self, endpoint: str, name: str, *, timeout: float | None = None) -> OnlineDeployment:
        """Wait until a deployment answers, and return it.

        Args:
            endpoint: The endpoint.
            name: The deployment.
            timeout: Seconds to wait at most; None waits for ever.

        Raises:
            DeploymentFailedError: It did not come up; the message has the end of its log.
            WaitTimeoutError: It is not up after timeout seconds. It goes on starting.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = 0.1
        while (found := self.get(endpoint, name)).provisioning_state not in ("Succeeded", "Failed"):
            if deadline is not None and time.monotonic() + pause > deadline:
                raise WaitTimeoutError(
                    f"The deployment {name} is still {found.provisioning_state} after {timeout:g} seconds."
                )
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        if found.provisioning_state == "Failed":
            reason = (found.error or {}).get("message", "")
            tail = self.logs(endpoint, name, lines=20).strip()
            raise DeploymentFailedError(f"The deployment {name} did not come up. {reason}\n{tail}".strip())
        return found


def _endpoint(name: str) -> str:
    return f"online-endpoints/{quote(name, safe='')}"


def _deployment(endpoint: str, name: str) -> str:
    return f"{_endpoint(endpoint)}/deployments/{quote(name, safe='')}"


def _encode(request: Any) -> bytes:
    if isinstance(request, bytes):
        return request
    return (request if isinstance(request, str) else json.dumps(request)).encode()


def _read(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as fault:
        raise NotFoundError(f"The file {path} cannot be read: {fault.strerror}.") from fault
