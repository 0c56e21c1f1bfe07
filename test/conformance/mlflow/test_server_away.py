"""The unmodified client in a job whose server is away: it goes on, and nothing of what it logged is lost."""

import sys

import atelier

SCRIPT = """
import os, pathlib, time
import mlflow

with mlflow.start_run():
    mlflow.log_param("a", 1)
    mlflow.log_artifact("train.py", "before")
    print("ready", flush=True)
    while not os.path.exists(SIGN + ".go"):
        time.sleep(0.02)
    for step in range(100):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metrics({"x": 1, "y": 2}, step=3)
    mlflow.log_params({"b": 2, "c": 3})
    mlflow.set_tags({"stage": "late"})
    try:
        mlflow.log_param("b", 5)
    except mlflow.MlflowException as fault:
        print("refused:", fault, flush=True)
    mlflow.log_artifact("train.py", "code")
    mlflow.log_text("text", "notes/a.txt")
    mlflow.log_dict({"a": 1}, "d.json")
pathlib.Path(SIGN + ".ended").touch()
"""


def test_a_script_logs_and_ends_while_the_server_is_away(own_server, tmp_path):
    sign = tmp_path / "sign"
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text(f"SIGN = {str(sign)!r}\n{SCRIPT}")
    ws = atelier.Workspace(server=own_server.url, token=own_server.token)
    command = f"{sys.executable} train.py"
    job = ws.jobs.create(
        atelier.CommandJob(
            command=command, code=tmp_path / "src", environment="system", experiment_name="away"
        )
    )
    seen = ""
    for text in ws.jobs.logs(job.name):
        seen += text
        if "ready\n" in seen:
            break
    own_server.kill()
    sign.with_suffix(".go").touch()
    own_server.until(sign.with_suffix(".ended").exists)
    own_server.restart()
    assert ws.jobs.wait(job.name, timeout=120).status == "Completed"
    log = "".join(ws.jobs.logs(job.name))
    assert "refused: INVALID_PARAMETER_VALUE: Changing param values is not allowed" in log
    run = ws.runs.get(job.name)
    assert run.params == {"a": "1", "b": "2", "c": "3"}
    assert (run.status, run.tags["stage"]) == ("FINISHED", "late")
    assert [point.step for point in ws.runs.metrics(job.name, "loss").points] == list(range(100))
    found = {file.path for file in ws.runs.artifacts(job.name)}
    assert {"before", "code", "notes", "d.json"} <= found
