"""Secrets: values that jobs and deployments are given by name."""

from __future__ import annotations

import builtins
import dataclasses
from datetime import datetime
from urllib.parse import quote

from ._transport import Transport
from ._values import Value

__all__ = ["Secret", "Secrets"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Secret(Value):
    """What is known of a secret. Its value is given to the tasks that name it, and to nobody else."""

    name: str
    version: int = 0
    created_by: str = ""
    created_at: datetime | None = None
    updated_by: str = ""
    updated_at: datetime | None = None
    used_by: str = ""
    used_at: datetime | None = None


class Secrets:
    """`ws.secrets`: jobs refer to them as "${{secrets.NAME}}" in their environment variables."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def set(self, name: str, value: str) -> Secret:
        """Give a secret a value, making it where there is none. Nobody can read it back."""
        return Secret.from_json(self._transport.put(_path(name), {"value": value}))

    def list(self) -> builtins.list[Secret]:
        """List the secrets by name, without values."""
        return [Secret.from_json(item) for item in self._transport.pages("secrets")]

    def get(self, name: str) -> Secret:
        """Return what is known of a secret. Raises NotFoundError when there is none."""
        return Secret.from_json(self._transport.get(_path(name)))

    def delete(self, name: str) -> None:
        """Forget a secret. What runs keeps what it was given."""
        self._transport.delete(_path(name))


def _path(name: str) -> str:
    return f"secrets/{quote(name, safe='')}"
