"""A running Atelier server for the tests: the one that ATELIER_URL names, or one started from ATELIER_BIN."""

import json
import os
import subprocess
import time
import urllib.request
import uuid
from pathlib import Path

import mlflow
import pytest


def started(binary: str, home: Path):
    """Start a server on a free port in home, and yield its address and its owner's token."""
    environment = os.environ | {"XDG_CONFIG_HOME": str(home / "config"), "HOME": str(home)}
    command = [binary, "up", "--port", "0", "--data-dir", str(home / "data")]
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        place = home / "data" / "server.json"
        deadline = time.monotonic() + 60
        while not answers(place):
            assert server.poll() is None, (home / "server.log").read_text()
            assert time.monotonic() < deadline, "the server did not start within a minute"
            time.sleep(0.05)
        url = json.loads(place.read_text())["url"]
        tokens = json.loads((home / "config" / "atelier" / "credentials.json").read_text())
        yield url, tokens[url]
    finally:
        server.terminate()
        server.wait(timeout=30)


def answers(place: Path) -> bool:
    try:
        with urllib.request.urlopen(json.loads(place.read_text())["url"] + "/health", timeout=5) as answer:
            return answer.status == 200
    except (OSError, ValueError, KeyError):
        return False


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The address of a server and a token for it."""
    if url := os.environ.get("ATELIER_URL"):
        yield url.rstrip("/"), os.environ["ATELIER_TOKEN"]
    elif binary := os.environ.get("ATELIER_BIN"):
        yield from started(binary, tmp_path_factory.mktemp("server"))
    else:
        pytest.fail("Set ATELIER_URL and ATELIER_TOKEN to a running server, or ATELIER_BIN to the program.")


@pytest.fixture(autouse=True)
def client(server, monkeypatch):
    """The stock client, set up as a user would: by environment variables."""
    url, token = server
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    mlflow.set_tracking_uri(url)
    mlflow.set_registry_uri(url)
    yield mlflow.MlflowClient()
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def experiment(client) -> str:
    """A new experiment, which is the active one."""
    return mlflow.set_experiment(f"test-{uuid.uuid4().hex[:12]}").experiment_id
