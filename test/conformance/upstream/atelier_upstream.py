"""A pytest plugin that runs MLflow's own tests, from a checkout, against Atelier.

The tests start MLflow's server in three ways; here each of them starts `bin/atelier` instead, on a folder of
its own. Tests of the fluent API, which run on a database file upstream, go through a server too. Nothing of
the checkout is changed. The tests send no token, so every request to one of our servers gets its owner's.

What is known to fail, and why, is in exceptions.txt: a test that is listed there has to fail.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import tempfile
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
import requests

_HERE = Path(__file__).parent
_REPOSITORY = _HERE.parents[2]
_BINARY = Path(os.environ.get("ATELIER_BIN", _REPOSITORY / "bin" / "atelier"))
_tokens: dict[str, str] = {}  # by host and port


def _load_server() -> Any:
    """Our tests' own Server, which cannot be imported by name: the checkout has a conftest too."""
    spec = importlib.util.spec_from_file_location("atelier_conftest", _REPOSITORY / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Server


_Server = _load_server()


class Started:
    """A running server, in whichever way a test holds one: as a context, a context's value or a process."""

    def __init__(self, *options: str) -> None:
        mlflow.set_tracking_uri(None)  # as MLflow's launcher does, for what goes by the environment
        self._folder = tempfile.TemporaryDirectory(prefix="atelier-upstream-")
        self._server = _Server(_BINARY, Path(self._folder.name), *options)
        self.url = self._server.url
        _tokens[urllib.parse.urlsplit(self.url).netloc] = self._server.token
        os.environ["MLFLOW_TRACKING_TOKEN"] = self._server.token  # for what a test starts beside itself

    def kill(self) -> None:
        """End the server and remove what it kept."""
        self._server.stop()
        self._folder.cleanup()


@contextlib.contextmanager
def _served(*options: str) -> Iterator[str]:
    started = Started(*options)
    try:
        yield started.url
    finally:
        started.kill()


def _init_server(*_: object, **__: object) -> contextlib.AbstractContextManager[str]:
    return _served()


class _ServerThread(contextlib.AbstractContextManager):
    """In place of the thread in which newer tests run MLflow's server."""

    def __init__(self, _app: object, port: int) -> None:
        self._port = port

    def __enter__(self) -> str:
        self._started = Started("--port", str(self._port))
        return self._started.url

    def __exit__(self, *_: object) -> None:
        self._started.kill()


class _Launched:
    """In place of the process of `mlflow server`, which newer tests hold as a context."""

    def __init__(self, _host: str, port: int, *_: object) -> None:
        self._started = Started("--port", str(port))
        self.kill = self._started.kill

    def __enter__(self) -> _Launched:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class _Database(contextlib.AbstractContextManager):
    """In place of MLflow's store, which modules open to have its tables made before the server starts."""

    def __init__(self, *_: object) -> None:
        self.engine = self

    def dispose(self) -> None:
        """Forget nothing, since nothing was made."""

    def __exit__(self, *_: object) -> None:
        self.dispose()


_REPLACED = {
    "_init_server": _init_server,
    "ServerThread": _ServerThread,
    "_launch_server": _Launched,
    "SqlAlchemyStore": _Database,
    "initialize_backend_stores": lambda *_, **__: None,
}


def _send_tokens() -> None:
    """Give every request that goes to one of our servers its token, unless it brings its own."""
    prepare = requests.Session.prepare_request

    def with_token(session: requests.Session, request: requests.Request) -> requests.PreparedRequest:
        prepared = prepare(session, request)
        token = _tokens.get(urllib.parse.urlsplit(prepared.url).netloc)
        if token and "Authorization" not in (request.headers or {}):
            prepared.headers["Authorization"] = f"Bearer {token}"
        return prepared

    requests.Session.prepare_request = with_token


def _read(name: str) -> list[tuple[str, str]]:
    """The lines of a file in sections, each with its section's heading."""
    heading, rows = "", []
    for line in (_HERE / name).read_text().splitlines():
        if line.startswith("["):
            heading = line.strip("[]")
        elif line and not line.startswith("#"):
            rows.append((line, heading))
    return rows


_GROUPS = dict(_read("modules.txt"))


def _exceptions() -> list[tuple[re.Pattern[str], str]]:
    """What is excepted for this checkout: a pattern of test names and the reason, for each line."""
    major = f"only MLflow {mlflow.__version__.split('.')[0]}: "
    rows = [(pattern, reason.removeprefix(major)) for pattern, reason in _read("exceptions.txt")]
    # Square brackets stand for themselves: parameters have them.
    return [
        (re.compile(".*/" + re.escape(pattern).replace(r"\*", ".*")), reason)
        for pattern, reason in rows
        if not reason.startswith("only MLflow")
    ]


_EXCEPTIONS = _exceptions()


def _reason(nodeid: str) -> str:
    """Why a test is excepted, or nothing."""
    return next((reason for pattern, reason in _EXCEPTIONS if pattern.fullmatch(nodeid)), "")


def pytest_configure(config: pytest.Config) -> None:
    """Put our server in the place of MLflow's before any test module is imported."""
    _send_tokens()
    import tests.tracking.integration_test_utils as utils

    for name in ("_init_server", "ServerThread"):
        setattr(utils, name, _REPLACED[name])
    config.option.disable_warnings = True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Replace the servers that modules start themselves, and mark what is known to fail."""
    # Older tests run once for each of MLflow's stores. We have one.
    once = [item for item in items if not re.search(r"\[(.*-)?file(-.*)?\]$", item.nodeid)]
    config.hook.pytest_deselected(items=[item for item in items if item not in once])
    items[:] = once
    for module in {item.module for item in items}:
        for name, ours in _REPLACED.items():
            if hasattr(module, name):
                setattr(module, name, ours)
    for item in items:
        reason = _reason(item.nodeid)
        if reason.startswith("not run: "):
            item.add_marker(pytest.mark.skip(reason=reason))
        elif reason:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


@pytest.fixture(autouse=True)
def through_a_server(request: pytest.FixtureRequest, tracking_uri_mock: object) -> Iterator[None]:
    """Send the tests of the fluent API, which upstream run on a database file, through a server."""
    if _GROUPS.get(request.node.nodeid.split("::")[0]) != "fluent":
        yield
        return
    from mlflow.tracking._tracking_service.utils import _use_tracking_uri

    with _served() as url, _use_tracking_uri(url):
        yield


_results: dict[str, tuple[str, str]] = {}  # how each test ended, and why it was allowed to


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Note how each test ended, over all its phases."""
    report = (yield).get_result()
    outcome, reason = report.outcome, _reason(item.nodeid)
    if outcome == "skipped" and (reason or hasattr(report, "wasxfail")):
        outcome, reason = "excepted", reason or "MLflow itself expects it to fail"
    before = _results.get(item.nodeid, ("passed", ""))
    _results[item.nodeid] = max(before, (outcome, reason), key=lambda result: _OUTCOMES.index(result[0]))


_OUTCOMES = ["passed", "skipped", "excepted", "failed"]  # the worse one counts


def _summary() -> dict[str, Any]:
    """The run in figures: for each module how its tests ended, and for each reason how many it excepted."""
    modules: dict[str, Counter[str]] = {}
    for nodeid, (outcome, _) in _results.items():
        modules.setdefault(nodeid.split("::")[0], Counter(dict.fromkeys(_OUTCOMES, 0)))[outcome] += 1
    reasons = Counter(reason for outcome, reason in _results.values() if outcome == "excepted")
    return {"mlflow": mlflow.__version__, "modules": modules, "excepted": reasons, "endpoints": _endpoints()}


def _endpoints() -> list[str]:
    """Every route that this version of MLflow's own server registers for its clients."""
    from mlflow.server.handlers import get_endpoints

    parameter = re.compile(r"<(?:[^:>]*:)?([^>]*)>")  # Flask's way of writing one
    routes = [
        f"{method} {path}"
        for path, methods in ((parameter.sub(r"{\1}", rule), methods) for rule, _, methods in get_endpoints())
        for method in methods
    ]
    return sorted(route for route in routes if " /api/" in route)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the closing table, and keep it where it was asked for."""
    summary = _summary()
    line = terminalreporter.write_line
    terminalreporter.section(f"the tests of MLflow {summary['mlflow']} against Atelier")
    rows = {**summary["modules"], "all": sum(summary["modules"].values(), Counter())}
    line(f"{'':46}" + "".join(f"{outcome:>10}" for outcome in _OUTCOMES))
    for name, counts in sorted(rows.items(), key=lambda row: (row[0] == "all", row[0])):
        line(f"{name:46}" + "".join(f"{counts[outcome]:>10}" for outcome in _OUTCOMES))
    line("\nExcepted, and why:")
    for reason, count in summary["excepted"].most_common():
        line(f"{count:6}  {reason}")
    if place := os.environ.get("ATELIER_UPSTREAM_RESULTS"):
        Path(place).write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n")
