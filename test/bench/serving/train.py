"""Trains the model that is served, and leaves it as the servers without a script want it.

python train.py mlflow|mlserver|mlserver-batches|bentoml FOLDER

python train.py limit SECONDS calls the scoring script, and the model in it, without any
server around, and prints how many microseconds a call takes in the median.
"""

import json
import sys
import time
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


def for_mlserver(folder, **more):
    """Write a model with MLServer's settings."""
    import joblib

    joblib.dump(train(), folder / "model.joblib")
    settings = {
        "name": "iris",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(folder / "model.joblib"), "version": "v1"},
        **more,
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


def for_mlserver_batches(folder):
    """Write the same, to answer up to 64 requests that come within 2 ms by one call."""
    for_mlserver(folder, max_batch_size=64, max_batch_time=0.002)


def limit(seconds):
    """Print what the script and the model need by themselves."""
    import score

    score.init()
    body = '{"data": [[5.1, 3.5, 1.4, 0.2]]}'
    rows = json.loads(body)["data"]
    calls = {
        "predict() of 1 row": lambda: score.model.predict(rows),
        "predict() of 64 rows": lambda: score.model.predict(rows * 64),
        "run() of the script": lambda: score.run(body),
    }
    for name, call in calls.items():
        times, end = [], time.perf_counter() + float(seconds) / len(calls)
        while time.perf_counter() < end:
            began = time.perf_counter()
            call()
            times.append(time.perf_counter() - began)
        print(f"{name:28} {1e6 * sorted(times)[len(times) // 2]:7.0f} us")


COMMANDS = {
    "mlflow": for_mlflow,
    "mlserver": for_mlserver,
    "mlserver-batches": for_mlserver_batches,
    "bentoml": for_bentoml,
}

if __name__ == "__main__":
    if sys.argv[1] == "limit":
        limit(sys.argv[2])
    else:
        COMMANDS[sys.argv[1]](Path(sys.argv[2]))
