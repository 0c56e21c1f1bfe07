"""What libraries log by themselves through the unmodified client, and what comes back of it."""

import mlflow
import numpy
import pytest
import xgboost
from mlflow.entities import ViewType
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV


@pytest.fixture(scope="module")
def data():
    return load_diabetes(return_X_y=True)


@pytest.fixture(params=["sklearn", "xgboost"])
def autologging(request):
    """One library's autologging, switched off again at the end."""
    library = getattr(mlflow, request.param)
    library.autolog(silent=True)
    yield request.param
    library.autolog(disable=True)


@pytest.mark.parametrize("autologging", ["sklearn"], indirect=True)
def test_scikit_learn(client, experiment, data, autologging):
    x, y = data
    with mlflow.start_run() as run:
        ridge = Ridge(alpha=2.0).fit(x, y)
        predicted = ridge.predict(x)
    got = client.get_run(run.info.run_id)
    assert got.data.params["alpha"] == "2.0"
    assert got.data.metrics["training_r2_score"] == pytest.approx(ridge.score(x, y))
    assert got.info.status == "FINISHED"
    loaded = mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/model")
    assert numpy.array_equal(loaded.predict(x), predicted)


@pytest.mark.parametrize("autologging", ["sklearn"], indirect=True)
def test_a_search_of_scikit_learn_has_children(client, experiment, data, autologging):
    x, y = data
    with mlflow.start_run() as run:
        search = GridSearchCV(Ridge(), {"alpha": [0.1, 1.0, 10.0]}, cv=3).fit(x, y)
    got = client.get_run(run.info.run_id)
    assert got.data.params["best_alpha"] == str(search.best_params_["alpha"])
    assert got.data.metrics["best_cv_score"] == pytest.approx(search.best_score_)
    children = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    assert sorted(child.data.params["alpha"] for child in children) == ["0.1", "1.0", "10.0"]
    assert "cv_results.csv" in [file.path for file in client.list_artifacts(run.info.run_id)]


@pytest.mark.parametrize("autologging", ["xgboost"], indirect=True)
def test_xgboost(client, experiment, data, autologging):
    x, y = data
    train = xgboost.DMatrix(x[:300], y[:300])
    check = xgboost.DMatrix(x[300:], y[300:])
    seen = {}
    with mlflow.start_run() as run:
        booster = xgboost.train(
            {"max_depth": 3, "eta": 0.3, "eval_metric": ["rmse", "mae"]},
            train,
            num_boost_round=25,
            evals=[(train, "train"), (check, "check")],
            evals_result=seen,
            verbose_eval=False,
        )
    got = client.get_run(run.info.run_id)
    assert got.data.params["max_depth"] == "3"
    assert got.data.params["num_boost_round"] == "25"
    for name in ("rmse", "mae"):
        history = client.get_metric_history(run.info.run_id, f"check-{name}")
        assert [point.step for point in history] == list(range(25))
        assert [point.value for point in history] == seen["check"][name]
    assert "feature_importance_weight.json" in [file.path for file in client.list_artifacts(run.info.run_id)]
    loaded = mlflow.xgboost.load_model(f"runs:/{run.info.run_id}/model")
    assert numpy.array_equal(loaded.predict(check), booster.predict(check))


@pytest.mark.parametrize("autologging", ["xgboost"], indirect=True)
def test_autologging_makes_a_run_by_itself(client, experiment, data, autologging):
    x, y = data
    xgboost.XGBRegressor(n_estimators=3, max_depth=2).fit(x, y)
    runs = client.search_runs([experiment], run_view_type=ViewType.ALL)
    assert [run.info.status for run in runs] == ["FINISHED"]
    assert runs[0].data.params["max_depth"] == "2"


def test_a_plain_loop_of_pytorch(client, experiment, data, tmp_path):
    import torch

    x, y = (torch.tensor(part.tolist()) for part in data)
    torch.manual_seed(7)
    model = torch.nn.Sequential(torch.nn.Linear(10, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    loss_of = torch.nn.MSELoss()
    losses = []
    mlflow.pytorch.autolog()  # which must not mind that nothing of Lightning is there
    with mlflow.start_run() as run:
        mlflow.log_params({"lr": 0.05, "epochs": 20})
        for epoch in range(20):
            optimizer.zero_grad()
            loss = loss_of(model(x).squeeze(1), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            mlflow.log_metric("loss", losses[-1], step=epoch)
        torch.save(model.state_dict(), tmp_path / "net.pt")
        mlflow.log_artifact(tmp_path / "net.pt")
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(point.step, point.value) for point in history] == list(enumerate(losses))
    assert client.get_run(run.info.run_id).data.metrics["loss"] == losses[-1]
    back = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="net.pt")
    for name, value in torch.load(back).items():
        assert torch.equal(value, model.state_dict()[name])
