"""What the server does not offer: the client hears it at once, and goes on."""

import time

import mlflow
import pytest
from mlflow.exceptions import MlflowException

MAJOR = int(mlflow.__version__.split(".")[0])


@pytest.fixture(autouse=True)
def usual_retries(monkeypatch):
    """Retries as users have them: a wrong kind of no would take minutes."""
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)


@pytest.fixture
def quickly():
    """Fail a test in which the client tried again and again."""
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin < 30


@pytest.mark.skipif(not hasattr(mlflow, "trace"), reason="tracing came with MLflow 2.14")
@pytest.mark.parametrize("background", ["true", "false"])
def test_a_script_that_traces_runs_on(client, experiment, quickly, monkeypatch, background):
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", background)

    @mlflow.trace
    def inner(x):
        return "x" * x

    @mlflow.trace
    def outer(x):
        return [inner(x) for _ in range(3)]

    with mlflow.start_run() as run:
        for _ in range(3):
            assert len(outer(200_000)) == 3  # spans of more than a small buffer
        mlflow.log_metric("after", 1)
    if hasattr(mlflow, "flush_trace_async_logging"):
        mlflow.flush_trace_async_logging()
    assert client.get_run(run.info.run_id).data.metrics == {"after": 1}


@pytest.mark.skipif(not hasattr(mlflow, "search_traces"), reason="tracing came with MLflow 2.14")
def test_asking_for_traces(client, experiment, quickly):
    with pytest.raises(MlflowException, match=r"not offered|NOT_IMPLEMENTED"):
        client.search_traces([experiment])


@pytest.mark.skipif(MAJOR < 3, reason="scorers and evaluation datasets came with MLflow 3")
def test_scorers_and_datasets(client, experiment, quickly):
    from mlflow.genai import datasets, scorers

    with pytest.raises(MlflowException, match=r"not offered|NOT_IMPLEMENTED"):
        scorers.list_scorers(experiment_id=experiment)
    with pytest.raises(MlflowException, match=r"not offered|NOT_IMPLEMENTED"):
        datasets.create_dataset(name="d", experiment_id=experiment)


@pytest.mark.skipif(MAJOR < 3, reason="webhooks came with MLflow 3")
def test_webhooks(client, quickly):
    with pytest.raises(MlflowException, match=r"not offered|NOT_IMPLEMENTED"):
        client.list_webhooks()


def test_big_files_come_back_by_one_request(client, experiment, quickly, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD", "true")
    monkeypatch.setenv("MLFLOW_MULTIPART_DOWNLOAD_MINIMUM_FILE_SIZE", str(6 << 20))
    (tmp_path / "big.bin").write_bytes(bytes(range(256)) * (48 << 10))
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(tmp_path / "big.bin"))
    back = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="big.bin")
    with open(back, "rb") as file:
        assert file.read() == bytes(range(256)) * (48 << 10)
