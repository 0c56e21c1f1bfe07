"""Predicts how diabetes progresses within a year, and says how well on patients it has not seen."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.base import RegressorMixin
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Lasso, Ridge
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SEED = 7  # one split and one start for all models, so that their errors can be compared


def build(arguments: argparse.Namespace) -> RegressorMixin:
    """Return the untrained model that the arguments describe."""
    if arguments.model == "ridge":
        return make_pipeline(StandardScaler(), Ridge(alpha=arguments.alpha))
    if arguments.model == "lasso":
        return make_pipeline(StandardScaler(), Lasso(alpha=arguments.alpha))
    shape = {"n_estimators": arguments.trees, "max_depth": arguments.depth, "random_state": SEED}
    if arguments.model == "random-forest":
        return RandomForestRegressor(min_samples_leaf=3, **shape)
    return GradientBoostingRegressor(learning_rate=arguments.learning_rate, subsample=0.8, **shape)


def main() -> None:
    """Train one model, log it with its errors, and leave its predictions under outputs/."""
    arguments = parse()
    table = pd.read_csv(arguments.data).astype(float)
    features, target = table.drop(columns="target"), table["target"]
    seen, unseen, truth_seen, truth = train_test_split(features, target, test_size=0.25, random_state=SEED)

    model = build(arguments).fit(seen, truth_seen)
    predicted = model.predict(unseen)
    metrics = {
        "rmse": root_mean_squared_error(truth, predicted),
        "mae": mean_absolute_error(truth, predicted),
        "r2": r2_score(truth, predicted),
    }

    mlflow.log_params({"model": arguments.model, "seed": SEED, **settings(arguments)})
    mlflow.log_metrics(metrics)
    signature = infer_signature(seen, predicted)
    # MLflow's newer default format refuses trees; this one keeps every model of scikit-learn.
    mlflow.sklearn.log_model(model, name="model", signature=signature, serialization_format="cloudpickle")
    write_outputs(metrics, unseen, truth, predicted)
    print(f"{arguments.model}: " + ", ".join(f"{name} {value:.3f}" for name, value in metrics.items()))


def settings(arguments: argparse.Namespace) -> dict[str, float]:
    """Return the settings that matter for the chosen model."""
    if arguments.model in ("ridge", "lasso"):
        return {"alpha": arguments.alpha}
    shape = {"trees": arguments.trees, "depth": arguments.depth}
    if arguments.model == "gradient-boosting":
        shape["learning_rate"] = arguments.learning_rate
    return shape


def write_outputs(
    metrics: dict[str, float], unseen: pd.DataFrame, truth: pd.Series, predicted: np.ndarray
) -> None:
    """Keep what a person may want to look at later; the job keeps everything under outputs/."""
    folder = Path("outputs")
    folder.mkdir(exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    unseen.assign(truth=truth, predicted=predicted).to_csv(folder / "held_out.csv", index_label="patient")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="the study's table, a CSV file")
    parser.add_argument(
        "--model", default="ridge", choices=["ridge", "lasso", "gradient-boosting", "random-forest"]
    )
    parser.add_argument("--alpha", type=float, default=1.0, help="strength of the penalty (ridge, lasso)")
    parser.add_argument("--trees", type=int, default=200, help="number of trees (boosting, forest)")
    parser.add_argument("--depth", type=int, default=3, help="largest depth of a tree (boosting, forest)")
    parser.add_argument("--learning-rate", type=float, default=0.05, help="weight of a tree (boosting)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
