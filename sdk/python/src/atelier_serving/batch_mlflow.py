"""Scores files with an MLflow model, without a script.

A row of the output has, as in Azure Machine Learning, the number of the row in its
file, the predictions, and the file's name, parted by commas.
"""

import csv
import io
import os

from atelier_serving.batch_rows import Rows
from atelier_serving.mlflow_model import MLflowModel
from atelier_serving.script import print_fault


class Unreadable(Exception):
    """A file is of a kind that is not read."""


class MLflowBatch(MLflowModel):
    """An MLflow model with the shape of a batch script."""

    def score(self, files):
        """Return the rows, and how many files could not be scored: one costs no others."""
        target, rows, failed, fault = io.StringIO(), 0, 0, None
        fields = csv.writer(target, lineterminator="\n")
        for path in files:
            try:
                predictions = self._predictions(path)
            except Exception as caught:
                failed, fault = failed + 1, caught
                print(
                    "%s cannot be scored:"
                    % os.path.basename(path).encode("utf-8", "backslashreplace").decode(),
                    flush=True,
                )
                print_fault(caught)
                continue
            for number, values in enumerate(predictions):
                fields.writerow([number, *values, os.path.basename(path)])
            rows += len(predictions)
        if failed == len(files):
            raise fault
        return Rows(target.getvalue(), rows), failed

    def _predictions(self, path):
        """Return the predictions for a file, each as a list of fields."""
        found = self._model.predict(self._read(path))
        if hasattr(found, "to_dict") and hasattr(found, "columns"):
            return found.values.tolist()
        if hasattr(found, "tolist"):
            found = found.tolist()
        return [item if isinstance(item, (list, tuple)) else [item] for item in found]

    def _read(self, path):
        """Read a file of data as a table, with the types that the model asks for."""
        import pandas

        kind = os.path.splitext(path)[1].lower()
        if kind == ".csv":
            return pandas.read_csv(path, dtype=self._types())
        if kind == ".parquet":
            return pandas.read_parquet(path)
        if kind in (".json", ".jsonl"):
            return pandas.read_json(path, orient="records", lines=kind == ".jsonl")
        raise Unreadable(
            "Files of the kind %r are not read without a script: give CSV, Parquet, JSON or JSON lines."
            % kind
        )

    def _types(self):
        if self._schema is None or not self._schema.has_input_names():
            return None
        return dict(zip(self._schema.input_names(), self._schema.pandas_types()))
