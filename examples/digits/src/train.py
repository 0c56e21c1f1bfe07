"""Learns to read handwritten digits, one look at all of them at a time."""

from __future__ import annotations

import argparse

import matplotlib

matplotlib.use("Agg")  # a job has no screen

import matplotlib.pyplot as plt
import mlflow
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

SEED = 7


def main() -> None:
    """Train a small network and log its progress after every epoch, and its mistakes at the end."""
    arguments = parse()
    pixels, digits = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        pixels / 16, digits, test_size=0.3, random_state=SEED, stratify=digits
    )
    network = MLPClassifier(
        hidden_layer_sizes=(arguments.hidden,), learning_rate_init=arguments.learning_rate, random_state=SEED
    )
    mlflow.log_params(
        {"hidden": arguments.hidden, "learning_rate": arguments.learning_rate, "epochs": arguments.epochs}
    )
    for epoch in range(1, arguments.epochs + 1):
        network.partial_fit(train_x, train_y, classes=np.arange(10))
        chances = network.predict_proba(test_x)
        mlflow.log_metrics(
            {
                "train.loss": network.loss_,
                "test.loss": log_loss(test_y, chances),
                "test.accuracy": accuracy_score(test_y, chances.argmax(axis=1)),
            },
            step=epoch,
        )
        print(f"epoch {epoch}: accuracy {accuracy_score(test_y, chances.argmax(axis=1)):.3f}", flush=True)

    log_confusion(test_y, network.predict(test_x))
    mlflow.sklearn.log_model(network, name="model", serialization_format="cloudpickle")


def log_confusion(truth: np.ndarray, predicted: np.ndarray) -> None:
    """Log which digits are taken for which, as a picture."""
    figure, axes = plt.subplots(figsize=(6, 6))
    ConfusionMatrixDisplay.from_predictions(truth, predicted, ax=axes, cmap="Blues", colorbar=False)
    axes.set_title("Handwritten digits, held-out part")
    figure.tight_layout()
    mlflow.log_figure(figure, "confusion_matrix.png")
    plt.close(figure)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hidden", type=int, default=32, help="neurons in the hidden layer")
    parser.add_argument("--learning-rate", type=float, default=0.005)
    parser.add_argument("--epochs", type=int, default=20, help="times to look at all training pictures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
