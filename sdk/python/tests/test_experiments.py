"""Experiments, what they take, and removing runs for good, against a real server."""

import json
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone

import pytest

from atelier import ConflictError, InvalidError, NotFoundError, PreconditionError

SOON = datetime.now(timezone.utc) + timedelta(days=1)


@pytest.fixture
def track(server):
    """Log a run that has ended, as MLflow does, and return its id."""

    def post(path, **body):
        request = urllib.request.Request(
            f"{server.url}/api/2.0/mlflow/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {server.token}"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def run(experiment, loss):
        made = post("runs/create", experiment_id=experiment.id, start_time=1)["run"]["info"]["run_id"]
        post("runs/log-metric", run_id=made, key="loss", value=loss, timestamp=1, step=0)
        post("runs/update", run_id=made, status="FINISHED", end_time=2)
        return made

    return run


def test_the_life_of_an_experiment(ws):
    name = "life-" + uuid.uuid4().hex
    made = ws.experiments.create(name, tags={"team": "blue"})
    assert (made.name, made.tags, made.lifecycle_stage) == (name, {"team": "blue"}, "active")
    with pytest.raises(ConflictError):
        ws.experiments.create(name)
    changed = ws.experiments.update(name, name=name + "-2", tags={"team": None, "owner": "ada"})
    assert (changed.name, changed.tags) == (name + "-2", {"owner": "ada"})
    with pytest.raises(PreconditionError):
        ws.experiments.purge(changed.name)
    ws.experiments.delete(changed.name)
    assert changed.id in {e.id for e in ws.experiments.list(deleted=True)}
    assert ws.experiments.restore(changed.name).lifecycle_stage == "active"
    assert changed.id in {e.id for e in ws.experiments.list()}
    ws.experiments.delete(changed.name)
    assert ws.experiments.purge(changed.name, dry_run=True).experiments == 1
    assert ws.experiments.purge(changed.name).experiments == 1
    with pytest.raises(NotFoundError):
        ws.experiments.get(changed.id)
    with pytest.raises(InvalidError):
        ws.experiments.purge()


def test_keep_the_best(ws, track):
    experiment = ws.experiments.create("best-" + uuid.uuid4().hex)
    runs = [track(experiment, loss) for loss in (0.3, 0.1, 0.2)]
    ws.runs.delete(runs[0])
    assert ws.runs.restore(runs[0]).lifecycle_stage == "active"
    assert ws.runs.storage(runs[0]).metric_bytes > 0
    use = ws.experiments.storage(experiment.name, largest=2)
    assert (use.runs, len(use.largest_runs), use.experiments[0].name) == (3, 2, experiment.name)
    rules = {
        "experiments": [experiment.name],
        "keep_best": 1,
        "metric": "loss",
        "order": "min",
        "include_active": True,
    }
    assert ws.runs.purge(**rules, dry_run=True).runs == 2
    done = ws.runs.purge(**rules, ended_before=SOON, status=["FINISHED"])
    assert (done.runs, done.kept, done.dry_run) == (2, 0, False)
    assert [run.id for run in ws.runs.list(experiment=experiment.name)] == [runs[1]]
    with pytest.raises(InvalidError, match="No rule"):
        ws.runs.purge(include_active=True)
