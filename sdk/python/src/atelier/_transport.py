"""The one place that talks HTTP: addresses, the token, retries, errors and streams.

Requests that may be repeated without harm (GET, PUT, DELETE) are tried again,
three times at most, when the server cannot be reached or answers 502 to 504.
A POST is tried again only when the connection was refused, so that nothing is
ever created twice.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from ._errors import InternalError, UnavailableError, error_from_response

__all__ = ["Event", "Transport"]

_ATTEMPTS = 4
_FIRST_PAUSE = 0.2  # seconds; doubles with every attempt
_SILENCE = 60.0  # seconds without a byte after which a stream counts as broken
_AWAY = frozenset({502, 503, 504})
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})


@dataclasses.dataclass(frozen=True)
class Event:
    """One server-sent event."""

    name: str
    id: str
    data: Any


class Transport:
    """Sends requests to one workspace of one server."""

    def __init__(self, server: str, workspace: str, token: str, *, timeout: float) -> None:
        self.server = server.rstrip("/")
        self.workspace = workspace
        self.token = token
        self._client = httpx.Client(
            base_url=f"{self.server}/api/v1/workspaces/{quote(workspace, safe='')}/",
            headers={"Authorization": f"Bearer {token}", "User-Agent": "atelier-python/0.1"},
            timeout=httpx.Timeout(timeout, connect=10.0),
            follow_redirects=False,
            trust_env=not _is_loopback(self.server),
        )

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def get(self, path: str, /, **query: Any) -> Any:
        """GET a JSON answer; query values of None are left out."""
        return _json(self._send("GET", path, params=_query(query)))

    def post(self, path: str, body: Any, /, **query: Any) -> Any:
        """POST a JSON body and return the JSON answer."""
        return _json(self._send("POST", path, json=body, params=_query(query)))

    def put(self, path: str, body: Any) -> Any:
        """PUT a JSON body and return the JSON answer."""
        return _json(self._send("PUT", path, json=body))

    def mlflow(self, path: str, body: Any) -> Any:
        """POST a JSON body to a route of MLflow's API in the workspace and return the JSON answer."""
        return self.post(
            f"{self.server}/workspaces/{quote(self.workspace, safe='')}/api/2.0/mlflow/{path}", body
        )

    def patch(self, path: str, body: Any) -> Any:
        """PATCH with a JSON body and return the JSON answer."""
        return _json(self._send("PATCH", path, json=body))

    def delete(self, path: str, /, **query: Any) -> Any:
        """DELETE a thing, and return the JSON answer where there is one."""
        response = self._send("DELETE", path, params=_query(query))
        return _json(response) if response.content else None

    def post_raw(self, path: str, content: bytes, /, *, content_type: str, **query: Any) -> httpx.Response:
        """POST bytes and return the whole answer, for bodies that are not ours (a scoring request)."""
        headers = {"Content-Type": content_type}
        return self._send("POST", path, content=content, headers=headers, params=_query(query))

    def put_stream(self, path: str, open_body: Callable[[], Iterable[bytes]], size: int) -> None:
        """PUT a body of known size (bytes) without holding it in memory; open_body is called per attempt."""
        self._retry("PUT", lambda: self._once("PUT", path, open_body, size))

    def _once(
        self, method: str, path: str, open_body: Callable[[], Iterable[bytes]], size: int
    ) -> httpx.Response:
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        return self._client.request(method, path, content=open_body(), headers=headers)

    def pages(self, path: str, /, *, limit: int | None = None, **query: Any) -> Iterator[dict[str, Any]]:
        """Yield the items of a list, page after page, at most limit of them."""
        token: str | None = None
        left = limit
        while True:
            size = None if left is None else min(left, 1000)
            page = self.get(path, max_results=size, page_token=token, **query)
            for item in page.get("items") or []:
                yield item
                if left is not None:
                    left -= 1
                    if left <= 0:
                        return
            token = page.get("next_page_token")
            if not token:
                return

    @contextlib.contextmanager
    def download(self, path: str, /, **query: Any) -> Iterator[Iterator[bytes]]:
        """GET raw bytes as a stream of chunks."""
        try:
            with self._client.stream("GET", path, params=_query(query)) as response:
                _check(response)
                yield response.iter_bytes()
        except httpx.TransportError as fault:
            raise self._away(fault) from fault

    def events(self, path: str, /, **query: Any) -> Iterator[Event]:
        """Yield server-sent events until the server ends the stream or the connection breaks."""
        quiet = httpx.Timeout(10.0, read=_SILENCE)
        try:
            with self._client.stream("GET", path, params=_query(query), timeout=quiet) as response:
                _check(response)
                yield from _parse_events(response.iter_lines())
        except httpx.TransportError as fault:
            raise self._away(fault) from fault

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._retry(method, lambda: self._client.request(method, path, **options))

    def _retry(self, method: str, send: Callable[[], httpx.Response]) -> httpx.Response:
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            try:
                response = send()
            except httpx.TransportError as fault:
                unsent = isinstance(fault, httpx.ConnectError)
                if last or not (unsent or method in _REPEATABLE):
                    raise self._away(fault) from fault
            else:
                if last or method not in _REPEATABLE or response.status_code not in _AWAY:
                    return _check(response)
            time.sleep(_FIRST_PAUSE * 2**attempt)
        raise AssertionError("unreachable")

    def _away(self, fault: httpx.TransportError) -> UnavailableError:
        return UnavailableError(
            f"The server at {self.server} did not answer: {str(fault).rstrip('.') or type(fault).__name__}.",
            hint="Start it with `atelier up`, or check the address.",
        )


def _parse_events(lines: Iterator[str]) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in lines:
        if not line:
            if "data" in fields:
                name, text = fields.get("event", "message"), fields["data"]
                yield Event(name=name, id=fields.get("id", ""), data=json.loads(text))
            fields = {}
        elif not line.startswith(":"):
            key, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[key] = f"{fields['data']}\n{value}" if key == "data" and "data" in fields else value


def _query(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _is_loopback(server: str) -> bool:
    return httpx.URL(server).host in {"127.0.0.1", "localhost", "::1"}


def _check(response: httpx.Response) -> httpx.Response:
    if response.status_code < 300:
        return response
    response.read()
    try:
        body = response.json()
    except ValueError:
        body = None
    raise error_from_response(response.status_code, body)


def _json(response: httpx.Response) -> Any:
    if not response.content:
        return {}
    try:
        return response.json()
    except ValueError as fault:
        raise InternalError(
            "The server's answer is not JSON.", hint="Is the address that of an Atelier server?"
        ) from fault
