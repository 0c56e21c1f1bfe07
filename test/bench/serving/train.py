"""Trains the model that is served, and leaves it as the servers without a script want it.

python train.py mlflow|mlserver|bentoml FOLDER
"""

import json
import sys
from pathlib import Path


def train():
    """Return a classifier of scikit-learn's irises."""
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    features, classes = load_iris(return_X_y=True)
    return LogisticRegression(max_iter=500).fit(features, classes)


def for_mlflow(folder):
    """Write an MLflow model."""
    import mlflow

    mlflow.sklearn.save_model(train(), folder / "model", serialization_format="cloudpickle")


def for_mlserver(folder):
    """Write a model with MLServer's settings."""
    import joblib

    joblib.dump(train(), folder / "model.joblib")
    settings = {
        "name": "iris",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(folder / "model.joblib"), "version": "v1"},
    }
    (folder / "model-settings.json").write_text(json.dumps(settings))


def for_bentoml(folder):
    """Write a service of BentoML."""
    import joblib

    joblib.dump(train(), folder / "model.joblib")
    (folder / "service.py").write_text(
        "import bentoml\nimport joblib\n\n\n"
        "@bentoml.service(workers=1)\nclass Iris:\n"
        f"    def __init__(self):\n        self.model = joblib.load({str(folder / 'model.joblib')!r})\n\n"
        "    @bentoml.api\n    def score(self, data: list) -> list:\n"
        "        return self.model.predict(data).tolist()\n"
    )


if __name__ == "__main__":
    {"mlflow": for_mlflow, "mlserver": for_mlserver, "bentoml": for_bentoml}[sys.argv[1]](Path(sys.argv[2]))
