"""Runs, params, metrics, tags and search through the unmodified mlflow client."""

import math
import uuid

import mlflow
import pytest
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException


def test_a_run_keeps_what_it_logged(client, experiment):
    with mlflow.start_run(run_name="first", tags={"team": "blue"}, description="about it") as run:
        mlflow.log_param("alpha", 0.1)
        mlflow.log_params({"depth": 3, "text": "größe", "empty": ""})
        mlflow.log_metric("rmse", 60.5)
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"a": 1.0, "b": -2.5e300})
        mlflow.set_tag("note", "hello")
    got = client.get_run(run.info.run_id)
    assert got.info.run_name == "first"
    assert got.info.status == "FINISHED"
    assert got.info.end_time >= got.info.start_time
    assert got.data.params == {"alpha": "0.1", "depth": "3", "text": "größe", "empty": ""}
    assert got.data.metrics == {"rmse": 60.5, "loss": 0.2, "a": 1.0, "b": -2.5e300}
    assert got.data.tags["team"] == "blue"
    assert got.data.tags["note"] == "hello"
    assert got.data.tags["mlflow.note.content"] == "about it"
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(m.step, m.value) for m in history] == [(s, 1 / (s + 1)) for s in range(5)]


def test_special_floats_come_back(client, experiment):
    values = {"nan": math.nan, "up": math.inf, "down": -math.inf, "tiny": 5e-324, "negative": -0.25}
    with mlflow.start_run() as run:
        mlflow.log_metrics(values)
    got = client.get_run(run.info.run_id).data.metrics
    assert math.isnan(got.pop("nan"))
    assert got == {key: value for key, value in values.items() if key != "nan"}
    assert math.isnan(client.get_metric_history(run.info.run_id, "nan")[0].value)


def test_nested_runs(client, experiment):
    with mlflow.start_run() as parent:
        for i in range(3):
            with mlflow.start_run(nested=True, run_name=f"child-{i}"):
                mlflow.log_metric("score", i)
    children = client.search_runs(
        [experiment], f"tags.mlflow.parentRunId = '{parent.info.run_id}'", order_by=["metrics.score DESC"]
    )
    assert [run.info.run_name for run in children] == ["child-2", "child-1", "child-0"]


def test_a_failing_run_says_so(client, experiment):
    with pytest.raises(ZeroDivisionError), mlflow.start_run() as run:
        _ = 1 / 0
    assert client.get_run(run.info.run_id).info.status == "FAILED"


def test_params_are_written_once(client, experiment):
    with mlflow.start_run():
        mlflow.log_param("a", 1)
        mlflow.log_param("a", 1)
        with pytest.raises(MlflowException, match="Changing param values is not allowed") as refusal:
            mlflow.log_param("a", 2)
    assert refusal.value.error_code == "INVALID_PARAMETER_VALUE"


def test_a_batch_is_all_or_nothing(client, experiment):
    run = client.create_run(experiment)
    run_id = run.info.run_id
    client.log_batch(run_id, [Metric("m", 1.5, 10, 0)], [Param("p", "1")], [RunTag("t", "x")])
    with pytest.raises(MlflowException, match="already logged"):
        client.log_batch(run_id, [Metric("late", 1, 1, 0)], [Param("p", "2")])
    assert client.get_run(run_id).data.metrics == {"m": 1.5}


def test_deleted_runs_come_back(client, experiment):
    run_id = client.create_run(experiment).info.run_id
    client.delete_run(run_id)
    assert client.get_run(run_id).info.lifecycle_stage == "deleted"
    with pytest.raises(MlflowException, match="must be in the 'active' state"):
        client.log_metric(run_id, "a", 1)
    assert client.search_runs([experiment]) == []
    assert len(client.search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)) == 1
    client.restore_run(run_id)
    client.log_metric(run_id, "a", 1)


def test_experiments(client):
    first, renamed = f"the/first {uuid.uuid4().hex}", f"renamed {uuid.uuid4().hex}"
    assert client.get_experiment("0").name == "Default"
    assert client.get_experiment_by_name("no such experiment") is None
    experiment_id = client.create_experiment(first, tags={"kind": "test"})
    with pytest.raises(MlflowException, match="already exists") as refusal:
        client.create_experiment(first)
    assert refusal.value.error_code == "RESOURCE_ALREADY_EXISTS"
    client.rename_experiment(experiment_id, renamed)
    client.set_experiment_tag(experiment_id, "more", "yes")
    got = client.get_experiment_by_name(renamed)
    assert got.experiment_id == experiment_id
    assert got.tags == {"kind": "test", "more": "yes"}
    assert [e.name for e in client.search_experiments(filter_string=f"name LIKE '{renamed[:-1]}_'")] == [
        renamed
    ]
    assert [
        e.name for e in client.search_experiments(filter_string=f"tags.more = 'yes' AND name = '{renamed}'")
    ] == [renamed]
    client.delete_experiment(experiment_id)
    assert client.get_experiment(experiment_id).lifecycle_stage == "deleted"
    assert renamed not in [e.name for e in client.search_experiments()]
    client.restore_experiment(experiment_id)
    assert renamed in [e.name for e in client.search_experiments()]


@pytest.fixture
def population(client, experiment):
    """Ten runs: r0 to r9, of which only the even ones have a metric, and r8's is NaN."""
    for i in range(10):
        with mlflow.start_run(run_name=f"r{i}"):
            mlflow.log_param("model", "ridge" if i < 5 else "Forest")
            mlflow.log_param("my key.with/all", str(i))
            mlflow.set_tag("group", f"g{i % 3}")
            if i % 2 == 0:
                mlflow.log_metric("rmse", math.nan if i == 8 else 50 + i)
            if i == 3:
                mlflow.set_tag("only", "here")
    return experiment


@pytest.mark.parametrize(
    ("filter_string", "expected"),
    [
        ("metrics.rmse < 54", "0 2"),
        ("metrics.rmse >= 54 AND params.model = 'ridge'", "4"),
        ("metrics.rmse != 50", "2 4 6 8"),
        ("params.model = 'Forest'", "5 6 7 8 9"),
        ("params.model LIKE 'f%'", ""),
        ("params.model ILIKE 'f%'", "5 6 7 8 9"),
        ("params.model != 'ridge' and tags.group = 'g1'", "7"),
        ("params.`my key.with/all` = '4'", "4"),
        ('params."my key.with/all" = "7"', "7"),
        ("tags.only IS NOT NULL", "3"),
        ("tags.only IS NULL AND tags.group = 'g0'", "0 6 9"),
        ("attributes.run_name = 'r1'", "1"),
        ("run_name LIKE 'r_'", "0 1 2 3 4 5 6 7 8 9"),
        ("attributes.status = 'RUNNING'", ""),
        ("status = 'FINISHED' AND attribute.start_time > 1000 AND run_name = 'r9'", "9"),
    ],
)
def test_filters(client, population, filter_string, expected):
    runs = client.search_runs([population], filter_string)
    assert " ".join(sorted(run.info.run_name[1:] for run in runs)) == expected


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        (["metrics.rmse ASC"], "0 2 4 6 8 9 7 5 3 1"),
        (["metrics.rmse DESC"], "6 4 2 0 8 9 7 5 3 1"),
        (["params.model", "attributes.run_name DESC"], "9 8 7 6 5 4 3 2 1 0"),
        (["tags.only", "run_name"], "3 0 1 2 4 5 6 7 8 9"),
        (["start_time ASC"], "0 1 2 3 4 5 6 7 8 9"),
        ([], "9 8 7 6 5 4 3 2 1 0"),
    ],
)
def test_order_and_pages(client, population, order_by, expected):
    found, token = [], None
    while True:
        page = client.search_runs([population], order_by=order_by, max_results=3, page_token=token)
        found += [run.info.run_name[1:] for run in page]
        token = page.token
        if not token:
            break
    assert " ".join(found) == expected


@pytest.mark.parametrize(
    "filter_string",
    [
        "metrics.rmse = 'text'",
        "params.a = 1",
        "metrics.rmse > 1 OR metrics.rmse < 0",
        "wrong.a = '1'",
        "nonsense",
        "params.a LIKE",
        "'",
        "run_name = 'a' AND",
    ],
)
def test_bad_filters_are_refused(client, experiment, filter_string):
    with pytest.raises(MlflowException) as refusal:
        client.search_runs([experiment], filter_string)
    assert refusal.value.error_code == "INVALID_PARAMETER_VALUE"


def test_datasets(client, experiment):
    import pandas

    data = mlflow.data.from_pandas(
        pandas.DataFrame({"x": [1.0, 2.0], "y": [0, 1]}), source="https://example.org/data.csv", name="points"
    )
    with mlflow.start_run() as run:
        mlflow.log_input(data, context="training")
    logged = client.get_run(run.info.run_id).inputs.dataset_inputs
    assert [(i.dataset.name, i.dataset.digest) for i in logged] == [("points", data.digest)]
    assert logged[0].tags[0].value == "training"
    assert "https://example.org/data.csv" in logged[0].dataset.source
    assert (
        len(client.search_runs([experiment], "datasets.name = 'points' AND datasets.context = 'training'"))
        == 1
    )


def test_long_histories_page(client, experiment):
    run_id = client.create_run(experiment).info.run_id
    for start in range(0, 3000, 1000):
        client.log_batch(run_id, [Metric("m", i * 0.5, i, i) for i in range(start, start + 1000)])
    assert [m.step for m in client.get_metric_history(run_id, "m")] == list(range(3000))
