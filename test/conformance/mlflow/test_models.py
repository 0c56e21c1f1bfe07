"""Models: logged, registered, loaded back and compared, through the unmodified client."""

import json
import uuid

import mlflow
import numpy
import pytest
from mlflow.exceptions import MlflowException
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

MAJOR = int(mlflow.__version__.split(".")[0])


def log_model(model, name, **options):
    """Log a model under a name, in the words of the installed client."""
    if MAJOR >= 3:
        return mlflow.sklearn.log_model(model, name=name, **options)
    return mlflow.sklearn.log_model(model, artifact_path=name, **options)


@pytest.fixture(scope="module")
def data():
    return load_diabetes(return_X_y=True)


@pytest.fixture
def name():
    return f"diabetes {uuid.uuid4().hex[:8]}"


def test_log_register_load_and_compare(client, experiment, data, name):
    x, y = data
    ridge = Ridge(alpha=0.5).fit(x, y)
    with mlflow.start_run() as run:
        info = log_model(ridge, "model", input_example=x[:2])
    version = mlflow.register_model(info.model_uri, name)
    assert version.version in ("1", 1)
    assert version.run_id == run.info.run_id
    by_run = mlflow.register_model(f"runs:/{run.info.run_id}/model", name)
    assert str(by_run.version) == "2"
    client.set_registered_model_alias(name, "champion", "1")
    for uri in (
        info.model_uri,
        f"models:/{name}/1",
        f"models:/{name}/2",
        f"models:/{name}/latest",
        f"models:/{name}@champion",
        f"runs:/{run.info.run_id}/model",
    ):
        assert numpy.array_equal(mlflow.sklearn.load_model(uri).predict(x), ridge.predict(x)), uri
    assert numpy.array_equal(
        mlflow.pyfunc.load_model(f"models:/{name}@champion").predict(x), ridge.predict(x)
    )


def test_a_version_outlives_its_run(client, experiment, data, name):
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    x, y = data
    ridge = Ridge().fit(x, y)
    with mlflow.start_run() as run:
        info = log_model(ridge, "model", registered_model_name=name)
    if MAJOR >= 3:
        get_artifact_repository(client.get_logged_model(info.model_id).artifact_location).delete_artifacts()
        client.delete_logged_model(info.model_id)
    else:
        get_artifact_repository(run.info.artifact_uri).delete_artifacts("model")
    client.delete_run(run.info.run_id)
    assert numpy.array_equal(mlflow.sklearn.load_model(f"models:/{name}/1").predict(x), ridge.predict(x))


def test_the_registry(client, experiment, data, name):
    x, y = data
    with mlflow.start_run():
        info = log_model(Ridge().fit(x, y), "model")
    client.create_registered_model(name, tags={"team": "blue"}, description="first words")
    with pytest.raises(MlflowException, match="already exists") as refusal:
        client.create_registered_model(name)
    assert refusal.value.error_code == "RESOURCE_ALREADY_EXISTS"
    version = mlflow.register_model(info.model_uri, name, tags={"quality": "good"})
    client.update_model_version(name, version.version, description="a ridge")
    client.set_model_version_tag(name, version.version, "checked", "yes")
    got = client.get_model_version(name, version.version)
    assert (got.description, got.tags, got.status) == (
        "a ridge",
        {"quality": "good", "checked": "yes"},
        "READY",
    )
    client.delete_model_version_tag(name, version.version, "checked")
    client.set_registered_model_alias(name, "best", version.version)
    assert str(client.get_model_version_by_alias(name, "best").version) == "1"
    assert client.get_registered_model(name).aliases == {"best": "1"}
    assert [m.name for m in client.search_registered_models(f"name = '{name}'")] == [name]
    assert [v.version for v in client.search_model_versions(f"name = '{name}'")] in (["1"], [1])
    client.delete_registered_model_alias(name, "best")
    with pytest.raises(MlflowException):
        client.get_model_version_by_alias(name, "best")
    renamed = name + " again"
    client.rename_registered_model(name, renamed)
    assert [str(v.version) for v in client.search_model_versions(f"name = '{renamed}'")] == ["1"]
    client.delete_model_version(renamed, "1")
    assert client.search_model_versions(f"name = '{renamed}'") == []
    client.delete_registered_model(renamed)
    with pytest.raises(MlflowException, match="not found") as refusal:
        client.get_registered_model(name)
    assert refusal.value.error_code == "RESOURCE_DOES_NOT_EXIST"


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_stages(client, experiment, data, name):
    x, y = data
    with mlflow.start_run():
        info = log_model(Ridge().fit(x, y), "model")
    for _ in range(2):
        mlflow.register_model(info.model_uri, name)
    client.transition_model_version_stage(name, "1", "Production")
    client.transition_model_version_stage(name, "2", "Production", archive_existing_versions=True)
    stages = {str(v.version): v.current_stage for v in client.search_model_versions(f"name = '{name}'")}
    assert stages == {"1": "Archived", "2": "Production"}
    assert [str(v.version) for v in client.get_latest_versions(name, ["Production"])] == ["2"]
    assert isinstance(mlflow.sklearn.load_model(f"models:/{name}/Production"), Ridge)


@pytest.mark.skipif(MAJOR < 3, reason="logged models came with MLflow 3")
def test_logged_models(client, experiment, data):
    x, y = data
    with mlflow.start_run() as run:
        info = log_model(Ridge().fit(x, y), "ridge", params={"alpha": "1.0"})
        mlflow.log_metric("rmse", 53.5, model_id=info.model_id)
    logged = mlflow.get_logged_model(info.model_id)
    assert (logged.name, logged.status, logged.source_run_id) == ("ridge", "READY", run.info.run_id)
    assert logged.params["alpha"] == "1.0"
    assert [(m.key, m.value) for m in logged.metrics] == [("rmse", 53.5)]
    assert [o.model_id for o in client.get_run(run.info.run_id).outputs.model_outputs] == [info.model_id]
    found = mlflow.search_logged_models(
        [experiment], filter_string="metrics.rmse < 60 AND params.alpha = '1.0'", output_format="list"
    )
    assert [m.model_id for m in found] == [info.model_id]
    ordered = mlflow.search_logged_models(
        [experiment], order_by=[{"field_name": "metrics.rmse", "ascending": False}], output_format="list"
    )
    assert [m.model_id for m in ordered] == [info.model_id]
    client.set_logged_model_tags(info.model_id, {"checked": "yes"})
    assert client.get_logged_model(info.model_id).tags["checked"] == "yes"
    client.delete_logged_model_tag(info.model_id, "checked")
    assert "checked" not in client.get_logged_model(info.model_id).tags
    client.delete_logged_model(info.model_id)
    with pytest.raises(MlflowException, match="not found"):
        client.get_logged_model(info.model_id)


@pytest.mark.skipif(MAJOR < 3, reason="logged models came with MLflow 3")
def test_logged_models_by_dataset(client, experiment):
    train = mlflow.data.from_numpy(numpy.arange(3), name="train")
    test = mlflow.data.from_numpy(numpy.arange(4), name="test")
    ids = {}
    for alpha in (0.1, 0.2, 0.3):
        with mlflow.start_run():
            model = mlflow.create_external_model(f"ridge-{int(alpha * 10)}")
            ids[model.model_id] = alpha
            mlflow.log_metric("rmse", alpha, model_id=model.model_id, dataset=train)
            if alpha > 0.15:
                mlflow.log_metric("rmse", 1 - alpha, model_id=model.model_id, dataset=test)

    def found(**arguments):
        models = mlflow.search_logged_models([experiment], output_format="list", **arguments)
        return [ids[model.model_id] for model in models]

    on = [{"dataset_name": "test"}]
    assert found(filter_string="metrics.rmse < 0.25") == [0.2, 0.1]
    assert found(filter_string="metrics.rmse < 0.75", datasets=on) == [0.3]
    assert found(datasets=on) == [0.3, 0.2]
    assert found(datasets=[{"dataset_name": "test", "dataset_digest": test.digest}]) == [0.3, 0.2]
    assert found(datasets=[{"dataset_name": "test", "dataset_digest": train.digest}]) == []
    by = {"field_name": "metrics.rmse", "ascending": True}
    assert found(order_by=[by | {"dataset_name": "train"}]) == [0.1, 0.2, 0.3]
    assert found(order_by=[by | {"dataset_name": "test"}]) == [0.3, 0.2, 0.1]
    assert found(order_by=[by], max_results=1, datasets=[{"dataset_name": "train"}]) != []
    with pytest.raises(MlflowException, match="dataset_name"):
        found(datasets=[{"dataset_name": "", "dataset_digest": "x"}])


@pytest.mark.skipif(MAJOR < 3, reason="logged models came with MLflow 3")
def test_a_version_and_its_logged_model_know_each_other(client, experiment, data, name):
    x, y = data
    with mlflow.start_run():
        info = log_model(Ridge().fit(x, y), "ridge", params={"alpha": "1.0"})
    mlflow.register_model(info.model_uri, name)
    tags = client.get_logged_model(info.model_id).tags
    assert json.loads(tags["mlflow.modelVersions"]) == [{"name": name, "version": 1}]
    assert client.get_model_version_by_alias(name, "latest").run_id


def test_searching_the_registry(client, experiment, name):
    for number in range(5):
        client.create_registered_model(f"{name} {number}", tags={"parity": str(number % 2)})
        version = client.create_model_version(
            f"{name} {number}", f"s3://bucket/{number}", tags={"n": str(number)}
        )
        client.set_model_version_tag(f"{name} {number}", version.version, "seen", "yes")
    mine = f"name LIKE '{name}%'"

    def models(condition="", **options):
        found = client.search_registered_models(mine + condition, **options)
        return "".join(model.name[-1] for model in found)

    assert models() == "01234"
    assert models(order_by=["name DESC"]) == "43210"
    assert models(order_by=["last_updated_timestamp DESC"]) == "43210"
    assert models(" AND tags.parity = '0'") == "024"
    assert models(" AND tags.parity != '0'") == "13"
    assert models(f" AND name ILIKE '{name.upper()} 2'") == "2"
    assert models(f" AND name != '{name} 2'") == "0134"
    pages, token = [], None
    while token != "":
        page = client.search_registered_models(mine, max_results=2, page_token=token)
        pages.append(len(page))
        token = page.token or ""
    assert pages == [2, 2, 1]
    found = client.search_model_versions(
        mine + " AND source_path LIKE 's3://bucket/%' AND version_number = 1"
    )
    assert [version.tags["n"] for version in found] == ["4", "3", "2", "1", "0"]
    found = client.search_model_versions(
        mine + " AND tags.n = '3' AND tags.seen = 'yes'", order_by=["name ASC"]
    )
    assert [version.source for version in found] == ["s3://bucket/3"]


@pytest.mark.skipif(MAJOR < 3, reason="prompts came with MLflow 3")
def test_prompts(client):
    name = f"greeting-{uuid.uuid4().hex[:8]}"
    mlflow.genai.register_prompt(name, "Hello {{ who }}!", commit_message="first", tags={"tone": "warm"})
    assert mlflow.genai.load_prompt(f"prompts:/{name}/1").format(who="Ada") == "Hello Ada!"
    assert name not in [m.name for m in client.search_registered_models()]
    long = "Good evening {{ who }}. " + "x" * 99_000
    second = mlflow.genai.register_prompt(name, long, commit_message="second")
    assert second.version == 2
    assert mlflow.genai.load_prompt(name).template == long
    mlflow.genai.set_prompt_alias(name, "production", 1)
    assert mlflow.genai.load_prompt(f"prompts:/{name}@production").template == "Hello {{ who }}!"
    assert mlflow.genai.load_prompt(f"prompts:/{name}@latest").version == 2
    mlflow.genai.delete_prompt_alias(name, "production")
    with pytest.raises(MlflowException, match="not found"):
        mlflow.genai.load_prompt(f"prompts:/{name}@production")
    first = mlflow.genai.load_prompt(name, version=1)
    assert (first.commit_message, first.tags["tone"]) == ("first", "warm")
    assert name in [p.name for p in mlflow.genai.search_prompts()]
    assert [p.name for p in mlflow.genai.search_prompts(filter_string=f"name = '{name}'")] == [name]
    mlflow.genai.set_prompt_version_tag(name, 1, "checked", "yes")
    assert mlflow.genai.load_prompt(name, version=1).tags["checked"] == "yes"
    client.set_prompt_tag(name, "team", "blue")
    assert client.get_prompt(name).tags["team"] == "blue"
    chat = mlflow.genai.register_prompt(name, [{"role": "user", "content": "Hello {{ who }}"}])
    assert mlflow.genai.load_prompt(name, version=chat.version).template[0]["role"] == "user"
    with pytest.raises(MlflowException, match="already taken by a prompt"):
        client.create_registered_model(name)
    with pytest.raises(MlflowException):
        mlflow.genai.register_prompt(name, "x" * 100_001)
    with mlflow.start_run():
        mlflow.genai.load_prompt(name, version=1)
    for version in (1, 2, 3):
        client.delete_prompt_version(name, str(version))
    client.delete_prompt(name)
    assert mlflow.genai.load_prompt(name, version=1, allow_missing=True) is None
