"""Logging through the journal, against a real server, without anything going wrong but what is asked for."""

import json
import math
import multiprocessing
import subprocess

import pytest

import atelier
from atelier import InvalidError, NotFoundError, UnauthenticatedError, Workspace

NOBODY = "http://127.0.0.1:9"  # the port of the discard service, on which nobody listens


@pytest.fixture(autouse=True)
def journals(tmp_path, monkeypatch):
    folder = tmp_path / "journals"
    monkeypatch.setenv("ATELIER_JOURNAL_DIR", str(folder))
    return folder


def sync(server, folder, *options, status=0):
    command = [str(server.binary), "sync", str(folder), "--server", server.url, "-o", "json", *options]
    done = subprocess.run(command, env=server.environ, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout), done.stderr


def points(ws, run, key):
    series = ws.runs.metrics(run, key, max_points=50_000)
    assert len(series.points) == series.count
    return [(point.step, point.value) for point in series.points]


def test_what_is_logged_is_with_the_run(ws, journals, tmp_path):
    (tmp_path / "out" / "deep").mkdir(parents=True)
    (tmp_path / "out" / "deep" / "a.bin").write_bytes(b"\0" * 3_000_000)
    (tmp_path / "out" / "b.txt").write_text("b")
    with ws.start_run(experiment="journals", name="first", tags={"team": "blue"}) as run:
        run.log_params({"alpha": 0.5, "depth": 3})
        run.log_param("alpha", 0.5)
        for step in range(2500):
            run.log_metric("loss", 1 / (step + 1), step)
        run.log_metrics(
            {"nan": math.nan, "up": math.inf, "down": -math.inf}, step=-3, timestamp=1700000000000
        )
        run.log_metric("counted", 1)
        run.log_metric("counted", 2)
        run.set_tag("stage", "a")
        run.set_tag("stage", "b")
        run.log_artifact(tmp_path / "out", "model")
        run.log_artifact(tmp_path / "out" / "b.txt")
        run.log_text("héllo", "notes/hello.txt")
        run.log_dict({"a": [1]}, "notes/a.json")
    delivery = run.finish()
    assert (delivery.complete, delivery.left, delivery.refused) == (True, 0, ())
    assert list(journals.iterdir()) == []  # the server has all, so the journal is gone

    seen = ws.runs.get(run.id)
    assert (seen.name, seen.experiment_name, seen.status) == ("first", "journals", "FINISHED")
    assert seen.params == {"alpha": "0.5", "depth": "3"}
    assert (seen.tags["team"], seen.tags["stage"]) == ("blue", "b")
    assert points(ws, run.id, "loss") == [(step, 1 / (step + 1)) for step in range(2500)]
    assert math.isnan(points(ws, run.id, "nan")[0][1])
    assert (points(ws, run.id, "up"), points(ws, run.id, "down")) == ([(-3, math.inf)], [(-3, -math.inf)])
    assert points(ws, run.id, "counted") == [(0, 1), (1, 2)]
    ws.runs.download(run.id, download_path=tmp_path / "got")
    got = {
        str(path.relative_to(tmp_path / "got")): path
        for path in (tmp_path / "got").rglob("*")
        if path.is_file()
    }
    assert sorted(got) == ["b.txt", "model/b.txt", "model/deep/a.bin", "notes/a.json", "notes/hello.txt"]
    assert got["model/deep/a.bin"].stat().st_size == 3_000_000
    assert got["notes/hello.txt"].read_text(encoding="utf-8") == "héllo"


def test_mistakes_are_said_at_once(ws, tmp_path):
    run = ws.start_run(experiment="journals")
    run.log_param("alpha", 1)
    for call in (
        lambda: run.log_param("alpha", 2),
        lambda: run.log_params({"beta": 1, "alpha": 2}),
        lambda: run.log_metric("loss", "high"),
        lambda: run.log_metric("a//b", 1),
        lambda: run.log_metric("../up", 1),
        lambda: run.log_metric("", 1),
        lambda: run.log_metric("x" * 251, 1),
        lambda: run.log_metric("semi;colon", 1),
        lambda: run.log_metric("loss", 1, 0.5),
        lambda: run.log_metric("loss", 1, timestamp=-1),
        lambda: run.set_tag("a", "nul\0"),
        lambda: run.log_artifact(tmp_path / "missing"),
        lambda: run.log_text("x", "../x"),
        lambda: run.log_text("x", "/etc/x"),
        lambda: run.log_text("x", "a/..;/x"),
        lambda: run.finish("DONE"),
        lambda: ws.start_run(id="../x"),
        lambda: ws.start_run(mode="sometimes"),
        lambda: ws.start_run(join=True),
    ):
        with pytest.raises(InvalidError):
            call()
    assert run.finish().complete
    assert ws.runs.get(run.id).params == {"alpha": "1"}
    with pytest.raises(InvalidError, match="is over"):
        run.log_metric("loss", 1)


def test_what_the_server_refuses_is_kept_and_said(ws, caplog):
    first = ws.start_run(experiment="journals")
    first.log_param("alpha", 1)
    assert first.finish().complete
    with ws.start_run(id=first.id) as again:
        again.log_params({"alpha": 2, "beta": 3})
        again.log_metric("loss", 1)
    delivery = again.finish()
    assert (delivery.complete, delivery.left) == (True, 0)
    assert "Changing param values is not allowed" in delivery.refused[0]
    assert "Changing param values is not allowed" in caplog.text
    line = json.loads((delivery.folder / "refused").read_text())
    assert (line["type"], line["key"], line["value"]) == ("params", "alpha", "2")
    seen = ws.runs.get(first.id)
    assert (seen.params, seen.status) == ({"alpha": "1", "beta": "3"}, "FINISHED")
    assert seen.metrics["loss"].value == 1


def test_an_exception_fails_the_run(ws):
    with pytest.raises(ZeroDivisionError), ws.start_run(experiment="journals") as run:
        run.log_metric("loss", 1 / 0)
    assert ws.runs.get(run.id).status == "FAILED"


def test_a_run_without_any_server_is_synced_later(server, ws, journals, caplog):
    away = Workspace(server=NOBODY, token="t")
    run = away.start_run(experiment="journals", name="train")
    for step in range(1500):
        run.log_metric("loss", step, step)
    run.log_text("kept", "notes.txt")
    delivery = run.finish(timeout=30)
    assert (delivery.complete, delivery.left, delivery.folder) == (False, 1503, journals / run.id)
    assert caplog.text.count("runs") == 0
    assert f"atelier sync {delivery.folder}" in caplog.text
    with pytest.raises(NotFoundError):
        ws.runs.get(run.id)

    (plan,), _ = sync(server, journals, "--dry-run")
    assert (plan["state"], plan["sent"]["points"], plan["sent"]["artifacts"]) == ("waiting", 1500, 1)
    with pytest.raises(NotFoundError):
        ws.runs.get(run.id)
    (result,), _ = sync(server, journals)
    assert (result["state"], result["sent"]["points"], result["killed"]) == ("shipped", 1500, False)
    assert points(ws, run.id, "loss") == [(step, step) for step in range(1500)]
    assert (ws.runs.get(run.id).status, ws.runs.get(run.id).name) == ("FINISHED", "train")
    assert [file.path for file in ws.runs.artifacts(run.id)] == ["notes.txt"]

    (result,), _ = sync(server, journals)  # it is marked
    assert (result["state"], result["sent"]["points"]) == ("shipped", 0)
    (delivery.folder / "shipped").unlink()  # and without the mark all is sent again, and there once
    (result,), _ = sync(server, journals, "--delete")
    assert (result["sent"]["points"], result["deleted"]) == (1500, True)
    assert len(points(ws, run.id, "loss")) == 1500
    assert list(journals.iterdir()) == []


def test_offline_needs_no_token_and_no_network(server, ws, journals, monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("ATELIER_SERVER", NOBODY)
    monkeypatch.delenv("ATELIER_TOKEN", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnauthenticatedError):
        atelier.start_run()
    with atelier.run(mode="offline", experiment="journals") as run:
        run.log_metric("loss", 1)
    assert not run.finish().complete
    assert "is offline" in caplog.text
    sync(server, journals)
    assert points(ws, run.id, "loss") == [(0, 1)]


def test_a_journal_is_not_shipped_under_its_writer(server, ws, journals):
    run = Workspace(server=NOBODY, token="t").start_run(experiment="journals")
    run.log_metric("loss", 1)
    (result,), _ = sync(server, journals)
    assert result["state"] == "held"
    assert run.finish(timeout=0).left == 3
    (result,), _ = sync(server, journals)
    assert result["state"] == "shipped"


def test_the_token_goes_to_no_server_that_only_a_journal_names(server, ws, journals):
    run = Workspace(server=NOBODY, token="t").start_run(experiment="journals")
    run.finish(timeout=0)
    command = [str(server.binary), "sync", str(journals), "-o", "json"]
    environ = {**server.environ, "ATELIER_SERVER": server.url, "ATELIER_TOKEN": "secret"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "is not sent to a server that a file names" in done.stderr or "no token" in done.stderr


def test_a_deleted_run_keeps_its_journal_until_it_is_back(server, ws, journals):
    run = ws.start_run(experiment="journals")
    assert run.flush(timeout=60)
    ws._transport.delete(f"runs/{run.id}")
    run.log_metric("loss", 1)
    delivery = run.finish()
    assert (delivery.complete, delivery.left) == (False, 2)
    assert not (delivery.folder / "refused").exists()
    (result,), words = sync(server, journals, status=7)
    assert result["state"] == "left"
    assert "was deleted" in words
    ws._transport.post(f"runs/{run.id}/restore", {})
    sync(server, journals)
    assert points(ws, run.id, "loss") == [(0, 1)]


def _work(run, name):
    for step in range(200):
        run.log_metric(name, step, step)


def test_forked_processes_log_to_the_same_run(ws, journals):
    fork = multiprocessing.get_context("fork")
    with ws.start_run(experiment="journals") as run:
        run.log_metric("before", 0)
        children = [fork.Process(target=_work, args=(run, f"child{n}")) for n in range(2)]
        for child in children:
            child.start()
        _work(run, "parent")
        for child in children:
            child.join()
            assert child.exitcode == 0
    assert run.finish().complete
    for name in ("parent", "child0", "child1"):
        assert [step for step, _ in points(ws, run.id, name)] == list(range(200))
    assert ws.runs.get(run.id).status == "FINISHED"
    assert list(journals.iterdir()) == []


def test_another_process_joins_a_run(ws):
    with ws.start_run(experiment="journals") as run:
        assert run.flush(timeout=60)
        with ws.start_run(id=run.id, join=True) as joined:
            joined.log_metric("other", 1)
        assert ws.runs.get(run.id).status == "RUNNING"
    assert points(ws, run.id, "other") == [(0, 1)]


def test_a_child_run_belongs_under_its_parent(ws):
    with ws.start_run(experiment="journals") as run, ws.start_run(experiment="journals", parent=run) as child:
        child.log_metric("loss", 1)
    assert ws.runs.get(child.id).parent_run_id == run.id


IN_A_JOB = """
import atelier, os, signal
with atelier.start_run() as run:
    run.log_params({"alpha": 1})
    for step in range(300):
        run.log_metric("loss", step, step)
    with atelier.start_run(parent=run, name="inner") as inner:
        inner.log_metric("deep", 1)
late = atelier.start_run()
late.log_metric("late", 1)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_job_logs_to_its_own_run_and_loses_nothing_when_it_is_killed(ws, tmp_path):
    import sys

    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text(IN_A_JOB)
    job = ws.jobs.create(
        atelier.CommandJob(
            command=f"{sys.executable} train.py",
            code=tmp_path / "src",
            environment={"image": "library/python:latest"},
        )
    )
    ended = ws.jobs.wait(job.name, timeout=120, check=False)
    assert ended.status == "Failed"  # by SIGKILL
    log = "".join(ws.jobs.logs(job.name))
    assert points(ws, job.name, "loss") == [(step, step) for step in range(300)], log
    assert points(ws, job.name, "late") == [(0, 1)], log
    (inner,) = [run for run in ws.runs.list() if run.parent_run_id == job.name]
    assert (inner.name, inner.status, inner.metrics["deep"].value) == ("inner", "FINISHED", 1)
