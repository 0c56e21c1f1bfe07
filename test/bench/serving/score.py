"""The same scikit-learn model behind every server that takes a scoring script."""

import json

from train import train


def init():
    """Train: it is a small model, and every server has its own scikit-learn."""
    global model
    model = train()


def run(raw_data):
    """Predict the rows of {"data": [[...]]}."""
    return model.predict(json.loads(raw_data)["data"]).tolist()


def run_batch(many):
    """Predict the rows of several requests by one call, and give each its own."""
    rows = [json.loads(raw_data)["data"] for raw_data in many]
    predicted = iter(model.predict([row for one in rows for row in one]).tolist())
    return [[next(predicted) for _ in one] for one in rows]
