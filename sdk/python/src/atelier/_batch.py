"""Batch endpoints and their deployments: a name that scores whole folders of files as jobs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ._errors import InvalidError
from ._jobs import Job
from ._spec import batch_deployment_body, batch_inputs, read_source
from ._transport import Transport
from ._values import Value

__all__ = ["BatchDeployment", "BatchDeployments", "BatchEndpoint", "BatchEndpoints"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchEndpoint(Value):
    """A name under which folders of files are scored; `defaults["deployment_name"]` says by what."""

    name: str
    description: str = ""
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    properties: dict[str, str] = dataclasses.field(default_factory=dict)
    auth_mode: str = ""
    defaults: dict[str, str] = dataclasses.field(default_factory=dict)
    scoring_uri: str = ""
    provisioning_state: str = ""
    created_by: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchDeployment(Value):
    """A model, with a scoring script or without, and how its jobs go about the files."""

    name: str
    endpoint_name: str = ""
    description: str = ""
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    properties: dict[str, str] = dataclasses.field(default_factory=dict)
    model: Any = None
    code_configuration: dict[str, str] | None = None
    environment: Any = None
    compute: str = ""
    resources: dict[str, Any] = dataclasses.field(default_factory=dict)
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    provisioning_state: str = ""
    notices: list[str] = dataclasses.field(default_factory=list)
    created_by: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None


class BatchEndpoints:
    """`ws.batch_endpoints`: the names."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self, source: str | Path | Mapping[str, Any] | None = None, *, name: str | None = None
    ) -> BatchEndpoint:
        """Create an endpoint, or replace it, from a YAML file, a mapping, or a name alone."""
        body = read_source(source).body if source is not None else {}
        if name is not None:
            body["name"] = name
        return BatchEndpoint.from_json(self._transport.post("batch-endpoints", body))

    def get(self, name: str) -> BatchEndpoint:
        """Return an endpoint. Raises NotFoundError when there is none."""
        return BatchEndpoint.from_json(self._transport.get(_endpoint(name)))

    def list(self) -> list[BatchEndpoint]:
        """List the endpoints."""
        return [BatchEndpoint.from_json(item) for item in self._transport.pages("batch-endpoints")]

    def update(self, name: str, *, default_deployment: str) -> BatchEndpoint:
        """Say which deployment is asked when none is named."""
        body = self._transport.patch(_endpoint(name), {"defaults": {"deployment_name": default_deployment}})
        return BatchEndpoint.from_json(body)

    def delete(self, name: str) -> None:
        """Delete an endpoint with all of its deployments. Their jobs stay."""
        self._transport.delete(_endpoint(name))

    def invoke(
        self,
        name: str,
        *,
        input: str | Path | Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
        deployment_name: str | None = None,
        output_path: str | None = None,
        job_name: str | None = None,
        experiment_name: str | None = None,
        instance_count: int | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Job:
        """Queue a job that scores files, and return it; `ws.jobs.wait` waits for its end.

        Its rows are in the output `score`: `ws.jobs.download(job.name, ...)`.

        Args:
            name: The endpoint.
            input: What to score: a folder or file on this machine, which is uploaded, a data asset
                (`azureml:images@latest`), a path of a datastore, an address, or a mapping with `path`
                and `type`.
            inputs: The same for several places, by names of their own.
            deployment_name: Ask this deployment, and not the default.
            output_path: Where the rows come to lie, as `azureml://datastores/NAME/paths/PATH`.
            job_name: The job's name; made up when it is left out.
            experiment_name: The job's experiment; the endpoint's name when it is left out.
            instance_count: In place of the deployment's.
            settings: What of the deployment's settings to change, e.g. {"mini_batch_size": 20}.

        Raises:
            InvalidError: There is nothing to score, or a setting breaks a rule; nothing was queued.
            PreconditionError: No deployment was named, and the endpoint has no default.
        """
        places = dict(inputs or {})
        if input is not None:
            places["data"] = input
        if not places:
            raise InvalidError("There is nothing to score. Give an input.", field="inputs")
        body: dict[str, Any] = {
            "inputs": batch_inputs(self._transport, places),
            "deployment_name": deployment_name,
            "job_name": job_name,
            "experiment_name": experiment_name,
            "instance_count": instance_count,
            "settings": dict(settings) if settings else None,
            "outputs": {"score": {"type": "uri_folder", "path": output_path}} if output_path else None,
        }
        asked = {key: value for key, value in body.items() if value is not None}
        return Job.from_json(self._transport.post(f"{_endpoint(name)}/invoke", asked))

    def jobs(self, name: str) -> list[Job]:
        """List the jobs that an endpoint has queued, newest first."""
        return [Job.from_json(item) for item in self._transport.pages(f"{_endpoint(name)}/jobs")]


class BatchDeployments:
    """`ws.batch_deployments`: what scores behind the names."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        source: str | Path | Mapping[str, Any],
        *,
        endpoint_name: str | None = None,
        set_default: bool = False,
    ) -> BatchDeployment:
        """Create a deployment, or replace it, from a YAML file or a mapping.

        Args:
            source: The deployment. Paths in a YAML file are read against the file's folder.
            endpoint_name: The endpoint, when the file does not name it.
            set_default: Make it the one that is asked when none is named.

        Raises:
            InvalidError: The deployment breaks a rule; nothing was created.
        """
        given = read_source(source)
        if endpoint_name is not None:
            given.body["endpoint_name"] = endpoint_name
        endpoint = given.body.get("endpoint_name")
        if not endpoint:
            raise InvalidError("The deployment does not say which endpoint it is for.", field="endpoint_name")
        body = batch_deployment_body(self._transport, given)
        path = f"{_endpoint(str(endpoint))}/deployments"
        created = self._transport.post(path, body, set_default="true" if set_default else None)
        return BatchDeployment.from_json(created)

    def get(self, endpoint: str, name: str) -> BatchDeployment:
        """Return a deployment. Raises NotFoundError when there is none."""
        return BatchDeployment.from_json(self._transport.get(_deployment(endpoint, name)))

    def list(self, endpoint: str) -> list[BatchDeployment]:
        """List the deployments of an endpoint."""
        pages = self._transport.pages(f"{_endpoint(endpoint)}/deployments")
        return [BatchDeployment.from_json(item) for item in pages]

    def delete(self, endpoint: str, name: str) -> None:
        """Delete a deployment. Raises PreconditionError while it is the default."""
        self._transport.delete(_deployment(endpoint, name))

    def jobs(self, endpoint: str, name: str) -> list[Job]:
        """List the jobs of a deployment, newest first."""
        return [Job.from_json(item) for item in self._transport.pages(f"{_deployment(endpoint, name)}/jobs")]


def _endpoint(name: str) -> str:
    return f"batch-endpoints/{quote(name, safe='')}"


def _deployment(endpoint: str, name: str) -> str:
    return f"{_endpoint(endpoint)}/deployments/{quote(name, safe='')}"
