"""The collector in scoring workers: what scripts import as azureml.ai.monitoring."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from atelier_serving import collector, frames

_SOURCES = Path(collector.__file__).parent.parent
_PATIENCE = 120

_BEGIN = """
import os, sys, time
from atelier_serving import collector, shims
shims.install()
import pandas
from azureml.ai.monitoring import Collector
from azureml.ai.monitoring.context import BasicCorrelationContext
"""


class Place:
    """A task's folder with collections, as the runner makes it."""

    def __init__(
        self, folder: Path, *names: str, percentage: float = 100, drop: tuple[str, ...] = ()
    ) -> None:
        self.spool, self.config = folder / "spool", folder / "config.json"
        for name in names:
            (self.spool / name).mkdir(parents=True)
        self.config.write_text(
            json.dumps(
                {
                    "collections": {
                        name: {"enabled": True, "sampleRatePercentage": percentage} for name in names
                    },
                    "spool": str(self.spool),
                    "dropColumns": list(drop),
                    "source": "/workspaces/w/onlineEndpoints/e/deployments/d",
                    "modelVersion": "3",
                }
            )
        )

    def environ(self, **more: str) -> dict[str, str]:
        return {"AZUREML_MDC_CONFIG_PATH": str(self.config), "PYTHONPATH": str(_SOURCES), **more}

    def run(self, script: str, **environ: str) -> str:
        """Run a script to its end, and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-c", _BEGIN + script],
            env=self.environ(**environ),
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def files(self, name: str) -> list[Path]:
        return sorted((self.spool / name).glob("[0-9]*.jsonl"))

    def events(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for path in self.files(name) for line in path.open(encoding="utf-8")]

    def dropped(self, name: str) -> int:
        return sum(int(path.stem.rsplit("-", 1)[1]) for path in self.files(name))


def test_events_are_those_that_azure_documents(tmp_path: Path) -> None:
    place = Place(tmp_path, "model_inputs", "model_outputs", drop=("email",))
    place.run("""
inputs, outputs = Collector(name="model_inputs"), Collector(name="model_outputs")
table = pandas.DataFrame({"x": [1.5, 2.5], "email": ["a@b", "c@d"]})
collector.entering("request-1")
context = inputs.collect(table)
table["x"] = 0  # what the script does next is not collected
outputs.collect(pandas.DataFrame({"y": [3]}), context)
outputs.collect(pandas.DataFrame({"y": [4]}), BasicCorrelationContext(id="mine"))
collector.flush()
""")
    (given,), answered = place.events("model_inputs"), place.events("model_outputs")
    assert given["data"] == [{"x": 1.5}, {"x": 2.5}]
    assert given["specversion"] == "1.0"
    assert given["type"] == "azureml.inference.model_inputs"
    assert given["source"] == "/workspaces/w/onlineEndpoints/e/deployments/d"
    assert given["datacontenttype"] == "application/json"
    assert given["modelversion"] == "3"
    assert given["collectdatatype"].endswith("DataFrame")
    assert given["xrequestid"] == "request-1"
    assert time.strptime(given["time"][:19], "%Y-%m-%dT%H:%M:%S")
    size = len(json.dumps(given["data"], separators=(",", ":")))
    assert given["contentrange"] == f"bytes 0-{size - 1}/{size}"
    assert [one["data"] for one in answered] == [[{"y": 3}], [{"y": 4}]]
    assert [one["correlationid"] for one in answered] == [given["correlationid"], "mine"]


def test_azures_own_package_is_replaced(tmp_path: Path) -> None:
    theirs = tmp_path / "site" / "azureml" / "ai" / "monitoring"
    theirs.mkdir(parents=True)
    for folder in (theirs, theirs.parent, theirs.parent.parent):
        (folder / "__init__.py").write_text("")
    (theirs / "__init__.py").write_text("raise RuntimeError('it sends to a program that is not there')")
    (theirs.parent / "other.py").write_text("answer = 42")
    place = Place(tmp_path, "model_inputs")
    printed = place.run(
        "import azureml.ai.other; print(Collector.__module__, azureml.ai.other.answer)",
        PYTHONPATH=f"{_SOURCES}:{tmp_path / 'site'}",
    )
    assert printed == "atelier_serving.collector 42\n"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ('Collector(name="other", on_error=print)', "collection other is not enabled, drop the data"),
        ('Collector(name="", on_error=print)', "collection name is not provided"),
        ('Collector(name="model_inputs", on_error=print).collect([1])', "data type (list) not supported"),
        ('os.environ.pop("AZUREML_MDC_CONFIG_PATH"); Collector(name="x", on_error=print)', "custom logging"),
    ],
)
def test_mistakes_are_told_as_by_azures_package(tmp_path: Path, script: str, said: str) -> None:
    assert said in Place(tmp_path, "model_inputs").run(script)


def test_a_mistake_raises_where_nobody_wants_to_be_told(tmp_path: Path) -> None:
    printed = Place(tmp_path, "model_inputs").run("""
try: Collector(name="other")
except Exception as fault: print("raised:", fault)
""")
    assert printed == "raised: collection other is not enabled, drop the data\n"


def test_a_full_queue_drops_and_counts_and_never_raises(tmp_path: Path) -> None:
    place = Place(tmp_path, "model_inputs")
    place.run("""
collector._SPOOLER._thread = "none"  # nothing is written meanwhile
inputs, table = Collector(name="model_inputs"), pandas.DataFrame({"x": [1]})
for _ in range(collector._CAPACITY + 7): inputs.collect(table)
told = Collector(name="model_inputs", on_error=lambda fault: print(fault))
told.collect(table)
collector.flush()
""")
    assert len(place.events("model_inputs")) == collector._CAPACITY
    assert place.dropped("model_inputs") == 8


def test_a_full_folder_drops_and_counts(tmp_path: Path) -> None:
    place = Place(tmp_path, "model_inputs")
    place.run("""
collector._SPOOL = 0
inputs, table = Collector(name="model_inputs"), pandas.DataFrame({"x": [1]})
inputs.collect(table); collector.flush()
collector._SPOOL = 1 << 20
inputs.collect(table); collector.flush()
""")
    assert len(place.events("model_inputs")) == 1
    assert place.dropped("model_inputs") == 1


def test_a_sample_is_of_requests(tmp_path: Path) -> None:
    place = Place(tmp_path, "model_inputs", "model_outputs", percentage=50)
    place.run("""
inputs, outputs = Collector(name="model_inputs"), Collector(name="model_outputs")
table = pandas.DataFrame({"x": [1]})
for number in range(200):
    collector.entering("request-%d" % number)
    outputs.collect(table, inputs.collect(table))
collector.flush()
""")
    given, answered = (
        {one["xrequestid"] for one in place.events(name)} for name in ("model_inputs", "model_outputs")
    )
    assert (
        given
        == answered
        == {f"request-{number}" for number in range(200) if zlib.crc32(b"request-%d" % number) < 1 << 31}
    )
    assert 50 < len(given) < 150


def test_a_fork_collects_too(tmp_path: Path) -> None:
    place = Place(tmp_path, "model_inputs")
    place.run("""
inputs = Collector(name="model_inputs")
inputs.collect(pandas.DataFrame({"who": ["parent"]}))
child = os.fork()
if child == 0:
    inputs.collect(pandas.DataFrame({"who": ["child"]}))
    collector.flush()
    os._exit(0)
os.waitpid(child, 0)
collector.flush()
""")
    assert sorted(one["data"][0]["who"] for one in place.events("model_inputs")) == ["child", "parent"]


def test_a_killed_worker_leaves_whole_lines(tmp_path: Path) -> None:
    place = Place(tmp_path, "model_inputs")
    script = """
inputs, table = Collector(name="model_inputs"), pandas.DataFrame({"x": ["y" * 20000]})
collector._PAUSE = 0
while True: inputs.collect(table); time.sleep(0.0005)
"""
    process = subprocess.Popen([sys.executable, "-c", _BEGIN + script], env=place.environ())
    end = time.monotonic() + _PATIENCE
    while len(place.files("model_inputs")) < 5:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(_PATIENCE)
    for path in place.files("model_inputs"):
        content = path.read_bytes()
        assert content.endswith(b"\n")
        assert all(json.loads(line)["data"] for line in content.splitlines())


@pytest.fixture
def model(tmp_path: Path) -> Path:
    import mlflow.pyfunc

    class Doubles(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return (model_input["a"] * 2).to_numpy()

    folder = tmp_path / "model"
    mlflow.pyfunc.save_model(folder, python_model=Doubles())
    return folder


@pytest.fixture
def ask(tmp_path: Path, model: Path) -> Iterator[Any]:
    place = Place(tmp_path, "model_inputs", "model_outputs", drop=("email",))
    name = tmp_path / "worker.sock"
    process = subprocess.Popen(
        [sys.executable, "-m", "atelier_serving.worker", "--socket", str(name)],
        env=place.environ(AZUREML_MODEL_DIR=str(model), HOME=str(tmp_path)),
    )
    connection = socket.socket(socket.AF_UNIX)
    end = time.monotonic() + _PATIENCE
    while connection.connect_ex(str(name)) != 0:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)

    def send(body: Any) -> Any:
        header = {"headers": {"content-type": "application/json"}, "request_id": "r-1", "path": "/score"}
        connection.sendall(frames.encode(header, json.dumps(body).encode()))
        with connection.makefile("rb") as stream:
            answer = frames.read(stream)
        assert answer is not None
        return json.loads(answer[1])

    def finish() -> Place:
        process.send_signal(signal.SIGTERM)
        assert process.wait(_PATIENCE) == 0
        return place

    yield send, finish
    connection.close()
    process.kill()
    process.wait(_PATIENCE)


def test_an_mlflow_model_is_collected_by_itself(ask: Any) -> None:
    send, finish = ask
    table = {"columns": ["a", "email"], "data": [[1, "a@b"], [2, "c@d"]]}
    assert send({"input_data": table}) == [2, 4]
    place = finish()  # what was collected is written before the worker ends
    (given,), (answered,) = place.events("model_inputs"), place.events("model_outputs")
    assert given["data"] == [{"a": 1}, {"a": 2}]
    assert answered["data"] == [{"0": 2}, {"0": 4}]
    assert given["correlationid"] == answered["correlationid"] == given["xrequestid"] == "r-1"


def test_every_half_file_is_hidden(tmp_path: Path) -> None:
    """The runner takes what begins with a digit: a file that is being written does not."""
    place = Place(tmp_path, "model_inputs")
    place.run("""
real = os.rename
def rename(half, whole):
    print(os.path.basename(half)[0], os.path.basename(whole)[0].isdigit())
    real(half, whole)
os.rename = rename
Collector(name="model_inputs").collect(pandas.DataFrame({"x": [1]}))
collector.flush()
""")
    assert os.listdir(place.spool / "model_inputs") == [path.name for path in place.files("model_inputs")]
