"""Models: register, list and download."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ._download import fetch_tree
from ._spec import Source, model_body, read_source
from ._transport import Transport
from ._values import Value

__all__ = ["Model", "ModelVersion", "Models"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model(Value):
    """A registered model: a name under which versions count up."""

    name: str
    description: str = ""
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    aliases: dict[str, str] = dataclasses.field(default_factory=dict)
    latest_version: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelVersion(Value):
    """One version of a model: files that never change. Size is in bytes."""

    name: str
    version: str
    type: str = "custom_model"
    path: str = ""
    tree: str = ""
    size: int = 0
    flavors: dict[str, Any] = dataclasses.field(default_factory=dict)
    description: str = ""
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    properties: dict[str, str] = dataclasses.field(default_factory=dict)
    stage: str = ""
    run_id: str = ""
    aliases: list[str] = dataclasses.field(default_factory=list)
    created_by: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Models:
    """`ws.models`: the model registry of a workspace."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        source: str | Path | Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        path: str | Path | None = None,
        type: str | None = None,
        version: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> ModelVersion:
        """Register a version of a model.

        Args:
            source: A model YAML file or a mapping of the same shape; the keywords win over it.
            name: The model's name.
            path: A local file or folder, `runs:/RUN/model`, or `azureml://jobs/JOB/outputs/OUTPUT/paths/PATH`.
            type: custom_model (the default), mlflow_model or triton_model.
            version: The next number unless told.
            description: For people.
            tags: For searching.

        Raises:
            ConflictError: That version is taken.
            NotFoundError: There is nothing at path.
        """
        given = read_source(source) if source is not None else Source({}, Path.cwd())
        if path is not None and not isinstance(path, str):
            path = str(path.absolute())
        keywords = {
            "name": name,
            "path": path,
            "type": type,
            "version": version,
            "description": description,
            "tags": tags,
        }
        given.body.update({key: value for key, value in keywords.items() if value is not None})
        return ModelVersion.from_json(self._transport.post("models", model_body(self._transport, given)))

    def list(self, *, name: str | None = None) -> list[Model] | list[ModelVersion]:
        """List the models, or, with a name, the versions of that one."""
        if name is None:
            return [Model.from_json(item) for item in self._transport.pages("models")]
        pages = self._transport.pages(f"models/{quote(name, safe='')}/versions")
        return [ModelVersion.from_json(item) for item in pages]

    def get(self, name: str, *, version: str = "latest") -> ModelVersion:
        """Return a version of a model, the latest unless told. Raises NotFoundError when there is none."""
        return ModelVersion.from_json(self._transport.get(_path(name, version)))

    def download(
        self, name: str, *, version: str = "latest", download_path: str | Path | None = None
    ) -> list[Path]:
        """Download a version's files and return their places; each is checked against its hash.

        Args:
            name: The model.
            version: Which version.
            download_path: The folder to write to; one named like the model unless told.
        """
        found = self.get(name, version=version)
        return fetch_tree(self._transport, found.tree, Path(download_path or name))


def _path(name: str, version: str) -> str:
    return f"models/{quote(name, safe='')}/versions/{quote(version, safe='')}"
