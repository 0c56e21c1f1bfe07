"""The stock client on a running server, and a record of which endpoints each test calls."""

import contextlib
import json
import os
import re
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import mlflow
import pytest
import requests
from postgres import fresh_database

MAJOR = int(mlflow.__version__.split(".")[0])
RECORD = Path(__file__).parent / "calls" / f"mlflow-{MAJOR}.json"
VARIABLE = [  # what stands in a path for a name
    (re.compile(r"^(/api/2\.0/mlflow-artifacts/\w+(?:/(?:create|complete|abort))?)/.+"), r"\1/{path}"),
    (re.compile(r"/logged-models/m-\w+"), "/logged-models/{model_id}"),
    (re.compile(r"/logged-models/\{model_id\}/tags/.+"), "/logged-models/{model_id}/tags/{tag_key}"),
    (re.compile(r"/mlflow/workspaces/.+"), "/mlflow/workspaces/{workspace_name}"),
]
PROBES = {"/api/3.0/mlflow/server-info"}  # asked again after a while, by whichever test runs
OURS = {"test_import.py", "test_server_away.py"}  # they look at what we do, not at what the client may
calls: dict[str, set[str]] = {}  # by endpoint, the tests that called it


@pytest.fixture(scope="session")
def server_options():
    """The database of the server: SQLite, or with ATELIER_TEST_ENGINE=postgres a new one in PostgreSQL."""
    if os.environ.get("ATELIER_TEST_ENGINE") != "postgres":
        yield []
        return
    with fresh_database() as url:
        yield ["--database", url]


@pytest.fixture(autouse=True)
def client(server, request, monkeypatch):
    """The stock client, set up as a user would: by environment variables."""
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", server.token)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    # What a model needs is looked for in a process of its own, for longer than anything that is tested here.
    monkeypatch.setenv("MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT", "1")
    mlflow.set_tracking_uri(server.url)
    mlflow.set_registry_uri(server.url)
    with recorded(server.url, request.node, monkeypatch):
        yield mlflow.MlflowClient()
        while mlflow.active_run():
            mlflow.end_run()


@contextlib.contextmanager
def recorded(url: str, test: pytest.Item, monkeypatch: pytest.MonkeyPatch):
    """Note each endpoint that answers well while a test runs."""
    send = requests.Session.send

    def noted(session, prepared, **options):
        answer = send(session, prepared, **options)
        if prepared.url.startswith(url) and answer.ok and test.path.name not in OURS:
            path = urlsplit(prepared.url).path
            if "/mlflow-artifacts/mpu/parts/" in path:
                return answer  # an address that the server gave, and no endpoint that clients know
            for pattern, name in VARIABLE:
                path = pattern.sub(name, path)
            if path in PROBES:
                return answer
            calls.setdefault(f"{prepared.method} {path}", set()).add(f"{test.path.name}::{test.originalname}")
        return answer

    monkeypatch.setattr(requests.Session, "send", noted)
    yield


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """After a whole and good run, hold what was called against the record that documents are made of."""
    wanted = {path.name for path in Path(__file__).parent.glob("test_*.py")} - OURS
    whole = wanted <= {item.path.name for item in session.items}
    if exitstatus or not whole or session.config.option.keyword:
        return
    found = {"mlflow": mlflow.__version__, "endpoints": {name: sorted(calls[name]) for name in sorted(calls)}}
    text = json.dumps(found, indent=1) + "\n"
    if os.environ.get("ATELIER_UPDATE"):
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(text)
    elif not RECORD.exists() or RECORD.read_text() != text:
        print(f"\n{RECORD.name} is not what the tests called. Run `scripts/mlflow-suite --update`.")
        session.exitstatus = 1


@pytest.fixture
def experiment(client) -> str:
    """A new experiment, which is the active one."""
    return mlflow.set_experiment(f"test-{uuid.uuid4().hex[:12]}").experiment_id
