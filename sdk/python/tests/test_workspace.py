"""The package against a real server: what the guide promises, with scripts that need no packages."""

import io
import json
import re
import urllib.request

import pytest

from atelier import (
    CommandJob,
    ConflictError,
    DeploymentFailedError,
    InvalidError,
    JobFailedError,
    NotFoundError,
    PreconditionError,
    UnauthenticatedError,
    UnavailableError,
    WaitTimeoutError,
    Workspace,
)

PLAIN = {"image": "library/python:latest"}  # Python without packages

TRAIN = """
import json, os, pathlib, sys, time, urllib.request

def post(path, **body):
    request = urllib.request.Request(os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/" + path,
        data=json.dumps(body).encode(), headers={"Content-Type": "application/json",
        "Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"]})
    urllib.request.urlopen(request).read()

alpha, data, report = float(sys.argv[1]), pathlib.Path(sys.argv[2]).read_text(), pathlib.Path(sys.argv[3])
run = os.environ["MLFLOW_RUN_ID"]
post("runs/log-parameter", run_id=run, key="alpha", value=str(alpha))
for step in range(5):
    post("runs/log-metric", run_id=run, key="loss", value=alpha / (step + 1), timestamp=0, step=step)
pathlib.Path("outputs").mkdir(exist_ok=True)
pathlib.Path("outputs/model.json").write_text(json.dumps({"factor": alpha}))
(report / "seen.txt").write_text(data)
print("trained with", alpha, "on", data.strip())
"""

SCORE = """
import json, os, pathlib

def init():
    global factor
    place = next(pathlib.Path(os.environ["AZUREML_MODEL_DIR"]).rglob("model.json"))
    factor = json.loads(place.read_text())["factor"]
    print("the model is loaded")

def run(raw_data):
    return [factor * value for value in json.loads(raw_data)["data"]]
"""


@pytest.fixture
def project(tmp_path):
    """A folder as a user has it: code, data and a job.yml."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text(TRAIN)
    (tmp_path / "data.txt").write_text("442 patients\n")
    (tmp_path / "job.yml").write_text(
        "$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json\n"
        "type: command\n"
        "code: src\n"
        "command: python3 train.py ${{inputs.alpha}} ${{inputs.data}} ${{outputs.report}}\n"
        "inputs:\n  alpha: 1.0\n  data: {type: uri_file, path: data.txt}\n"
        "outputs:\n  report: {type: uri_folder}\n"
        "environment: {image: library/python:latest}\n"
        "experiment_name: sdk\n"
    )
    return tmp_path


def test_the_way_from_a_job_to_a_prediction(ws, project):
    jobs = [ws.jobs.create(project / "job.yml", set={"inputs.alpha": alpha}) for alpha in (3, 2)]
    for job in jobs:
        assert ws.jobs.wait(job.name, timeout=120).status == "Completed"

    best = ws.runs.list(experiment="sdk", filter="metrics.loss < 10", order_by="metrics.loss ASC")[0]
    assert best.id == jobs[1].name
    assert (best.params["alpha"], best.metrics["loss"].value, best.job) == ("2.0", 0.4, True)
    series = ws.runs.metrics(best.id, "loss")
    assert [point.value for point in series.points] == [2.0, 1.0, 2 / 3, 0.5, 0.4]

    version = ws.models.create(name="factor", path=f"runs:/{best.id}/outputs/model.json")
    assert (version.version, version.run_id) == ("1", best.id)
    assert ws.models.get("factor").version == "1"
    files = ws.models.download("factor", download_path=project / "model")
    assert [json.loads(file.read_text()) for file in files] == [{"factor": 2.0}]

    assert ws.online_endpoints.create(name="factor").auth_mode == "key"
    with pytest.raises(ConflictError):
        ws.online_endpoints.create(name="factor")
    (project / "serve").mkdir()
    (project / "serve" / "score.py").write_text(SCORE)
    ws.online_deployments.create(
        {
            "name": "blue",
            "endpoint_name": "factor",
            "model": "azureml:factor@latest",
            "code_configuration": {"code": str(project / "serve"), "scoring_script": "score.py"},
            "environment": PLAIN,
            "instance_type": "local",
            "instance_count": 1,
        },
        all_traffic=True,
    )
    up = ws.online_deployments.wait("factor", "blue", timeout=120)
    assert up.provisioning_state == "Succeeded"
    assert ws.online_endpoints.invoke("factor", request={"data": [1, 2.5]}) == [2.0, 5.0]
    assert "the model is loaded" in ws.online_deployments.logs("factor", "blue")

    endpoint = ws.online_endpoints.get("factor")
    key = ws.online_endpoints.credentials("factor").primary_key
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(endpoint.scoring_uri, data=b'{"data": [4]}', headers=headers)
    with urllib.request.urlopen(request) as answer:
        assert json.loads(answer.read()) == [8.0]

    ws.online_deployments.create(
        {
            "name": "green",
            "endpoint_name": "factor",
            "model": "azureml:factor@latest",
            "code_configuration": {"code": str(project / "serve"), "scoring_script": "score.py"},
            "environment": PLAIN,
        }
    )
    ws.online_deployments.wait("factor", "green", timeout=120)
    moving = ws.online_endpoints.start_rollout("factor", deployment="green", steps=[20, 100])
    assert moving.traffic == {"blue": 80, "green": 20}
    with pytest.raises(ConflictError):
        ws.online_endpoints.start_rollout("factor", deployment="green")
    stopped = ws.online_endpoints.stop_rollout("factor")
    assert (stopped.traffic["blue"], (stopped.rollout or {})["state"]) == (100, "Stopped")

    ws.online_endpoints.delete("factor")
    assert "factor" not in [found.name for found in ws.online_endpoints.list()]


def test_a_job_is_followed_and_fetched(ws, project):
    job = ws.jobs.create(project / "job.yml")
    log = io.StringIO()
    assert ws.jobs.stream(job.name, out=log).status == "Completed"
    assert log.getvalue() == "trained with 1.0 on 442 patients\n"
    found = ws.jobs.get(job.name)
    assert (found.exit_code, found.experiment_name) == (0, "sdk")
    assert job.name in [listed.name for listed in ws.jobs.list(experiment="sdk", status="Completed")]

    kept = ws.jobs.download(job.name, download_path=project / "kept")
    assert {"model.json", "seen.txt", "std_log.txt"} <= {path.name for path in kept}
    report = ws.jobs.download(job.name, download_path=project / "report", output_name="report")
    assert [path.relative_to(project).as_posix() for path in report] == ["report/seen.txt"]
    assert report[0].read_text() == "442 patients\n"


def test_the_same_folder_is_uploaded_once(ws, project):
    first, second = (ws.jobs.create(project / "job.yml") for _ in range(2))
    assert first.code == second.code
    for job in (first, second):
        ws.jobs.wait(job.name, timeout=120)


def test_a_job_that_fails_says_how(ws):
    job = ws.jobs.create(
        CommandJob(command="echo wrong; exit 3", environment=PLAIN, experiment_name="sdk-failing")
    )
    with pytest.raises(JobFailedError, match="ended as Failed"):
        ws.jobs.wait(job.name, timeout=120)
    assert ws.jobs.wait(job.name, check=False).exit_code == 3
    assert "wrong\n" in "".join(ws.jobs.logs(job.name))


def test_waiting_ends_and_cancelling_works(ws):
    job = ws.jobs.create(CommandJob(command="sleep 600", environment=PLAIN, experiment_name="sdk-long"))
    with pytest.raises(WaitTimeoutError, match=r"after 0\.2 seconds"):
        ws.jobs.wait(job.name, timeout=0.2)
    ws.jobs.cancel(job.name)
    assert ws.jobs.wait(job.name, timeout=120, check=False).status == "Canceled"


def test_a_job_that_breaks_a_rule_creates_nothing(ws, project):
    before = len(ws.jobs.list())
    with pytest.raises(InvalidError):
        ws.jobs.create({"environment": PLAIN, "experiment_name": "sdk"})
    with pytest.raises(InvalidError, match="comand"):
        ws.jobs.create({"comand": "true", "command": "true", "environment": PLAIN})
    with pytest.raises(NotFoundError, match=r"missing\.csv"):
        ws.jobs.create(project / "job.yml", set={"inputs.data.path": "missing.csv"})
    assert len(ws.jobs.list()) == before


def test_a_script_that_fails_in_init_shows_its_traceback(ws, tmp_path):
    (tmp_path / "score.py").write_text(
        "def init():\n    raise RuntimeError('no weights')\n\ndef run(d): ...\n"
    )
    (tmp_path / "model.json").write_text("{}")
    ws.online_endpoints.create(name="broken-init")
    ws.online_deployments.create(
        {
            "name": "blue",
            "endpoint_name": "broken-init",
            "model": {"path": str(tmp_path / "model.json")},
            "code_configuration": {"code": str(tmp_path), "scoring_script": "score.py"},
            "environment": PLAIN,
            "instance_type": "local",
            "instance_count": 1,
        }
    )
    with pytest.raises(DeploymentFailedError, match="no weights"):
        ws.online_deployments.wait("broken-init", "blue", timeout=120)
    ws.online_endpoints.delete("broken-init")


def test_models_count_up_and_versions_are_listed(ws, tmp_path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "w.bin").write_bytes(b"\0" * 10)
    made = [ws.models.create(name="counted", path=tmp_path / "weights", tags={"k": "v"}) for _ in range(2)]
    assert [version.version for version in made] == ["1", "2"]
    assert made[0].tree == made[1].tree
    assert {version.version for version in ws.models.list(name="counted")} == {"1", "2"}
    assert "counted" in [model.name for model in ws.models.list()]
    with pytest.raises(ConflictError):
        ws.models.create(name="counted", path=tmp_path / "weights", version="2")


def test_data_has_versions_that_are_looked_into(ws, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("x,s\n1,a\n2,b\n")
    first = ws.data.create(name="numbers", path=table, tags={"by": "hand"})
    again = ws.data.create({"name": "numbers", "path": str(table), "version": "again"})
    assert (first.version, first.type, first.tags, first.tree) == (
        "1",
        "uri_file",
        {"by": "hand"},
        again.tree,
    )
    with pytest.raises(ConflictError):
        ws.data.create(name="numbers", path=table, version="again")
    assert [v.version for v in ws.data.list(name="numbers")] == ["again", "1"]
    assert ws.data.preview("numbers", rows=1)["rows"] == [["1", "a"]]
    profile = ws.data.profile("numbers")
    assert (profile["rows"], [c["type"] for c in profile["columns"]]) == (2, ["integer", "string"])
    assert ws.data.download("numbers", download_path=tmp_path / "back")[0].read_text() == table.read_text()

    job = ws.jobs.create(
        CommandJob(
            command="cp ${{inputs.table}} ${{outputs.copy}}/copy.csv",
            environment="system",
            inputs={"table": {"type": "uri_file", "path": "azureml:numbers:1"}},
            outputs={"copy": {"type": "uri_folder", "name": "copied"}},
        )
    )
    ws.jobs.wait(job.name)
    assert ws.data.used_by("numbers", version="1")[0]["run_id"] == job.name
    graph = ws.lineage(f"run:{job.name}", direction="sources", depth=1)
    assert {node["id"] for node in graph["nodes"]} >= {f"run:{job.name}", "data:numbers:1"}
    assert ["data:numbers:1", f"run:{job.name}"] in [[edge["from"], edge["to"]] for edge in graph["edges"]]
    assert ws.data.get("copied").run_id == job.name
    ws.data.archive("numbers", version="again")
    assert ws.data.get("numbers").version == "1"
    ws.data.restore("numbers", version="again")
    assert ws.data.get("numbers").version == "again"
    assert {"numbers", "copied"} <= {asset.name for asset in ws.data.list()}


def test_a_folder_of_the_server_is_a_datastore(ws, tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    made = ws.datastores.create({"name": "sdk_lake", "type": "local", "path": str(tmp_path)})
    assert made.credentials == {"type": "none"}
    assert made in ws.datastores.list()
    loose = ws.data.create(name="loose", path="azureml://datastores/sdk_lake/paths/a.csv", type="uri_file")
    assert (loose.tree, loose.reference["datastore"]) == ("", "sdk_lake")
    with pytest.raises(PreconditionError):
        ws.data.download("loose")
    ws.datastores.delete("sdk_lake")
    with pytest.raises(NotFoundError):
        ws.datastores.get("sdk_lake")


def test_environments_include_the_curated_ones(ws):
    assert "sklearn-1.5" in [found.name for found in ws.environments.list() if found.curated]


@pytest.fixture
def context(tmp_path):
    """Make a Docker build context that only installs packages."""
    folder = tmp_path / "docker-context"
    (folder / "deps").mkdir(parents=True)
    (folder / "Dockerfile").write_text(
        "FROM python:3.11\nCOPY . /src\nRUN pip install -r /src/deps/base.txt six\n"
    )
    (folder / "deps" / "base.txt").write_text("idna==3.10\n")
    (folder / "model.bin").write_bytes(b"\xff" * 10)
    return folder


def test_a_docker_context_becomes_a_list_of_packages(ws, context):
    file = context.parent / "environment.yml"
    file.write_text("name: from-docker\nbuild:\n  path: docker-context\n")
    made = ws.environments.create(file)
    assert (made.requirements, made.python_version) == (["idna==3.10", "six"], "3.11")
    again = ws.environments.create({"name": "from-docker", "build": {"path": context}})
    assert again.hash == made.hash
    job = ws.jobs.create(
        {"command": "true", "environment": {"build": {"path": str(context)}}, "experiment_name": "sdk-docker"}
    )
    assert any("read for its packages and not built" in notice for notice in job.notices)
    ws.jobs.cancel(job.name)


@pytest.mark.parametrize(
    ("build", "fault", "message"),
    [
        ({"path": "nowhere"}, NotFoundError, "leads nowhere"),
        ({"path": "docker-context", "dockerfile_path": "Other"}, NotFoundError, "Other cannot be read"),
        (
            {"path": "docker-context", "dockerfile_path": "../secret"},
            InvalidError,
            "leads out of the context",
        ),
        ({"path": "https://github.com/a/b"}, InvalidError, "must be a folder on this machine"),
        ({"path": "docker-context", "args": {}}, InvalidError, 'key "build.args"'),
        ({"path": "docker-context", "dockerfile_path": "Curl"}, InvalidError, "Curl:2"),
        ({"path": "docker-context", "dockerfile_path": "Linked"}, InvalidError, "is not in the image"),
    ],
)
def test_a_docker_context_is_refused(ws, context, build, fault, message, monkeypatch):
    monkeypatch.chdir(context.parent)
    (context.parent / "secret").write_text("FROM python:3.11\n")
    (context / "Curl").write_text("FROM python:3.11\nRUN curl https://example.com\n")
    (context / "linked.txt").symlink_to(context.parent / "secret")
    (context / "Linked").write_text("FROM python:3.11\nCOPY linked.txt .\nRUN pip install -r linked.txt\n")
    with pytest.raises(fault, match=re.escape(message)):
        ws.environments.create({"name": "refused", "build": build})


def test_a_conda_file_is_read_where_it_lies(ws, tmp_path):
    conda = tmp_path / "conda.yml"
    conda.write_text("dependencies:\n- python=3.11\n- pip:\n  - idna==3.10\n")
    made = ws.environments.create({"name": "conda", "conda_file": conda})
    assert made.requirements == ["idna==3.10"]
    inline = {"dependencies": ["python=3.11", {"pip": ["idna==3.10"]}]}
    assert ws.environments.create({"name": "conda", "conda_file": inline}).hash == made.hash
    with pytest.raises(NotFoundError, match=re.escape("missing.yml cannot be read")):
        ws.environments.create({"name": "conda", "conda_file": "missing.yml"})
    conda.write_text("dependencies:\n- nothing = = 2\n")
    with pytest.raises(InvalidError, match=r"conda\.yml:2"):
        ws.environments.create({"name": "conda", "conda_file": conda})


def test_environments_are_built_ahead(ws):
    built = ws.environments.build("python")
    assert (built.state, built.error, built.hash) == ("ready", "", ws.environments.get("python").hash)
    assert ws.environments.build_state("python") == built
    assert "Building environment" in ws.environments.build_log("python")
    ws.environments.create({"name": "future", "python_version": "3.99"})
    failed = ws.environments.build("future")
    assert failed.state == "failed"
    assert "3.99" in failed.error
    with pytest.raises(PreconditionError):
        ws.environments.cancel_build("future")


def test_secrets_are_given_by_name_and_never_shown(ws):
    made = ws.secrets.set("sdk-token", "hunter2-of-the-sdk")
    assert (made.name, made.version) == ("sdk-token", 1)
    assert ws.secrets.set("sdk-token", "hunter3-of-the-sdk").version == 2
    job = ws.jobs.create(
        {
            "command": 'echo "it is $TOKEN"',
            "environment": "system",
            "environment_variables": {"TOKEN": "${{secrets.sdk-token}}"},
        }
    )
    ws.jobs.wait(job.name)
    assert "".join(ws.jobs.logs(job.name)) == "it is ***\n"
    assert ws.secrets.get("sdk-token").used_by.startswith(f"job {job.name} of ")
    assert "hunter" not in repr(ws.secrets.list()) + repr(ws.jobs.get(job.name))
    with pytest.raises(InvalidError):
        ws.secrets.set("sdk-token", "abc")
    ws.secrets.delete("sdk-token")
    with pytest.raises(NotFoundError):
        ws.secrets.get("sdk-token")


def test_a_job_is_repeated_and_compared(ws, project):
    first = ws.jobs.wait(ws.jobs.create(project / "job.yml").name)
    again = ws.jobs.wait(ws.jobs.rerun(first.name).name)
    assert again.properties["atelier.rerun_of"] == first.name
    found = ws.jobs.compare(again.name)
    assert (found["agree"], found["with"]) == (True, first.name)
    assert [(one["key"], one["agrees"], one["points"]) for one in found["metrics"]] == [("loss", True, 5)]
    other = ws.jobs.wait(ws.jobs.create(project / "job.yml", set={"inputs.alpha": 0.75}).name)
    assert not ws.jobs.compare(other.name, other=first.name)["agree"]
    assert ws.jobs.compare(other.name, other=first.name, atol=10)["agree"]
    assert not ws.jobs.compare(other.name, other=first.name, atol=10, ignore=["loss", "x"])["agree"]


def test_environments_have_versions(ws, tmp_path):
    (tmp_path / "requirements.txt").write_text("numpy==2.1.3\n")
    (tmp_path / "vision.yml").write_text("name: vision\npip_requirements: requirements.txt\n")
    first = ws.environments.create(tmp_path / "vision.yml")
    second = ws.environments.create({"name": "vision", "python_version": "3.11", "tags": {"a": "b"}})
    assert (first.version, first.requirements) == ("1", ["numpy==2.1.3"])
    assert (second.version, second.tags) == ("2", {"a": "b"})
    ws.environments.archive("vision", version="2")
    assert ws.environments.get("vision").version == "1"
    assert [found.version for found in ws.environments.list(name="vision")] == ["1"]
    ws.environments.restore("vision")
    assert [found.version for found in ws.environments.list(name="vision", archived=True)] == ["2", "1"]
    with pytest.raises(NotFoundError):
        ws.environments.get("vision", version="3")


def test_what_is_not_there(ws):
    for ask in (ws.jobs.get, ws.runs.get, ws.models.get, ws.online_endpoints.get):
        with pytest.raises(NotFoundError, match="no-such-thing") as caught:
            ask("no-such-thing")
        assert caught.value.request_id


def test_a_wrong_token_and_a_server_that_is_away(server):
    with Workspace(server=server.url, token="wrong") as ws, pytest.raises(UnauthenticatedError):
        ws.jobs.list()
    with Workspace(server="http://127.0.0.1:1", token="t") as ws, pytest.raises(UnavailableError, match="up"):
        ws.jobs.list()


def test_mlflow_finds_the_workspace(ws):
    environ = ws.mlflow_env()
    request = urllib.request.Request(
        environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/experiments/search?max_results=5",
        headers={"Authorization": f"Bearer {environ['MLFLOW_TRACKING_TOKEN']}"},
    )
    with urllib.request.urlopen(request) as answer:
        assert json.loads(answer.read())["experiments"]
