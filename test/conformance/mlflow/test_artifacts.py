"""Artifacts through the server, as the unmodified client sends and fetches them."""

import uuid
from pathlib import Path

import mlflow
import pytest
import requests
from mlflow.exceptions import MlflowException


def test_files_and_folders_round_trip(client, experiment, tmp_path):
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("hello")
    (folder / "deep" / "b.bin").write_bytes(bytes(range(256)) * 5000)
    (folder / "ünï code & space.txt").write_text("names")
    with mlflow.start_run() as run:
        mlflow.log_artifact(folder / "a.txt")
        mlflow.log_artifacts(folder, "put/here")
        mlflow.log_dict({"a": [1, 2]}, "data.json")
        mlflow.log_text("text", "notes/today.txt")
    run_id = run.info.run_id
    assert [(f.path, f.is_dir) for f in client.list_artifacts(run_id)] == [
        ("a.txt", False),
        ("data.json", False),
        ("notes", True),
        ("put", True),
    ]
    assert [f.path for f in client.list_artifacts(run_id, "put/here")] == [
        "put/here/a.txt",
        "put/here/deep",
        "put/here/ünï code & space.txt",
    ]
    assert client.list_artifacts(run_id, "a.txt") == []
    local = mlflow.artifacts.download_artifacts(
        run_id=run_id, artifact_path="put/here", dst_path=str(tmp_path / "back")
    )
    for file in folder.rglob("*"):
        if file.is_file():
            assert (Path(local) / file.relative_to(folder)).read_bytes() == file.read_bytes()
    assert mlflow.artifacts.load_text(run.info.artifact_uri + "/notes/today.txt") == "text"


def test_an_artifact_that_is_not_there(client, experiment, tmp_path):
    run_id = client.create_run(experiment).info.run_id
    with pytest.raises(Exception, match=r"404|Failed to download|not found"):
        mlflow.artifacts.download_artifacts(
            run_id=run_id, artifact_path="nothing.txt", dst_path=str(tmp_path)
        )


def test_pictures(client, experiment):
    numpy = pytest.importorskip("numpy")
    pytest.importorskip("PIL")
    with mlflow.start_run() as run:
        mlflow.log_image(numpy.zeros((4, 4, 3), dtype="uint8"), "black.png")
    assert [f.path for f in client.list_artifacts(run.info.run_id)] == ["black.png"]


def test_artifacts_can_be_deleted(client, experiment):
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    with mlflow.start_run() as run:
        mlflow.log_text("x", "a/one.txt")
        mlflow.log_text("x", "a/two.txt")
        mlflow.log_text("x", "b.txt")
    repository = get_artifact_repository(run.info.artifact_uri)
    repository.delete_artifacts("a/one.txt")
    assert [f.path for f in client.list_artifacts(run.info.run_id, "a")] == ["a/two.txt"]
    repository.delete_artifacts("a")
    assert [f.path for f in client.list_artifacts(run.info.run_id)] == ["b.txt"]


def test_paths_of_no_run(client, tmp_path):
    """Teams keep files beside their runs, at any path below mlflow-artifacts:/."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    place = f"mlflow-artifacts:/shared/{uuid.uuid4().hex[:8]}"
    repository = get_artifact_repository(place)
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a b.txt").write_text("a")
    (tmp_path / "in" / "deep" / "c.txt").write_text("c")
    repository.log_artifacts(str(tmp_path / "in"))
    assert [(f.path, f.is_dir) for f in repository.list_artifacts()] == [("a b.txt", False), ("deep", True)]
    back = Path(mlflow.artifacts.download_artifacts(place, dst_path=str(tmp_path / "out")))
    assert (back / "deep" / "c.txt").read_text() == "c"
    assert mlflow.artifacts.load_text(place + "/deep/c.txt") == "c"
    repository.delete_artifacts("deep")
    assert [f.path for f in repository.list_artifacts()] == ["a b.txt"]


def test_an_experiment_with_a_place_of_its_own(client, tmp_path):
    place = f"mlflow-artifacts:/places/{uuid.uuid4().hex[:8]}"
    experiment = client.create_experiment(f"placed-{uuid.uuid4().hex[:8]}", artifact_location=place)
    with mlflow.start_run(experiment_id=experiment) as run:
        mlflow.log_text("x", "a/x.txt")
    assert run.info.artifact_uri == f"{place}/{run.info.run_id}/artifacts"
    assert [f.path for f in client.list_artifacts(run.info.run_id, "a")] == ["a/x.txt"]
    assert mlflow.artifacts.load_text(run.info.artifact_uri + "/a/x.txt") == "x"


@pytest.fixture
def in_parts(monkeypatch):
    """Send what is larger than 2 MiB in parts of 1 MiB, and note where they go."""
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", str(2 << 20))
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", str(1 << 20))
    sent, put = [], requests.put

    def noted(url, **options):
        sent.append(url)
        return put(url, **options)

    monkeypatch.setattr(requests, "put", noted)
    return sent


def test_big_files_go_in_parts(client, experiment, in_parts, tmp_path):
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "ünï big.bin").write_bytes(bytes(range(256)) * (14 << 10) + b"end")  # 3.5 MiB and a bit
    (folder / "small.txt").write_text("small")
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(folder / "ünï big.bin"))  # the client itself fails here with a Path
        mlflow.log_artifacts(folder, "put/here")
    assert len(in_parts) == 8
    run_id = run.info.run_id
    for path in ("ünï big.bin", "put/here/ünï big.bin"):
        back = mlflow.artifacts.download_artifacts(
            run_id=run_id, artifact_path=path, dst_path=str(tmp_path / "back")
        )
        assert Path(back).read_bytes() == (folder / "ünï big.bin").read_bytes()
    assert {f.path for f in client.list_artifacts(run_id, "put/here")} == {
        "put/here/small.txt",
        "put/here/ünï big.bin",
    }


def test_an_upload_in_parts_that_fails_leaves_nothing(client, experiment, in_parts, monkeypatch, tmp_path):
    (tmp_path / "big.bin").write_bytes(bytes(3 << 20))
    put = requests.put

    def broken(url, **options):
        return put(url + "0" if "/2?" in url else url, **options)

    monkeypatch.setattr(requests, "put", broken)
    with (
        mlflow.start_run() as run,
        pytest.raises(MlflowException, match="Failed to upload at least one part"),
    ):
        mlflow.log_artifact(str(tmp_path / "big.bin"))
    assert client.list_artifacts(run.info.run_id) == []


def test_a_wrong_token_is_refused(client, experiment, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "wrong")
    with pytest.raises(MlflowException, match=r"401|UNAUTHENTICATED|sign"):
        client.create_run(experiment)
