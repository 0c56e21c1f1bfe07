"""MLflow's workspaces through the unmodified client: made, chosen, filled and removed."""

import uuid
from pathlib import Path

import mlflow
import pytest
from mlflow.exceptions import MlflowException

pytestmark = pytest.mark.skipif(
    not hasattr(mlflow, "set_workspace"), reason="workspaces came with MLflow 3.10"
)


@pytest.fixture
def workspace():
    """A new workspace, which is the active one."""
    name = f"team-{uuid.uuid4().hex[:8]}"
    mlflow.create_workspace(name, description="ours")
    mlflow.set_workspace(name)
    yield name
    mlflow.set_workspace(None)
    if name in [found.name for found in mlflow.list_workspaces()]:
        mlflow.delete_workspace(name, mode="CASCADE")


def test_life_of_a_workspace(client, workspace):
    assert mlflow.get_workspace(workspace).description == "ours"
    assert {"default", workspace} <= {found.name for found in mlflow.list_workspaces()}
    assert mlflow.update_workspace(workspace, description="changed").description == "changed"
    with pytest.raises(MlflowException, match="already"):
        mlflow.create_workspace(workspace)
    with pytest.raises(MlflowException, match=r"no workspace|not a member"):
        mlflow.get_workspace("nobody")
    mlflow.delete_workspace(workspace)
    assert workspace not in [found.name for found in mlflow.list_workspaces()]


def test_what_is_logged_in_a_workspace_stays_there(client, workspace, tmp_path):
    for number in range(20):
        (tmp_path / f"{number}.txt").write_text(str(number))
    mlflow.set_experiment("only here")
    with mlflow.start_run() as run:
        mlflow.log_metric("acc", 0.5)
        mlflow.log_artifacts(tmp_path, "many")  # from several threads
    client.create_registered_model("only here")
    assert len(client.list_artifacts(run.info.run_id, "many")) == 20
    back = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="many")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in Path(back).iterdir())
    with pytest.raises(MlflowException, match="still contains"):
        mlflow.delete_workspace(workspace)
    mlflow.set_workspace("default")
    with pytest.raises(MlflowException, match="not found"):
        client.get_run(run.info.run_id)
    assert client.get_experiment_by_name("only here") is None
    mlflow.set_workspace("nobody-has-this")
    with pytest.raises(MlflowException, match=r"no workspace|not a member"):
        client.search_experiments()


def test_by_environment_variable(client, workspace, monkeypatch):
    mlflow.set_workspace(None)
    monkeypatch.setenv("MLFLOW_WORKSPACE", workspace)
    run = client.create_run("0")
    assert client.get_run(run.info.run_id).info.experiment_id == "0"
    monkeypatch.delenv("MLFLOW_WORKSPACE")
    with pytest.raises(MlflowException, match="not found"):
        client.get_run(run.info.run_id)
