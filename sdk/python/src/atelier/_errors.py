"""Every error that this package raises on purpose.

    AtelierError
    ├── InvalidError            the request is malformed or breaks a rule
    │   └── SnapshotTooLargeError   the code folder is over a limit; nothing was sent
    ├── UnauthenticatedError    nobody signed in, or the token is no longer good
    ├── ForbiddenError          signed in, but not allowed
    ├── NotFoundError           no such thing, or none that you may see
    ├── ConflictError           the name is taken, or somebody else changed it first
    ├── PreconditionError       the thing is in a state that does not allow this
    │   ├── JobFailedError          a job that was waited for did not complete
    │   └── DeploymentFailedError   a deployment that was waited for did not come up
    ├── ExhaustedError          a limit, quota or rate is used up
    ├── UnavailableError        the server, or something it needs, is away; try again
    │   └── WaitTimeoutError        what was waited for did not happen in time
    ├── NotOfferedError         part of a contract that the server does not offer
    └── InternalError           the server's fault; its log has the details

The ten direct children are the server's ten error codes, one to one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "AtelierError",
    "ConflictError",
    "DeploymentFailedError",
    "ExhaustedError",
    "ForbiddenError",
    "InternalError",
    "InvalidError",
    "JobFailedError",
    "NotFoundError",
    "NotOfferedError",
    "PreconditionError",
    "SnapshotTooLargeError",
    "UnauthenticatedError",
    "UnavailableError",
    "WaitTimeoutError",
]


class AtelierError(Exception):
    """What went wrong, in a full sentence, and what to do next."""

    code = ""

    def __init__(self, message: str, *, hint: str = "", field: str = "", request_id: str = "") -> None:
        self.message = message
        self.hint = hint
        self.field = field
        self.request_id = request_id
        super().__init__(message)

    def __str__(self) -> str:
        text = f"{self.field}: {self.message}" if self.field else self.message
        return f"{text} {self.hint}" if self.hint else text


class InvalidError(AtelierError):
    """The request is malformed or breaks a rule."""

    code = "invalid"


class SnapshotTooLargeError(InvalidError):
    """The folder to upload is over a limit. Nothing was sent."""


class UnauthenticatedError(AtelierError):
    """Nobody signed in, or the token is no longer good."""

    code = "unauthenticated"


class ForbiddenError(AtelierError):
    """Signed in, but not allowed."""

    code = "forbidden"


class NotFoundError(AtelierError):
    """There is no such thing, or none that you may see."""

    code = "not_found"


class ConflictError(AtelierError):
    """The name is taken, or somebody else changed the thing first."""

    code = "conflict"


class PreconditionError(AtelierError):
    """The thing is in a state that does not allow this."""

    code = "precondition"


class JobFailedError(PreconditionError):
    """A job that was waited for ended as anything but Completed."""


class DeploymentFailedError(PreconditionError):
    """A deployment that was waited for did not come up."""


class ExhaustedError(AtelierError):
    """A limit, quota or rate is used up."""

    code = "exhausted"


class UnavailableError(AtelierError):
    """The server, or something it depends on, is away. Trying again may help."""

    code = "unavailable"


class WaitTimeoutError(UnavailableError):
    """What was waited for did not happen in the time that the caller gave."""


class NotOfferedError(AtelierError):
    """Part of a contract that the server speaks but does not offer."""

    code = "not_implemented"


class InternalError(AtelierError):
    """The server's fault. Its log has the details under the request's id."""

    code = "internal"


_BY_CODE: dict[str, type[AtelierError]] = {kind.code: kind for kind in AtelierError.__subclasses__()}

_BY_STATUS: dict[int, type[AtelierError]] = {
    400: InvalidError,
    401: UnauthenticatedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    412: PreconditionError,
    413: ExhaustedError,
    422: InvalidError,
    429: ExhaustedError,
    501: NotOfferedError,
    502: UnavailableError,
    503: UnavailableError,
    504: UnavailableError,
}


def error_from_response(status: int, body: Any) -> AtelierError:
    """Make the error for an HTTP answer: by its code, or by its status where the body has none."""
    fault = body.get("error") if isinstance(body, Mapping) else None
    if isinstance(body, Mapping) and "error_code" in body:  # a route that speaks MLflow's API
        return _BY_STATUS.get(status, InternalError)(str(body.get("message") or body["error_code"]))
    if not isinstance(fault, Mapping):
        kind = _BY_STATUS.get(status, InternalError)
        return kind(f"The server answered with HTTP status {status} and no explanation.")
    kind = _BY_CODE.get(str(fault.get("code", "")), _BY_STATUS.get(status, InternalError))
    message = str(fault.get("message") or f"The server answered with HTTP status {status}.")
    places = [
        f"{detail.get('location')}: {detail.get('message')}"
        for detail in fault.get("details") or []
        if isinstance(detail, Mapping)
    ]
    return kind(
        "\n  ".join([message, *places]),
        hint=str(fault.get("hint") or ""),
        field=str(fault.get("field") or ""),
        request_id=str(fault.get("request_id") or ""),
    )
