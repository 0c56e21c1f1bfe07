"""Jobs and computes of the package against a real server: what the guide says of them."""

import pytest

from atelier import CommandJob, ConflictError, InvalidError, NotFoundError

PLAIN = {"image": "library/python:latest"}  # Python without packages


def test_a_compute_from_its_making_to_its_end(ws):
    made = ws.computes.create("bench", slots=1, description="one at a time")
    assert (made.slots, made.description, made.state) == (1, "one at a time", "Running")
    with pytest.raises(ConflictError):
        ws.computes.create("bench")
    changed = ws.computes.update("bench", slots=2)
    assert (changed.slots, changed.description) == (2, "one at a time")
    assert ws.computes.update("bench", description="two at a time").slots == 2
    assert ws.computes.get("bench").description == "two at a time"
    assert {"local", "bench"} <= {compute.name for compute in ws.computes.list()}
    assert ws.computes.stop("bench").state == "Stopped"
    assert ws.computes.start("bench").state == "Running"
    with pytest.raises(InvalidError):
        ws.computes.update("bench", slots=-1)
    with pytest.raises(NotFoundError):
        ws.computes.update("nothing", slots=1)
    ws.computes.delete("bench")
    with pytest.raises(NotFoundError):
        ws.computes.get("bench")


def test_a_job_says_why_it_waits(ws):
    ws.computes.create("resting", slots=1)
    ws.computes.stop("resting")
    job = ws.jobs.create(
        CommandJob(command="true", environment=PLAIN, experiment_name="sdk-why", compute="azureml:resting")
    )
    why = ws.jobs.why(job.name)
    assert (why.name, why.status) == (job.name, "Queued")
    assert "resting" in why.reason
    assert why.cause
    ws.jobs.cancel(job.name)
    assert ws.jobs.why(job.name).cause == ""
    ws.computes.delete("resting")


def test_a_job_of_several_processes(ws):
    job = ws.jobs.create(
        CommandJob(
            command="echo $RANK of $WORLD_SIZE; test $RANK != 1 || exit 3",
            environment=PLAIN,
            experiment_name="sdk-distributed",
            distribution={"type": "pytorch", "process_count_per_instance": 2},
            identity={"type": "managed"},
        )
    )
    assert any("a token of its own" in notice for notice in job.notices)
    over = ws.jobs.wait(job.name, timeout=120, check=False)
    assert (over.status, over.exit_code, over.distribution["type"]) == ("Failed", 3, "pytorch")
    assert [rank["rank"] for rank in over.ranks] == [0, 1]
    assert over.ranks[1]["exit_code"] == 3
    assert "".join(ws.jobs.logs(job.name, log=over.ranks[1]["log"])) == "1 of 2\n"
    with pytest.raises(InvalidError, match="ssh"):
        ws.jobs.create({"command": "true", "environment": PLAIN, "services": {"me": {"type": "ssh"}}})


def test_an_output_becomes_a_model(ws):
    job = ws.jobs.create(
        CommandJob(
            command="echo 1 > ${{outputs.best}}/weights",
            environment=PLAIN,
            experiment_name="sdk-outputs",
            outputs={"best": {"type": "custom_model", "name": "sdk-made"}},
        )
    )
    assert ws.jobs.wait(job.name, timeout=120).status == "Completed"
    assert ws.models.get("sdk-made").run_id == job.name
    reader = ws.jobs.create(
        CommandJob(
            command="cat ${{inputs.best}}/weights",
            environment=PLAIN,
            experiment_name="sdk-outputs",
            inputs={"best": {"type": "custom_model", "path": "azureml:sdk-made:1"}},
        )
    )
    ws.jobs.wait(reader.name, timeout=120)
    assert "".join(ws.jobs.logs(reader.name)) == "1\n"
