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
