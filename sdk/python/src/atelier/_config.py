"""Where the package finds the workspace and the token: config.json and the user's credentials."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ._errors import InvalidError, NotFoundError, UnauthenticatedError

__all__ = ["DEFAULT_SERVER", "credentials_file", "find_config", "find_token", "read_config"]

DEFAULT_SERVER = "http://127.0.0.1:8700"


def find_config(start: Path) -> Path | None:
    """Return the first config.json found in start, its `.azureml` folder, or any folder above."""
    start = start.resolve()
    if start.is_file():
        return start
    for folder in (start, *start.parents):
        for candidate in (folder / "config.json", folder / ".azureml" / "config.json"):
            if candidate.is_file() and _names_a_workspace(candidate):
                return candidate
    return None


def _names_a_workspace(path: Path) -> bool:
    """Tell our config.json from the many files of that name that other programs keep."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True  # reading it again gives the error that the user should see
    return isinstance(body, dict) and ("workspace_name" in body or "server" in body)


def read_config(path: Path) -> dict[str, Any]:
    """Read a config.json. Its keys are `server` and `workspace_name`; others are kept.

    Raises:
        NotFoundError: The file cannot be read.
        InvalidError: The file is not a JSON object.
    """
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise NotFoundError(f"{path} cannot be read: {fault.strerror}.") from fault
    except ValueError as fault:
        raise InvalidError(f"{path} is not JSON: {fault}.") from fault
    if not isinstance(body, dict):
        raise InvalidError(f"{path} must hold a JSON object.", hint='Write {"workspace_name": "default"}.')
    return body


def credentials_file(environ: Mapping[str, str] | None = None) -> Path:
    """Return the file in the user's configuration folder that maps server URLs to tokens."""
    environ = os.environ if environ is None else environ
    home = Path(environ.get("HOME") or Path.home())
    if sys.platform == "win32":
        base = Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    return base / "atelier" / "credentials.json"


def find_token(server: str, *, named_by_file: bool = False) -> str:
    """Return the token for a server: ATELIER_TOKEN, else the credentials file.

    ATELIER_TOKEN is not used for a server that a config.json names: the file may have come with
    somebody else's code, and must not be able to collect it.

    Raises:
        UnauthenticatedError: Neither has one.
    """
    if (token := os.environ.get("ATELIER_TOKEN")) and not named_by_file:
        return token
    path = credentials_file()
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    token = known.get(_canonical(server))
    if not isinstance(token, str) or not token:
        raise UnauthenticatedError(
            f"There is no token for {server}.",
            hint=f"Set ATELIER_SERVER and ATELIER_TOKEN, pass token=, or sign in, so that {path} has one.",
        )
    return token


def _canonical(server: str) -> str:
    """Return the form of an address under which its token is kept: localhost is 127.0.0.1."""
    parts = urlsplit(server.strip())
    host = parts.netloc.lower()
    if parts.hostname == "localhost":
        host = host.replace("localhost", "127.0.0.1", 1)
    return f"{parts.scheme.lower()}://{host}{parts.path.rstrip('/')}"
