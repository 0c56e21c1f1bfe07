"""`atelier import mlflow` against real stores of MLflow: a folder, databases and a running server.

One history is made by the unmodified client in each kind of store, and one suite looks at what arrives.
"""

import json
import math
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import time
import urllib.request
import uuid
from pathlib import Path

import mlflow
import pytest
from postgres import fresh_database

MAJOR = int(mlflow.__version__.split(".")[0])

# Runs in a process of its own: the client keeps one store for a process's life.
HISTORY = """
import json, math, sys, mlflow
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

uri, prefix, artifacts = sys.argv[1:4]
mlflow.set_tracking_uri(uri)
mlflow.set_registry_uri(uri)
client = MlflowClient()
place = artifacts or None
first = client.create_experiment(prefix + "-first", place and place + "/first", {"team": "blue"})
second = client.create_experiment(prefix + "-second", artifact_location=place and place + "/second")
with mlflow.start_run(experiment_id=first, run_name="parent", description="with a note") as parent:
    mlflow.log_params({"lr": "0.1", "lines": "one\\ntwo", "group/inner": "x", "empty": ""})
    mlflow.set_tag("mark", "ünï")
    for start in range(0, 2500, 1000):
        steps = range(start, min(start + 1000, 2500))
        client.log_batch(parent.info.run_id, [Metric("loss", 1 / (n + 1), 1000 + n, n) for n in steps])
    client.log_metric(parent.info.run_id, "odd/values", math.nan, timestamp=5, step=-3)
    client.log_metric(parent.info.run_id, "odd/values", 1e300, timestamp=6, step=2)
    client.log_metric(parent.info.run_id, "odd/values", 1e300, timestamp=6, step=2)
    mlflow.log_text("hello", "notes/today & tomorrow.txt")
    mlflow.log_text("", "notes/empty.txt")
    with open(sys.argv[4], "wb") as file:
        file.write(bytes(range(256)) * 4096)
    mlflow.log_artifact(sys.argv[4], "big")
    import numpy
    mlflow.log_input(mlflow.data.from_numpy(numpy.arange(3), name="numbers"), context="training")
    from sklearn.linear_model import Ridge
    ridge = Ridge().fit([[0.0], [1.0]], [0.0, 1.0])
    named = {"name": "model"} if int(mlflow.__version__.split(".")[0]) >= 3 else {"artifact_path": "model"}
    info = mlflow.sklearn.log_model(ridge, pip_requirements=["scikit-learn"], **named)
    if int(mlflow.__version__.split(".")[0]) >= 3:
        mlflow.log_metric("score", 0.75, model_id=info.model_id)
    with mlflow.start_run(experiment_id=first, run_name="child", nested=True):
        pass
failed = client.create_run(second, start_time=1234, tags={"mlflow.runName": "failed"})
client.set_terminated(failed.info.run_id, "FAILED", end_time=5678)
gone = client.create_run(second, run_name="gone")
client.log_metric(gone.info.run_id, "loss", 1.5, timestamp=1, step=0)
client.delete_run(gone.info.run_id)
lost = client.create_experiment(prefix + "-lost", artifact_location=place and place + "/lost")
client.create_run(lost, run_name="in a deleted experiment")
client.delete_experiment(lost)
client.create_registered_model(prefix + " model", tags={"stage": "best"}, description="first words")
for quality in ("poor", "good", "better"):
    version = mlflow.register_model(info.model_uri, prefix + " model", tags={"quality": quality})
client.delete_model_version(prefix + " model", "2")
client.update_model_version(prefix + " model", "3", description="third")
client.set_registered_model_alias(prefix + " model", "champion", "3")
client.set_model_version_tag(prefix + " model", "1", "checked", "yes")
prompts = mlflow.genai if int(mlflow.__version__.split(".")[0]) >= 3 else mlflow
for words in ("Hello, {{name}}!", "Good day, {{ name }}."):
    prompts.register_prompt(prefix + "-prompt", words, commit_message="says " + words, tags={"tone": "kind"})
prompts.set_prompt_alias(prefix + "-prompt", "live", 1)
model = client.get_registered_model(prefix + " model")
kept = [client.get_model_version(prefix + " model", number) for number in ("1", "3")]
times = [[thing.creation_timestamp, thing.last_updated_timestamp] for thing in (model, *kept)]
print(parent.info.run_id, failed.info.run_id, gone.info.run_id, json.dumps(times).replace(" ", ""))
"""


class Store:
    """A store of MLflow with one history in it."""

    def __init__(self, folder: Path, uri: str, target: str, artifacts: str = "") -> None:
        self.folder, self.target, self.prefix = folder, target, "h" + uuid.uuid4().hex[:10]
        script = folder / "history.py"
        script.write_text(HISTORY)
        done = subprocess.run(
            [sys.executable, str(script), uri, self.prefix, artifacts, str(folder / "big.bin")],
            env=clean_environment(),
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.parent, self.failed, self.gone, times = done.stdout.split()[-4:]
        self.times = json.loads(times)


def clean_environment() -> dict[str, str]:
    """An environment without the test server's address and token, in which file stores are allowed."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    return kept | {"MLFLOW_ALLOW_FILE_STORE": "true"}


def mlflow_server(folder: Path, port: int):
    """Start MLflow's own server, and yield its address."""
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder}/server.db",
        "--artifacts-destination",
        str(folder / "kept"),
    ]
    with (folder / "mlflow.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=clean_environment(), cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 120
    try:
        while True:
            assert process.poll() is None, (folder / "mlflow.log").read_text()
            assert time.monotonic() < deadline, (folder / "mlflow.log").read_text()
            try:
                with urllib.request.urlopen(url + "/health", timeout=5):
                    break
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=30)


KINDS = ["folder", "sqlite", "server"] + (["postgres"] if "ATELIER_TEST_POSTGRES" in os.environ else [])


@pytest.fixture(scope="module", params=KINDS)
def store(request, free_port, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "folder":
        yield Store(folder, f"file://{folder}/mlruns", str(folder / "mlruns"))
    elif request.param == "sqlite":
        uri = f"sqlite:///{folder}/mlflow.db"
        yield Store(folder, uri, uri, str(folder / "artifacts"))
    elif request.param == "postgres":
        with fresh_database() as url:
            driver = "psycopg" if MAJOR >= 3 else "psycopg2"  # MLflow 2 compares numbers with text
            uri = url.replace("postgres:", f"postgresql+{driver}:", 1)
            yield Store(folder, uri, uri, str(folder / "artifacts"))
    else:
        for url in mlflow_server(folder, free_port()):
            yield Store(folder, url, url)


@pytest.fixture
def importer(server):
    """Run `atelier import mlflow` and return its exit code, its report and what it said."""

    def run(*arguments: str):
        done = subprocess.run(
            [str(server.binary), "import", "mlflow", *arguments, "-o", "json"],
            env=clean_environment() | {"ATELIER_SERVER": server.url, "ATELIER_TOKEN": server.token},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr

    return run


def test_everything_arrives(store, client, importer, tmp_path):
    code, report, said = importer(store.target, "--dry-run")
    assert (code, report["here"]["runs"]) == (0, 0), said
    code, report, said = importer(store.target)
    assert (code, report["differences"]) == (0, []), said
    assert report["source"] == report["here"]
    assert report["source"]["runs"] == 5
    assert report["source"]["points"] == 2500 + 2 + (1 if MAJOR >= 3 else 0) + 1
    assert report["source"]["models"] == 2  # one is a prompt
    assert report["source"]["versions"] == 4
    assert report["runs_without_artifacts"] == 4
    assert report["source"]["datasets"] == 1

    run = client.get_run(store.parent)
    assert run.data.params == {"lr": "0.1", "lines": "one\ntwo", "group/inner": "x", "empty": ""}
    assert run.data.tags["mark"] == "ünï"
    assert run.data.tags["mlflow.note.content"] == "with a note"
    assert (run.info.run_name, run.info.status) == ("parent", "FINISHED")
    history = client.get_metric_history(store.parent, "loss")
    assert [(p.step, p.timestamp, p.value) for p in history] == [
        (n, 1000 + n, 1 / (n + 1)) for n in range(2500)
    ]
    odd = client.get_metric_history(store.parent, "odd/values")
    assert [(p.step, p.timestamp) for p in odd] == [(-3, 5), (2, 6)]
    assert math.isnan(odd[0].value)
    assert odd[1].value == 1e300
    assert [(i.dataset.name, i.tags[0].value) for i in run.inputs.dataset_inputs] == [("numbers", "training")]

    folder = Path(
        mlflow.artifacts.download_artifacts(
            run_id=store.parent, artifact_path="notes", dst_path=str(tmp_path)
        )
    )
    assert (folder / "today & tomorrow.txt").read_text() == "hello"
    assert (folder / "empty.txt").read_bytes() == b""
    big = mlflow.artifacts.download_artifacts(
        run_id=store.parent, artifact_path="big/big.bin", dst_path=str(tmp_path)
    )
    assert Path(big).read_bytes() == bytes(range(256)) * 4096

    failed = client.get_run(store.failed).info
    assert (failed.status, failed.start_time, failed.end_time) == ("FAILED", 1234, 5678)
    assert client.get_run(store.gone).info.lifecycle_stage == "deleted"
    first = client.get_experiment_by_name(store.prefix + "-first")
    assert first.tags["team"] == "blue"
    assert client.get_experiment_by_name(store.prefix + "-lost").lifecycle_stage == "deleted"
    [child] = client.search_runs([first.experiment_id], "attributes.run_name = 'child'")
    assert child.data.tags["mlflow.parentRunId"] == store.parent


def test_the_registry_arrives(store, client, importer):
    assert importer(store.target)[0] == 0
    name = store.prefix + " model"
    model = client.get_registered_model(name)
    assert (model.description, model.tags, model.aliases) == (
        "first words",
        {"stage": "best"},
        {"champion": "3"},
    )
    assert sorted(int(v.version) for v in client.search_model_versions(f"name = '{name}'")) == [1, 3]
    first, third = client.get_model_version(name, "1"), client.get_model_version(name, "3")
    assert (first.tags, first.run_id) == ({"quality": "poor", "checked": "yes"}, store.parent)
    assert (third.tags, third.description) == ({"quality": "better"}, "third")
    loaded = mlflow.sklearn.load_model(f"models:/{name}@champion")
    assert loaded.predict([[0.5]])[0] == pytest.approx(0.5, abs=0.2)


def test_the_registry_keeps_its_times(store, client, importer):
    assert importer(store.target)[0] == 0
    name = store.prefix + " model"
    here = [client.get_registered_model(name)]
    here += [client.get_model_version(name, number) for number in ("1", "3")]
    assert [[thing.creation_timestamp, thing.last_updated_timestamp] for thing in here] == store.times


def test_prompts_arrive(store, client, importer):
    assert importer(store.target)[0] == 0
    prompts, name = mlflow.genai if MAJOR >= 3 else mlflow, store.prefix + "-prompt"
    first, second = (prompts.load_prompt(name, number) for number in (1, 2))
    assert first.format(name="Ada") == "Hello, Ada!"
    assert (second.template, second.commit_message) == ("Good day, {{ name }}.", "says Good day, {{ name }}.")
    assert second.tags["tone"] == "kind"
    assert int(prompts.load_prompt(f"prompts:/{name}@live").version) == 1  # which MLflow 2 gives as text
    assert name not in [model.name for model in client.search_registered_models()]


def test_a_second_import_changes_nothing(store, client, importer):
    assert importer(store.target)[0] == 0
    code, report, said = importer(store.target)
    assert (code, report["changed"]) == (0, 0), report
    assert "Everything was here already" in said


def test_what_was_lost_is_brought_again_and_what_differs_is_named(store, client, importer):
    assert importer(store.target)[0] == 0
    client.delete_run(store.parent)
    client.set_tag(store.failed, "here-only", "1")
    code, report, _ = importer(store.target)
    assert code == 5
    assert report["differences"] == [f'run {store.failed}: the tag "here-only" is here only']
    assert client.get_run(store.parent).info.lifecycle_stage == "active"
    client.delete_tag(store.failed, "here-only")
    assert importer(store.target)[0] == 0


def test_one_experiment(store, importer):
    code, report, said = importer(store.target, "--experiment", store.prefix + "-second")
    assert code == 0, said
    assert (report["source"]["experiments"], report["source"]["runs"], report["source"]["models"]) == (
        1,
        2,
        0,
    )
    code, _, said = importer(store.target, "--experiment", "nowhere")
    assert (code, "nowhere" in said) == (4, True)


def test_artifacts_that_are_gone_are_reported(cli, tmp_path):
    """A model's files were deleted at the source, as by somebody who cleans a disk up."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    store = Store(tmp_path, uri, uri, str(tmp_path / "artifacts"))
    for folder in (tmp_path / "artifacts" / "first").iterdir():
        shutil.rmtree(folder)
    report = cli("import", "mlflow", store.target, code=5)
    assert any(store.parent in line and "not at the source" in line for line in report["differences"])
    assert report["runs_without_artifacts"] == 5


def test_a_folder_of_artifacts_that_is_gone_is_reported(mlruns, importer):
    shutil.rmtree(mlruns / "artifacts")
    code, report, _ = importer(str(mlruns.parent.parent))
    assert code == 5
    assert report["differences"] == [
        f"run {mlruns.name}: its folder of artifacts is not there, so it has none here"
    ]


@pytest.fixture
def mlruns(tmp_path) -> Path:
    """A small folder of a file store, written by hand as MLflow writes it."""
    run = tmp_path / "mlruns" / "1" / uuid.uuid4().hex
    for name in ("params", "metrics", "tags", "artifacts"):
        (run / name).mkdir(parents=True)
    (run.parent / "meta.yaml").write_text(f"name: by-hand-{run.name}\nlifecycle_stage: active\n")
    meta = (
        f"run_id: {run.name}\nrun_name: r\nstatus: 3\nstart_time: 1\nend_time: 2\nlifecycle_stage: active\n"
    )
    (run / "meta.yaml").write_text(meta)
    (run / "params" / "p").write_text("1")
    (run / "metrics" / "m").write_text("".join(f"{n} {n}.5 {n}\n" for n in range(20_000)))
    for number in range(300):
        (run / "artifacts" / f"{number}.txt").write_text(f"file {number}")
    return run


def test_an_import_that_was_killed_goes_on(mlruns, client, server):
    command = [str(server.binary), "import", "mlflow", str(mlruns.parent.parent)]
    environment = clean_environment() | {"ATELIER_SERVER": server.url, "ATELIER_TOKEN": server.token}
    first = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while first.poll() is None and time.monotonic() < deadline:
        try:
            if client.list_artifacts(mlruns.name):
                break
        except mlflow.exceptions.MlflowException:
            pass  # the run is not there yet
    first.kill()
    first.wait(timeout=30)
    assert 0 < len(client.list_artifacts(mlruns.name)) < 300
    second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    assert len(client.list_artifacts(mlruns.name)) == 300
    assert len(client.get_metric_history(mlruns.name, "m")) == 20_000


def test_a_folder_from_a_stranger_reads_nothing_outside_itself(mlruns, client, importer, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (mlruns / "artifacts" / "link.txt").symlink_to(secret)
    (mlruns / "artifacts" / "up").symlink_to(tmp_path)
    (mlruns / "params" / "stolen").symlink_to(secret)
    (mlruns / "artifacts" / "inside.txt").symlink_to("1.txt")
    (mlruns / "artifacts" / "bad\\name").write_text("x")
    other = mlruns.parent / uuid.uuid4().hex
    shutil.copytree(mlruns, other, symlinks=True, ignore=shutil.ignore_patterns("artifacts"))
    (other / "meta.yaml").write_text(
        (mlruns / "meta.yaml").read_text().replace(mlruns.name, other.name)
        + f"artifact_uri: file://{tmp_path}\n"
    )
    code, report, _ = importer(str(mlruns.parent.parent))
    assert code == 5
    text = "\n".join(report["differences"])
    for name in ("link.txt", "up", "params/stolen", "bad\\\\name"):
        assert name in text, text
    names = {file.path for file in client.list_artifacts(mlruns.name)}
    assert "inside.txt" in names
    assert not names & {"link.txt", "up"}
    assert client.list_artifacts(other.name) == []
    assert client.get_run(mlruns.name).data.params == {"p": "1"}


def test_a_yaml_bomb_is_refused(mlruns, importer):
    bomb = 'a: &a ["x","x"]\n' + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [" + ",".join([f"*{chr(97 + n)}"] * 9) + "]\n" for n in range(12)
    )
    (mlruns / "meta.yaml").write_text(textwrap.dedent(bomb))
    code, report, _ = importer(str(mlruns.parent.parent))
    assert code == 5
    assert any("meta.yaml" in difference for difference in report["differences"]), report


def test_what_is_no_store_is_refused_in_words(importer, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.db").write_text("not a database")
    for target, code in ((tmp_path / "empty", 2), (tmp_path / "text.db", 2), (tmp_path / "nothing", 4)):
        got, _, said = importer(str(target))
        assert got == code, said
        assert said.startswith("atelier: "), said


@pytest.fixture
def cli(server):
    """Run the command line in a fresh workspace and return its JSON."""
    workspace = "w" + uuid.uuid4().hex[:10]

    def run(*arguments: str, code: int = 0):
        done = subprocess.run(
            [str(server.binary), *arguments, "-o", "json"],
            env=clean_environment()
            | {"ATELIER_SERVER": server.url, "ATELIER_TOKEN": server.token, "ATELIER_WORKSPACE": workspace},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr + done.stdout
        return json.loads(done.stdout)

    run("workspace", "create", workspace)
    return run


STORES = Path(__file__).parent / "stores"


@pytest.mark.parametrize("kind", ["mlflow-1.30.sql", "mlflow-2.0.sql", "mlruns-1.30.json"])
def test_stores_of_old_releases(kind, cli, tmp_path):
    """What real MLflow 1.30.1 and 2.0.1 wrote. Ids, times, users and stages are kept."""
    if kind.endswith(".json"):
        for name, text in json.loads((STORES / kind).read_text()).items():
            (tmp_path / "mlruns" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "mlruns" / name).write_text(text)
        for meta in (tmp_path / "mlruns").rglob("meta.yaml"):
            if len(meta.parent.name) == 32:  # a run's, for which MLflow makes this even when it is empty
                (meta.parent / "artifacts").mkdir(exist_ok=True)
        arguments = [str(tmp_path / "mlruns")]
    else:
        with sqlite3.connect(tmp_path / "old.db") as database:
            database.executescript((STORES / kind).read_text())
            [(parent,)] = database.execute("SELECT run_uuid FROM runs WHERE name = 'parent'")
        for name, text in (("notes/hello.txt", "hello"), ("model/MLmodel", "flavors: {}\n")):
            file = tmp_path / "artifacts" / parent / "artifacts" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        arguments = [str(tmp_path / "old.db"), "--artifacts", str(tmp_path / "artifacts")]
    report = cli("import", "mlflow", *arguments)
    assert report["differences"] == []
    registry = kind.endswith(".sql")
    counts = [
        report["here"][name] for name in ("experiments", "runs", "points", "files", "models", "versions")
    ]
    assert counts == [4, 4, 23, 2, int(registry), 2 * int(registry)]
    assert cli("import", "mlflow", *arguments)["changed"] == 0

    experiments = {e["name"]: e for e in cli("experiment", "list")}
    assert {name: e["id"] for name, e in experiments.items()} == {"Default": "0", "first": "1", "second": "2"}
    if registry:  # the folder of 1.30 does not keep times
        assert experiments["first"]["created_at"].startswith("2026-11-23T16:07:")
    assert [e["id"] for e in cli("experiment", "list", "--deleted")] == ["3"]
    assert cli("experiment", "create", "next")["id"] == "4"
    runs = {run["name"]: run for run in cli("run", "list", "--experiment", "first")}
    parent = runs["parent"]
    assert (parent["status"], parent["tags"]["mark"], parent["params"]["group/inner"]) == (
        "FAILED",
        "ünï",
        "x",
    )
    assert (parent["started_at"], parent["ended_at"]) == (
        "1970-01-01T00:00:01Z",
        "1970-01-01T00:00:05.678Z",
    )
    assert parent["metrics"]["odd/values"]["value"] == 1e300
    assert [run["parent_run_id"] for run in runs.values() if run["name"] != "parent"] == [parent["id"]]
    if registry:
        assert cli("model", "show", "model", "-v", "1")["stage"] == "Production"
        assert cli("model", "show", "model", "-v", "2")["description"] == "second"


def test_an_id_that_is_taken_is_noted(mlruns, cli):
    assert cli("experiment", "create", "mine")["id"] == "1"
    name = next(line for line in (mlruns.parent / "meta.yaml").read_text().splitlines() if "name" in line)[6:]
    assert cli("import", "mlflow", str(mlruns.parent.parent))["differences"] == []
    made = cli("experiment", "show", name)
    assert (made["id"], made["tags"]) == ("2", {"atelier.source.experiment_id": "1"})
    assert cli("import", "mlflow", str(mlruns.parent.parent))["changed"] == 0


def test_what_is_broken_is_named_and_the_rest_arrives(mlruns, importer):
    second = mlruns.parent / uuid.uuid4().hex
    shutil.copytree(mlruns, second)
    (second / "meta.yaml").unlink()
    other = mlruns.parent.parent / "7"
    (other / "run").mkdir(parents=True)
    (other / "run" / "meta.yaml").write_text("run_id: run\n")
    (mlruns / "metrics" / "odd").write_text("1 0.5 0\nthis is no point\n2 0.25 1\n1 0.5 0\n")
    (mlruns.parent / "traces" / "tr-1").mkdir(parents=True)
    code, report, said = importer(str(mlruns.parent.parent))
    assert code == 5
    assert sorted(report["differences"]) == sorted(
        [
            f"1/{second.name}: the run is left out: it has no meta.yaml",
            "7: the experiment is left out, with its 1 runs: it has no meta.yaml",
            next(d for d in report["differences"] if "line 2 is not a point" in d),
        ]
    )
    assert (report["source"]["points"], report["here"]["points"]) == (20_002, 20_002)
    assert report["here"]["files"] == 300
    assert (report["traces"], "1 traces, which are not brought" in said) == (1, True)


def test_a_database_of_an_unknown_schema_is_refused_before_anything_is_brought(importer, tmp_path):
    with sqlite3.connect(tmp_path / "new.db") as database:
        database.executescript((STORES / "mlflow-2.0.sql").read_text())
        database.execute("ALTER TABLE metrics RENAME COLUMN is_nan TO nan")
        database.execute("UPDATE alembic_version SET version_num = 'fedcba987654'")
    code, report, said = importer(str(tmp_path / "new.db"))
    assert (code, report) == (2, None)
    assert "fedcba987654" in said
    assert "metrics.is_nan" in said


def test_a_server_that_is_away_is_named(importer, free_port):
    code, report, said = importer(f"http://127.0.0.1:{free_port()}")
    assert (code, report) == (7, None)
    assert "does not answer" in said
