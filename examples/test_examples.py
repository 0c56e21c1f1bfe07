"""Every example runs as it is, through the command line; the diabetes story is told by demo.py."""

import csv
import json
import subprocess
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
