"""Turns Azure ML v2 YAML (or a mapping of the same shape) into the JSON that the server takes.

Only what lies on this machine is handled here: local paths are uploaded and
replaced by the place where the server keeps them, conda and requirement files
are read in. Everything else is the server's to judge, so that the rules are
written once.
"""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import yaml

from ._errors import InvalidError, NotFoundError
from ._snapshot import scan_code, scan_data, upload
from ._transport import Transport

__all__ = [
    "Source",
    "batch_deployment_body",
    "batch_inputs",
    "data_body",
    "deployment_body",
    "environment_body",
    "job_body",
    "model_body",
    "read_source",
]

_REMOTE = re.compile(r"^(azureml:|runs:/|models:/|[a-z][a-z0-9+.-]*://)", re.IGNORECASE)
_DATASTORE = "azureml://datastores/workspaceblobstore/paths"


@dataclasses.dataclass
class Source:
    """What the user gave: the mapping, and the folder against which its paths are read."""

    body: dict[str, Any]
    folder: Path


def read_source(source: Any) -> Source:
    """Read a YAML file, a mapping, or a dataclass such as CommandJob.

    Raises:
        NotFoundError: The file is not there.
        InvalidError: The file is not YAML, or does not hold a mapping.
    """
    if isinstance(source, Mapping):
        return Source(dict(source), Path.cwd())
    if dataclasses.is_dataclass(source) and not isinstance(source, type):
        given = {field.name: getattr(source, field.name) for field in dataclasses.fields(source)}
        return Source({key: value for key, value in given.items() if value not in (None, {})}, Path.cwd())
    path = Path(source)
    body = _read_yaml(path)
    body.pop("$schema", None)
    return Source(body, path.resolve().parent)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise NotFoundError(f"The file {path} cannot be read: {fault.strerror}.") from fault
    except yaml.YAMLError as fault:
        raise InvalidError(f"{path} is not YAML: {fault}.") from fault
    if not isinstance(body, dict):
        raise InvalidError(f"{path} must hold a mapping of keys to values.")
    return body


def job_body(transport: Transport, source: Source) -> dict[str, Any]:
    """Upload what a command job names on this machine and return the body to submit."""
    body = dict(source.body)
    body.setdefault("experiment_name", re.sub(r"\s", "", Path.cwd().name) or "Default")
    if local := _local(body.get("code"), source.folder):
        body["code"] = _upload_code(transport, local)
        body["properties"] = {**_git_facts(local), **(body.get("properties") or {})}
    if body.get("inputs"):
        inputs = body["inputs"].items()
        body["inputs"] = {name: _input(transport, value, source.folder) for name, value in inputs}
    if body.get("environment"):
        body["environment"] = environment_body(body["environment"], source.folder)
    return body


def deployment_body(transport: Transport, source: Source) -> dict[str, Any]:
    """Upload what a deployment names on this machine and return the body to submit."""
    body = dict(source.body)
    code = body.get("code_configuration")
    if isinstance(code, Mapping) and (local := _local(code.get("code"), source.folder)):
        body["code_configuration"] = {**code, "code": _upload_code(transport, local)}
    model = body.get("model")
    if isinstance(model, Mapping):
        body["model"] = model_body(transport, Source(dict(model), source.folder))
    elif local := _local(model, source.folder):
        body["model"] = {"path": _upload_data(transport, local)}
    if body.get("environment"):
        body["environment"] = environment_body(body["environment"], source.folder)
    return body


_BATCH_SETTINGS = (
    "mini_batch_size",
    "max_concurrency_per_instance",
    "error_threshold",
    "retry_settings",
    "output_action",
    "output_file_name",
    "logging_level",
    "environment_variables",
)


def batch_deployment_body(transport: Transport, source: Source) -> dict[str, Any]:
    """Upload what a batch deployment names on this machine and return the body to submit.

    Older files have the keys of `settings` at their root.
    """
    body = deployment_body(transport, source)
    older = {key: body.pop(key) for key in _BATCH_SETTINGS if key in body}
    if twice := sorted(older.keys() & (body.get("settings") or {}).keys()):
        raise InvalidError(f'The key "{twice[0]}" is also given as "settings.{twice[0]}". Write it once.')
    if older:
        body["settings"] = {**older, **(body.get("settings") or {})}
    return body


def batch_inputs(transport: Transport, places: Mapping[str, Any]) -> dict[str, Any]:
    """Upload the places on this machine that are to be scored, and return the inputs to submit."""
    inputs: dict[str, Any] = {}
    for name, place in places.items():
        given = dict(place) if isinstance(place, Mapping) else {"path": place}
        if local := _local(given.get("path"), Path.cwd()):
            given.setdefault("type", "uri_file" if local.is_file() else "uri_folder")
            given["path"] = _upload_data(transport, local)
        given.setdefault("type", "uri_folder")
        inputs[name] = given
    return inputs


def model_body(transport: Transport, source: Source) -> dict[str, Any]:
    """Upload a model's local path, if it has one, and return the body to submit."""
    body = dict(source.body)
    if local := _local(body.get("path"), source.folder):
        body["path"] = _upload_data(transport, local)
    return body


def data_body(transport: Transport, source: Source) -> dict[str, Any]:
    """Upload a data asset's local path, if it has one, and return the body to submit."""
    body = dict(source.body)
    if local := _local(body.get("path"), source.folder):
        body.setdefault("type", "uri_file" if local.is_file() else "uri_folder")
        body["path"] = _upload_data(transport, local)
    return body


def environment_body(environment: Any, folder: Path) -> Any:
    """Read in the files that an environment names; a reference stays as it is."""
    if isinstance(environment, str):
        if not environment.startswith("file:") and not environment.endswith((".yml", ".yaml")):
            return environment
        path = folder / environment.removeprefix("file:")
        environment, folder = _read_yaml(path), path.resolve().parent
        environment.pop("$schema", None)
    body = dict(environment)
    for key, name_key in (("conda_file", "conda_file_name"), ("pip_requirements", "pip_requirements_name")):
        named = body.get(key)
        if isinstance(named, Path) or (isinstance(named, str) and "\n" not in named):
            body[key] = _read_text(folder / str(named).removeprefix("file:"))
            body[name_key] = str(named)  # so that the resolver's complaints name the file
    if isinstance(body.get("conda_file"), Mapping):
        body["conda_file"] = yaml.safe_dump(dict(body["conda_file"]), sort_keys=False)
    if isinstance(body.get("build"), Mapping) and "path" in body["build"]:
        body["build"] = _docker_build(body["build"], folder)
    return body


_MAX_CONTEXT_FILE = 1 << 20
_MAX_CONTEXT = 4 << 20
_PACKAGE_LISTS = (".txt", ".in", ".yml", ".yaml", ".lock")


def _docker_build(build: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Read in a Docker build context: its Dockerfile, and the files that may list packages.

    The server translates them, and refuses what is more than a list of packages. Nothing
    outside the context is read, wherever links lead.
    """
    if unknown := sorted(set(build) - {"path", "dockerfile_path"}):
        raise InvalidError(f'The key "build.{unknown[0]}" is not known. Give path and dockerfile_path.')
    if _REMOTE.match(str(build["path"])):
        raise InvalidError(f'"build.path" must be a folder on this machine, and {build["path"]} is none.')
    context = _local(build["path"], folder)
    if context is None or not context.is_dir():
        raise NotFoundError(f'"build.path" leads nowhere: there is no folder {context or build["path"]}.')
    name = str(build.get("dockerfile_path") or "Dockerfile")
    root = context.resolve()
    dockerfile = (root / name).resolve()
    if not dockerfile.is_relative_to(root):
        raise InvalidError(f'"build.dockerfile_path" leads out of the context {context}: {name}.')
    text = _read_text(dockerfile)
    shown = f"{Path(build['path']).as_posix().removeprefix('file:')}/{name}"
    return {"dockerfile": text, "dockerfile_name": shown, "files": _package_lists(root, text)}


def _package_lists(root: Path, dockerfile: str) -> dict[str, str]:
    """Return the texts of a context that its Dockerfile may install from, by their path."""
    files: dict[str, str] = {}
    left = _MAX_CONTEXT
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        wanted = path.suffix in _PACKAGE_LISTS or path.name in dockerfile
        if not wanted or not path.is_file() or not path.resolve().is_relative_to(root):
            continue
        if path.stat().st_size > min(_MAX_CONTEXT_FILE, left):
            continue  # no list of packages is that long; the server says that it is not there
        try:
            files[name] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        left -= len(files[name].encode())
    return files


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as fault:
        raise NotFoundError(f"The file {path} cannot be read: {fault.strerror}.") from fault
    except UnicodeDecodeError as fault:
        raise InvalidError(f"The file {path} is not text in UTF-8.") from fault


def _local(value: Any, folder: Path) -> Path | None:
    """Return the local path that value means, or None when it is somewhere else."""
    if isinstance(value, Path):
        return folder / value
    if not isinstance(value, str) or not value or _REMOTE.match(value):
        return None
    return folder / Path(value.removeprefix("file:")).expanduser()


def _input(transport: Transport, value: Any, folder: Path) -> Any:
    if isinstance(value, Mapping) and (local := _local(value.get("path"), folder)):
        return {**value, "path": _upload_data(transport, local)}
    return value


def _upload_code(transport: Transport, folder: Path) -> str:
    return f"azureml:{upload(transport, scan_code(folder))}:1"


def _upload_data(transport: Transport, path: Path) -> str:
    tree = upload(transport, scan_data(path))
    return f"{_DATASTORE}/LocalUpload/{tree}/{path.resolve().name}"


def _git_facts(folder: Path) -> dict[str, str]:
    """Return where the code comes from, in Azure Machine Learning's words; empty outside git."""
    where = folder if folder.is_dir() else folder.parent
    commit = _git(where, "rev-parse", "--verify", "HEAD")
    if not commit:
        return {}
    facts = {
        "mlflow.source.git.repoURL": _without_credentials(
            _git(where, "config", "--get", "remote.origin.url")
        ),
        "mlflow.source.git.branch": _git(where, "symbolic-ref", "--short", "-q", "HEAD"),
        "mlflow.source.git.commit": commit,
        "azureml.git.dirty": str(_git(where, "status", "--porcelain", "--", ".") != ""),
    }
    return {key: value for key, value in facts.items() if value}


def _git(folder: Path, *arguments: str) -> str | None:
    """Ask git; it may not ask anybody anything, nor start a program that the repository's settings name."""
    environ = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, env=environ)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def _without_credentials(remote: str | None) -> str:
    """Leave out the user and the password that an address may hold."""
    parts = urlsplit(remote or "")
    if not parts.netloc:
        return remote or ""
    user, at, host = parts.netloc.rpartition("@")
    keep = user.partition(":")[0] + at if parts.scheme == "ssh" else ""
    return urlunsplit(parts._replace(netloc=keep + host))
