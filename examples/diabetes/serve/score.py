"""Scores patients: init() once when the deployment starts, run() for every request."""

import json
import os
from pathlib import Path

import mlflow
import pandas as pd

model = None


def init() -> None:
    """Load the model that the deployment was given."""
    global model
    folder = next(Path(os.environ["AZUREML_MODEL_DIR"]).rglob("MLmodel")).parent
    model = mlflow.sklearn.load_model(folder)


def run(raw_data: str) -> list[float]:
    """Return one prediction per patient: disease progression, from 25 (little) to 346 (much)."""
    table = json.loads(raw_data)["input_data"]
    return model.predict(pd.DataFrame(table["data"], columns=table["columns"], dtype=float)).tolist()
