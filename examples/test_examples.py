"""Every example runs as it is, through the command line; the diabetes story is told by demo.py."""

import csv
import itertools
import json
import re
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import yaml
from sklearn.datasets import load_diabetes

HERE = Path(__file__).parent


@pytest.fixture
def atelier(server):
    """Run a command as a user would, and return what it prints."""

    def run(*words):
        done = subprocess.run(
            [server.binary, *words],
            env={**server.environ, "ATELIER_SERVER": server.url},
            cwd=HERE,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


def test_hello(atelier):
    printed = atelier("job", "create", "-f", "hello/job.yml", "--set", "inputs.name=Ada", "--stream")
    assert "Hello, Ada, from " in printed


def test_distributed(atelier, tmp_path):
    name = json.loads(atelier("job", "create", "-f", "distributed/job.yml", "-o", "json"))["name"]
    assert atelier("job", "stream", name) == "process 0 of 4 saw 100 rows and found y = 3.00 x + 1.00\n"
    assert atelier("job", "stream", name, "--log", "3").startswith("process 3 of 4")
    assert "process 3" in atelier("job", "show", name)
    atelier("job", "download", name, "-p", str(tmp_path))
    kept = {path.name for path in (tmp_path / "user_logs").iterdir()}
    assert kept == {"std_log.txt", *(f"std_log_process_0{rank}.txt" for rank in (1, 2, 3))}


def test_digits(atelier, tmp_path):
    asked = ("job", "create", "-f", "digits/job.yml", "--set", "inputs.epochs=5")
    name = json.loads(atelier(*asked, "-o", "json"))["name"]
    assert "epoch 5: accuracy" in atelier("job", "stream", "-n", name)
    run = json.loads(atelier("run", "show", name, "-o", "json"))
    assert run["metrics"]["test.accuracy"]["value"] > 0.8
    history = json.loads(atelier("run", "metrics", name, "--key", "test.accuracy", "-o", "json"))
    assert [point["step"] for point in history["points"]] == [1, 2, 3, 4, 5]
    atelier("run", "download", name, "-p", str(tmp_path))
    assert next(tmp_path.rglob("confusion_matrix.png")).read_bytes().startswith(b"\x89PNG")


class Callers:
    """People who ask the endpoint about patients of the study, one after another, until they are stopped."""

    def __init__(self, address, key):
        self.address, self.key = address, key
        with (HERE / "diabetes" / "data" / "diabetes.csv").open(newline="") as file:
            columns, *self.rows = csv.reader(file)
        self.columns = ["patient", *columns[:-1]]
        self.statuses, self._over = [], threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(4)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number):
        for at in itertools.count(number, len(self._threads)):
            if self._over.is_set():
                return
            self.statuses.append(self.ask(at)[0])

    def ask(self, at, deployment=None):
        """Ask about one patient, and return the status and who answered."""
        row = [f"P-{at}", *map(float, self.rows[at % len(self.rows)][:-1])]
        body = json.dumps({"input_data": {"columns": self.columns, "data": [row]}})
        request = urllib.request.Request(self.address, data=body.encode(), method="POST")
        request.add_header("Authorization", f"Bearer {self.key}")
        request.add_header("Content-Type", "application/json")
        if deployment:
            request.add_header("azureml-model-deployment", deployment)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.headers["azureml-model-deployment"]
        except urllib.error.HTTPError as fault:
            return fault.code, fault.headers["azureml-model-deployment"]


def test_blue_green(server, atelier):
    """The story of docs/guide/blue-green.md."""
    here = "blue-green/"
    for model in ("ridge", "random-forest"):
        made = atelier(
            "job", "create", "-f", "diabetes/job.yml", "--set", f"inputs.model={model}", "-o", "json"
        )
        name = json.loads(made)["name"]
        atelier("job", "stream", name)
        atelier(
            "model",
            "create",
            "--name",
            "progression",
            "--path",
            f"runs:/{name}/model",
            "--type",
            "mlflow_model",
        )
    atelier("online-endpoint", "create", "-f", here + "endpoint.yml")
    atelier("online-deployment", "create", "-f", here + "deployment-blue.yml", "--all-traffic")
    first = json.loads(atelier("online-endpoint", "invoke", "progression", "-r", here + "request.json"))
    assert len(first) == 2

    atelier("online-deployment", "create", "-f", here + "deployment-green.yml")
    second = json.loads(
        atelier("online-endpoint", "invoke", "progression", "-d", "green", "-r", here + "request.json")
    )
    assert len(second) == 2
    assert first != second

    endpoint = json.loads(atelier("online-endpoint", "show", "progression", "-o", "json"))
    keys = json.loads(atelier("online-endpoint", "get-credentials", "progression", "-o", "json"))
    callers = Callers(endpoint["scoring_uri"], keys["primary_key"])

    def collected(deployment, collection):
        rows = atelier("online-deployment", "collected", deployment, "-e", "progression", "-o", "json")
        return next(one["rows"] for one in json.loads(rows) if one["collection"] == collection)

    # Copies: blue alone answers, and green is given half of the requests.
    atelier("online-endpoint", "update", "-n", "progression", "--mirror-traffic", "green=50")
    assert {callers.ask(at) for at in range(40)} == {(200, "blue")}
    server.until(lambda: collected("green", "model_inputs") > 5)

    # In steps, by hand and back, while people go on asking.
    update = ("online-endpoint", "update", "-n", "progression", "--mirror-traffic", "green=0", "--traffic")
    with callers:
        for shares in ("blue=90 green=10", "blue=50 green=50", "blue=100 green=0"):
            atelier(*update, shares)
            seen = len(callers.statuses)
            server.until(lambda seen=seen: len(callers.statuses) > seen + 20)
    assert set(callers.statuses) == {200}

    # By itself, for as long as green does no worse.
    rollout = ("online-endpoint", "rollout", "progression", "--step-time", "1s", "--min-requests", "15")
    with Callers(callers.address, callers.key) as others:
        atelier(*rollout, "--to", "green", "--steps", "25,50,100", "--max-latency-increase", "100000")
    assert set(others.statuses) == {200}
    assert callers.ask(0) == (200, "green")

    # Red fails on those whose body mass index is high, and is taken back.
    atelier("online-deployment", "create", "-f", here + "deployment-red.yml")
    with (
        Callers(callers.address, callers.key) as others,
        pytest.raises(AssertionError, match=r"RolledBack|failed"),
    ):
        atelier(*rollout, "--to", "red", "--steps", "50,100", "--max-latency-increase", "100000")
    assert 424 in others.statuses or 500 in others.statuses
    assert callers.ask(0) == (200, "green")

    # What green was asked is data for a job, without the column that names patients.
    server.until(lambda: collected("green", "model_outputs") >= collected("green", "model_inputs") > 20)
    rows = atelier(
        "online-deployment",
        "collected",
        "green",
        "-e",
        "progression",
        "--collection",
        "model_inputs",
        "-o",
        "json",
    )
    assert '"bmi"' in rows
    assert "P-" not in rows
    printed = atelier("job", "create", "-f", here + "job.yml", "--stream")
    assert re.search(r"\d+ patients were asked about, and \d+ answered.", printed)
    assert "bmi  moved by" in printed

    atelier("online-deployment", "delete", "blue", "-e", "progression", "--yes")
    assert collected("blue", "model_inputs") > 0
    atelier("online-endpoint", "delete", "progression", "--yes")


def test_the_table_is_the_bundled_study():
    frame = load_diabetes(scaled=False, as_frame=True).frame
    with (HERE / "diabetes" / "data" / "diabetes.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == list(frame.columns)
    assert np.allclose(np.array(rows[1:], dtype=float), frame.to_numpy(), rtol=1e-9, atol=0)


@pytest.mark.parametrize("path", sorted(HERE.rglob("*.yml")), ids=lambda path: str(path.relative_to(HERE)))
def test_the_yaml_says_what_it_is(path):
    """Azure's own tools choose what a file is by its $schema; conda files have none."""
    body = yaml.safe_load(path.read_text())
    if path.name != "environment.yml":
        assert body["$schema"].startswith("https://azuremlschemas.azureedge.net/latest/")
