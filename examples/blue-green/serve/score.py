"""Scores patients, and keeps what it was given and what it answered."""

import json
import os
from pathlib import Path

import mlflow
import pandas as pd
from azureml.ai.monitoring import Collector

model = inputs = outputs = None


def init() -> None:
    """Load the model, and open the collections that the deployment's data_collector has."""
    global model, inputs, outputs
    folder = next(Path(os.environ["AZUREML_MODEL_DIR"]).rglob("MLmodel")).parent
    model = mlflow.sklearn.load_model(folder)
    inputs = Collector(name="model_inputs", on_error=print)
    outputs = Collector(name="model_outputs", on_error=print)


def run(raw_data: str) -> list[float]:
    """Return one prediction per patient."""
    given = json.loads(raw_data)["input_data"]
    table = pd.DataFrame(given["data"], columns=given["columns"])
    context = inputs.collect(table)
    known = table.drop(columns="patient").astype(float)
    highest = known["bmi"].max()
    if highest > float(os.environ.get("HIGHEST_BMI", "inf")):
        raise ValueError(f"There is no model for a body mass index of {highest}.")
    answer = pd.DataFrame({"progression": model.predict(known)})
    outputs.collect(answer, context)
    return answer["progression"].tolist()
