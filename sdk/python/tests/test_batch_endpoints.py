"""Batch endpoints from Python: folders of files are scored by a real server's jobs."""

import pytest

from atelier import InvalidError, NotFoundError, PreconditionError

DOUBLE = """
import os

def init():
    print("ready to double")

def run(mini_batch):
    return ["%s: %d" % (os.path.basename(path), 2 * int(open(path).read())) for path in mini_batch]
"""


@pytest.fixture
def project(tmp_path):
    """A deployment as a user has it, in the newer form and the older, and files to score."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "score.py").write_text(DOUBLE)
    (tmp_path / "numbers").mkdir()
    for number in (1, 2, 3):
        (tmp_path / "numbers" / f"{number}.txt").write_text(str(number))
    script = "code_configuration: {code: code, scoring_script: score.py}\n"
    common = f"endpoint_name: doubler\nenvironment: system\n{script}"
    (tmp_path / "new.yml").write_text(f"name: new\n{common}settings: {{mini_batch_size: 2}}\n")
    (tmp_path / "old.yml").write_text(f"name: old\n{common}mini_batch_size: 1\noutput_file_name: old.csv\n")
    (tmp_path / "twice.yml").write_text(
        f"name: twice\n{common}mini_batch_size: 1\nsettings: {{mini_batch_size: 2}}\n"
    )
    return tmp_path


def test_a_folder_is_scored_by_either_deployment(ws, project):
    assert ws.batch_endpoints.create(name="doubler").provisioning_state == "Succeeded"
    with pytest.raises(PreconditionError):
        ws.batch_endpoints.invoke("doubler", input=project / "numbers")
    new = ws.batch_deployments.create(project / "new.yml", set_default=True)
    assert new.settings["mini_batch_size"] == 2
    old = ws.batch_deployments.create(project / "old.yml")
    assert (old.settings["mini_batch_size"], old.settings["output_file_name"]) == (1, "old.csv")
    assert [one.name for one in ws.batch_deployments.list("doubler")] == ["new", "old"]

    folder = ws.batch_endpoints.invoke("doubler", input=project / "numbers")
    one = ws.batch_endpoints.invoke(
        "doubler",
        inputs={"three": project / "numbers" / "3.txt"},
        deployment_name="old",
        job_name="only-three",
        settings={"output_file_name": "three.csv"},
    )
    assert ws.jobs.wait(folder.name, timeout=120).status == "Completed"
    assert ws.jobs.wait(one.name, timeout=120).status == "Completed"
    ws.jobs.download(folder.name, download_path=project / "all", output_name="score")
    assert (project / "all" / "predictions.csv").read_text() == "1.txt: 2\n2.txt: 4\n3.txt: 6\n"
    ws.jobs.download("only-three", download_path=project / "one", output_name="score")
    assert (project / "one" / "three.csv").read_text() == "3.txt: 6\n"
    assert [job.name for job in ws.batch_endpoints.jobs("doubler")] == ["only-three", folder.name]
    assert [job.name for job in ws.batch_deployments.jobs("doubler", "old")] == ["only-three"]


def test_what_is_wrong_is_said_and_nothing_is_made(ws, project):
    ws.batch_endpoints.create({"name": "empty", "description": "twice as much"})
    with pytest.raises(InvalidError, match=r"settings\.mini_batch_size"):
        ws.batch_deployments.create(project / "twice.yml", endpoint_name="empty")
    with pytest.raises(InvalidError, match="which endpoint"):
        ws.batch_deployments.create({"name": "loose"})
    with pytest.raises(InvalidError, match="nothing to score"):
        ws.batch_endpoints.invoke("empty")
    with pytest.raises(NotFoundError):
        ws.batch_endpoints.invoke("nobody", input=project / "numbers")
    assert ws.batch_deployments.list("empty") == []


def test_the_default_can_change_and_the_other_go(ws, project):
    ws.batch_endpoints.create(name="doubler")
    ws.batch_deployments.create(project / "new.yml", set_default=True)
    ws.batch_deployments.create(project / "old.yml")
    with pytest.raises(PreconditionError):
        ws.batch_deployments.delete("doubler", "new")
    changed = ws.batch_endpoints.update("doubler", default_deployment="old")
    assert changed.defaults == {"deployment_name": "old"}
    ws.batch_deployments.delete("doubler", "new")
    with pytest.raises(NotFoundError):
        ws.batch_deployments.get("doubler", "new")
    ws.batch_endpoints.delete("doubler")
    assert "doubler" not in [one.name for one in ws.batch_endpoints.list()]
