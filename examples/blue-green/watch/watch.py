"""Says how far what a deployment was asked lies from what its model was trained on."""

import argparse
import json
from pathlib import Path

import mlflow
import pandas as pd


def rows(folder: str) -> pd.DataFrame:
    """Read a collection: files of lines, each an event with the rows of one request."""
    found = []
    for file in sorted(Path(folder).rglob("*.jsonl")):
        for line in file.read_text().splitlines():
            event = json.loads(line)
            found += [
                {"request": event["correlationid"], "place": at} | row for at, row in enumerate(event["data"])
            ]
    return pd.DataFrame(found)


parser = argparse.ArgumentParser()
for name in ("collected", "answers", "trained-on"):
    parser.add_argument(f"--{name}", required=True)
options = parser.parse_args()

given, answered = rows(options.collected), rows(options.answers)
trained_on = pd.read_csv(options.trained_on)
both = given.merge(answered, on=["request", "place"])
print(f"{len(given)} patients were asked about, and {len(both)} answered.")
mlflow.log_metric("patients", len(given))
mlflow.log_metric("answered", len(both))
for column in sorted(set(given.columns) & set(trained_on.columns)):
    drift = (given[column].mean() - trained_on[column].mean()) / trained_on[column].std()
    print(f"{column:4} moved by {drift:+.2f} standard deviations")
    mlflow.log_metric(f"drift.{column}", drift)
mlflow.log_metric("correlation.bmi", both["bmi"].corr(both["progression"]))
