"""What /invocations answers, held against the code of MLflow's own scoring server."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import mlflow
import numpy
import pandas
import pytest
from mlflow.models import infer_signature
from mlflow.pyfunc import scoring_server

from atelier_serving.mlflow_model import MLflowModel
from atelier_serving.service import Service

JSON = "application/json"


class Sums(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined, unused-ignore]
    """Adds up each row, times a parameter."""

    def predict(self, context: Any, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        rows = model_input.to_numpy() if hasattr(model_input, "to_numpy") else numpy.asarray(model_input)
        return rows.astype(float).sum(axis=tuple(range(1, rows.ndim))) * (params or {}).get("times", 1)


FRAME = pandas.DataFrame({"a": [1.5, 2.5], "b": [3, 4]})
SIGNATURES = {
    "columns": infer_signature(FRAME, numpy.array([1.0]), params={"times": 1}),
    "tensor": infer_signature(numpy.ones((1, 2)), numpy.array([1.0])),
    "none": None,
}


@pytest.fixture(scope="module", params=SIGNATURES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(str(request.param)) / "model"
    mlflow.pyfunc.save_model(
        folder, python_model=Sums(), signature=SIGNATURES[request.param], pip_requirements=[]
    )
    return folder


def theirs(model: Any, body: bytes, kind: str) -> tuple[int, Any]:
    try:
        found = scoring_server.invocations(body, kind, model, model.metadata.get_input_schema())
    except mlflow.MlflowException as fault:
        return fault.get_http_status_code(), None
    return found.status, json.loads(found.response) if found.status == 200 else None


def ours(service: Service, body: bytes, kind: str) -> tuple[int, Any]:
    header = {"method": "POST", "path": "/invocations", "headers": {"content-type": kind}, "request_id": "r"}
    answer = service.answer(header, body)
    return answer.meta["status"], json.loads(answer.body) if answer.meta["status"] == 200 else None


def parquet() -> bytes:
    buffer = io.BytesIO()
    FRAME.to_parquet(buffer)
    return buffer.getvalue()


SPLIT = {"columns": ["a", "b"], "data": [[1.5, 3], [2.5, 4]]}
RECORDS = [{"a": 1.5, "b": 3}, {"a": 2.5, "b": 4}]
REQUESTS: list[tuple[Any, str]] = [
    ({"dataframe_split": SPLIT}, JSON),
    ({"dataframe_split": {**SPLIT, "index": [7, 9]}}, JSON),
    ({"dataframe_split": SPLIT, "params": {"times": 2}}, JSON),
    ({"dataframe_split": SPLIT, "params": {"times": "many"}}, JSON),
    ({"dataframe_split": {"data": [[1.5, 3]]}}, JSON),
    ({"dataframe_split": {"columns": ["b", "a"], "data": [[3, 1.5]]}}, JSON),
    ({"dataframe_split": {"columns": ["a"], "data": [[1.5]]}}, JSON),
    ({"dataframe_split": {"columns": ["a", "b"], "data": [["x", "y"]]}}, JSON),
    ({"dataframe_split": [1]}, JSON),
    ({"dataframe_records": RECORDS}, JSON),
    ({"dataframe_records": [{"a": 1.5}]}, JSON),
    ({"dataframe_records": {"a": 1.5}}, JSON),
    ({"instances": RECORDS}, JSON),
    ({"instances": [[1.5, 3.0], [2.5, 4.0]]}, JSON),
    ({"instances": [[1.5, 3.0], [2.5]]}, JSON),
    ({"inputs": [[1.5, 3.0]]}, JSON),
    ({"inputs": {"a": [1.5, 2.5], "b": [3, 4]}}, JSON),
    ({"inputs": {"a": [1.5], "b": [3, 4]}}, JSON),
    ({"inputs": [[1.5, 3.0]], "instances": [[1.0, 2.0]]}, JSON),
    ({"inputs": [[1.5, 3.0]], "more": 1}, JSON),
    ({"unknown": 1}, JSON),
    ({}, JSON),
    ([1], JSON),
    (b"{", JSON),
    (b"\xff\xfe", JSON),
    (b"", JSON),
    ({"dataframe_split": SPLIT}, JSON + "; charset=utf-8"),
    ({"dataframe_split": SPLIT}, JSON + "; charset=UTF-8"),
    ({"dataframe_split": SPLIT}, JSON + "; charset=latin-1"),
    ({"dataframe_split": SPLIT}, JSON + "; format=pandas-split"),
    (b"a,b\n1.5,3\n2.5,4\n", "text/csv"),
    (b"a,b\n1.5,3\n", "text/csv; charset=utf-8"),
    (b"a,b\nx,y\n", "text/csv"),
    (b"", "text/csv"),
    (b"\xff\xfe\xfd", "text/csv"),
    (parquet(), "application/vnd.apache.parquet"),
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"x", "text/plain"),
    (b"x", "application/octet-stream"),
]

#: Where MLflow answers 400 to a model that fails on an input of the right form, a script's
#: fault is 500 here, as everywhere else: 400 says that the sender is to blame.
MODEL_FAILED = (400, 500)


def test_mlflows_forms(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = MLflowModel(str(folder))
    model.load()
    model.init()
    service = Service("", model, lambda _milliseconds: contextlib.nullcontext(), 1000)
    reference = mlflow.pyfunc.load_model(str(folder))
    different = []
    for given, kind in REQUESTS:
        body = given if isinstance(given, bytes) else json.dumps(given).encode()
        want, got = theirs(reference, body, kind), ours(service, body, kind)
        if want != got and (want[0], got[0]) != MODEL_FAILED:
            if "tensor" in str(folder) and kind.startswith("text/csv") and want[0] == 400:
                continue  # MLflow looks for names of columns, which a tensor has not; here they are just read
            different.append((given, kind, want, got))
    assert not different


@pytest.mark.parametrize("path", ["/ping", "/health", "/version"])
def test_mlflows_pages(path: str) -> None:
    model = MLflowModel("nowhere")
    model.load()
    service = Service("", model, lambda _milliseconds: contextlib.nullcontext(), 1000)
    answer = service.answer({"method": "GET", "path": path}, b"")
    expected = mlflow.__version__.encode() if path == "/version" else b"\n"
    assert (answer.meta["status"], answer.body) == (200, expected)
