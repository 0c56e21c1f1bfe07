"""The Open Inference Protocol: what tensors say of themselves is checked before it is believed."""

from __future__ import annotations

import contextlib
import json
import os
import random
from pathlib import Path
from typing import Any

import numpy
import pytest

from atelier_serving import inference
from atelier_serving.inputs import BadInput
from atelier_serving.request import AMLRequest
from atelier_serving.script import Script
from atelier_serving.service import Answer, Service

MODEL: dict[str, Any] = {"name": "iris", "versions": ["3"], "platform": "python", "inputs": [], "outputs": []}

SCRIPT = """
def init(): pass
def run(raw): return raw
def infer(inputs):
    return {"double": inputs["x"] * 2, "words": [str(one) for one in inputs["x"].ravel()]}
"""


def request(body: Any, tail: bytes = b"", **headers: str) -> AMLRequest:
    head = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    if tail:
        names.setdefault("inference-header-content-length", str(len(head)))
    return AMLRequest("POST", "/v2/models/iris/infer", "", names, head + tail)


def tensor(data: Any, shape: Any, datatype: Any = "FP32", **more: Any) -> dict[str, Any]:
    return {"inputs": [{"name": "x", "shape": shape, "datatype": datatype, "data": data, **more}]}


def binary(size: Any, shape: Any, datatype: Any = "FP32", **more: Any) -> dict[str, Any]:
    parameters = {"binary_data_size": size}
    return {"inputs": [{"name": "x", "shape": shape, "datatype": datatype, "parameters": parameters, **more}]}


@pytest.mark.parametrize(
    ("data", "shape", "datatype"),
    [
        ([1.5, 2, 3, 4], [2, 2], "FP32"),
        ([[1.5, 2.0], [3.0, 4.0]], [2, 2], "FP64"),
        ([[0, 255]], [1, 2], "UINT8"),
        ([2**64 - 1], [1], "UINT64"),
        ([-(2**63)], [1], "INT64"),
        ([True, False], [2], "BOOL"),
        (["a", "ü"], [2, 1], "BYTES"),
        ([], [0, 5], "FP16"),
        ([7], [], "INT16"),
    ],
)
def test_tensors_in_json_and_as_bytes(data: Any, shape: list[int], datatype: str) -> None:
    read = inference.Question(request(tensor(data, shape, datatype)), MODEL)
    assert read.inputs["x"].shape == tuple(shape)
    answer = read.answer({"x": read.inputs["x"]})
    found = json.loads(answer.data)["outputs"][0]
    flat = numpy.array(data, dtype=object if datatype == "BYTES" else None).ravel().tolist()
    assert found == {"name": "x", "datatype": datatype, "shape": shape, "data": flat}

    asked = dict(tensor(data, shape, datatype), parameters={"binary_data_output": True}, id="one")
    answer = inference.Question(request(asked), MODEL).answer({"x": read.inputs["x"]})
    size = int(answer.headers["Inference-Header-Content-Length"])
    described, tail = json.loads(answer.data[:size]), answer.data[size:]
    assert (described["id"], described["model_name"], described["model_version"]) == ("one", "iris", "3")
    assert described["outputs"][0]["parameters"] == {"binary_data_size": len(tail)}
    back = request(binary(len(tail), shape, datatype), tail) if tail else request(asked)
    assert inference.Question(back, MODEL).inputs["x"].tolist() == read.inputs["x"].tolist()


HUGE = 2**31 - 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "cannot be read as JSON"),
        (b"[" * 100_000, "cannot be read as JSON"),
        (b"\xff\xfe", "cannot be read as JSON"),
        ([], "no JSON object"),
        ({}, "no inputs"),
        ({"inputs": {}}, "no list of objects"),
        ({"inputs": [1]}, "no list of objects"),
        ({"inputs": [{}] * 1001}, "more than 1000"),
        ({"inputs": [{"name": 1}]}, "no name"),
        ({"inputs": tensor([1], [1])["inputs"] * 2}, "comes twice"),
        (tensor([1], None), "no shape"),
        (tensor([1], [1] * 33), "more than 32"),
        (tensor([1], [True]), "a shape with True"),
        (tensor([1], [-1]), "a shape with -1"),
        (tensor([1], [1.0]), "a shape with 1.0"),
        (tensor([1], [2**31]), "a shape with"),
        (tensor([1], [HUGE] * 32), "and 1 of them"),
        (tensor([], [0, *[HUGE] * 31]), "a shape that cannot be"),
        (tensor([1, 2], [3]), "shape of 3 elements, and 2 of them"),
        (tensor([[1], [2, 3]], [3]), "nested unevenly"),
        (tensor([1, [2]], [2]), "nested unevenly"),
        (tensor([1], [1], "FP128"), "the datatype 'FP128'"),
        (tensor([1], [1], ["FP32"]), "the datatype"),
        (tensor([1], [1], None), "the datatype None"),
        (tensor(None, [1]), "no data"),
        (tensor({"0": 1}, [1]), "no data"),
        (tensor(["1"], [1]), "no FP32"),
        (tensor([None], [1]), "no FP32"),
        (tensor([10**400], [1], "FP64"), "cannot be read as FP64"),
        (tensor([1e9], [1], "FP16"), "cannot be read as FP16"),
        (tensor([1.5], [1], "INT8"), "no INT8"),
        (tensor([True], [1], "INT8"), "no INT8"),
        (tensor([300], [1], "INT8"), "no INT8"),
        (tensor([-1], [1], "UINT8"), "no UINT8"),
        (tensor([1], [1], "BOOL"), "no BOOL"),
        (tensor([1], [1], "BYTES"), "no text"),
        (tensor([1], [1], parameters=[]), "parameters that are no object"),
        (binary(4, [1]), "0 bytes are left"),
        (dict(tensor([1], [1]), outputs=[{"name": 5}]), "An output has no name"),
    ],
)
def test_what_is_wrong_is_said(body: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        inference.Question(request(body), MODEL)


@pytest.mark.parametrize(
    ("body", "tail", "length", "said"),
    [
        (binary(8, [1]), b"1234", None, "4 bytes are left"),
        (binary(-1, [1]), b"1234", None, "4 bytes are left"),
        (binary("4", [1]), b"1234", None, "4 bytes are left"),
        (binary(2**70, [1]), b"1234", None, "4 bytes are left"),
        (binary(4, [2]), b"1234", None, "which are 8 bytes, and 4 of them"),
        (binary(4, [HUGE] * 32), b"1234", None, "and 4 of them"),
        (binary(4, [1]), b"12345", None, "1 bytes that belong to no input"),
        (binary(4, [1], data=[1]), b"1234", None, "both data and"),
        (binary(5, [1], "BYTES"), b"\x09\x00\x00\x00x", None, "a length in it that does not fit"),
        (binary(4, [0], "BYTES"), b"\x00\x00\x00\x00", None, "a length in it that does not fit"),
        (binary(4, [5], "BYTES"), b"\x00\x00\x00\x00", None, "5 elements, and 1 of them"),
        (binary(4, [1]), b"1234", "1000000", "but the body has"),
        (binary(4, [1]), b"1234", "-5", "but the body has"),
        (binary(4, [1]), b"1234", "0", "but the body has"),
        (binary(4, [1]), b"1234", "9" * 5000, "but the body has"),
        (binary(4, [1]), b"1234", "\u0663", "but the body has"),
        (binary(4, [1]), b"1234", "7", "cannot be read as JSON"),
    ],
)
def test_bytes_that_do_not_fit(body: Any, tail: bytes, length: str | None, said: str) -> None:
    headers = {} if length is None else {"inference_header_content_length": length}
    with pytest.raises(BadInput, match=said):
        inference.Question(request(body, tail, **headers), MODEL)


def test_requests_made_by_chance_are_refused_or_fit() -> None:
    seed = int(os.environ.get("ATELIER_SEED", "1"))
    chance = random.Random(seed)
    odd: list[Any] = [0, 1, 2, -1, 3.5, True, None, "4", 2**31, 2**63, 10**30, [], [1], {}, "FP32", "BYTES"]

    def pick() -> Any:
        return chance.choice(odd)

    fitted = 0
    for _ in range(5000):
        shape = [chance.choice([0, 1, 2, pick()]) for _ in range(chance.randrange(4))]
        count = chance.randrange(5)
        data = [chance.choice([1, 0, pick()]) for _ in range(count)]
        kind = chance.choice([*inference._TYPES, "BYTES", pick()])
        body = tensor(data, shape, kind)
        tail = b""
        if chance.random() < 0.5:
            tail = chance.randbytes(chance.randrange(20))
            body = binary(chance.choice([len(tail), pick()]), shape, kind)
        headers = {}
        if chance.random() < 0.2:
            headers["inference_header_content_length"] = str(pick())
        try:
            found = inference.Question(request(body, tail, **headers), MODEL).inputs["x"]
        except BadInput:
            continue
        assert found.shape == tuple(shape), (seed, body)
        fitted += 1
    assert fitted > 100


def ask(service: Service, path: str, body: Any = None, method: str = "POST") -> tuple[int, Any]:
    given = b"" if body is None else json.dumps(body).encode()
    answer: Answer = service.answer({"method": method, "path": path, "request_id": "r"}, given)
    return answer.meta["status"], json.loads(answer.body)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("AZUREML_MODEL_DIR", "/x/azureml-models/iris/3")
    (tmp_path / "score.py").write_text(SCRIPT, encoding="utf-8")
    script = Script(str(tmp_path), "score.py")
    script.load()
    return Service(str(tmp_path), script, lambda _milliseconds: contextlib.nullcontext(), 1000)


def test_a_script_that_takes_tensors(service: Service) -> None:
    body = tensor([1, 2], [2, 1], "INT32")
    status, found = ask(service, "/v2/models/iris/infer", body)
    assert (status, found["outputs"][0]["data"]) == (200, [2, 4])
    assert found["outputs"][1] == {"name": "words", "datatype": "BYTES", "shape": [2], "data": ["1", "2"]}
    assert ask(service, "/v2/models/iris/versions/3/infer", body)[0] == 200
    status, found = ask(service, "/v2/models/iris/infer", dict(body, outputs=[{"name": "words"}]))
    assert [one["name"] for one in found["outputs"]] == ["words"]
    status, found = ask(service, "/v2/models/iris/infer", dict(body, outputs=[{"name": "none"}]))
    assert (status, found) == (400, {"error": "The model has no output 'none'. It has double, words."})
    assert ask(service, "/v2/models/iris/infer", tensor(["a"], [1]))[0] == 400
    assert ask(service, "/v2/models/iris/infer", {"inputs": []}) == (
        400,
        {"error": "The request has no inputs."},
    )


@pytest.mark.parametrize(
    ("path", "status", "found"),
    [
        ("/v2", 200, {"name": "atelier", "version": "2", "extensions": ["binary_tensor_data"]}),
        ("/v2/health/live", 200, {"live": True}),
        ("/v2/health/ready", 200, {"ready": True}),
        ("/v2/models/iris", 200, MODEL),
        ("/v2/models/iris/versions/3", 200, MODEL),
        ("/v2/models/iris/ready", 200, {"name": "iris", "ready": True}),
        ("/v2/models/rose", 404, {"error": "There is no model 'rose' here. It is called 'iris'."}),
        ("/v2/models/iris/versions/4", 404, {"error": "The model has no version '4' here."}),
        ("/v2/other", 404, {"error": "There is nothing at /v2/other."}),
        ("/v2/models/iris/infer", 405, {"error": "The method is not allowed for the requested URL."}),
    ],
)
def test_what_is_told_of_the_server(service: Service, path: str, status: int, found: Any) -> None:
    assert ask(service, path, method="GET") == (status, found)


def test_a_script_without_tensors(tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text("def init(): pass\ndef run(raw): return raw\n", encoding="utf-8")
    script = Script(str(tmp_path), "score.py")
    script.load()
    service = Service(str(tmp_path), script, lambda _milliseconds: contextlib.nullcontext(), 1000)
    status, found = ask(service, "/v2/models/model/infer", tensor([1], [1]))
    assert (status, found) == (404, {"error": "The scoring script score.py has no function infer()."})
    assert ask(service, "/v2/health/ready", method="GET") == (200, {"ready": True})
