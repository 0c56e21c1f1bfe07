"""The scoring worker, as a process, over its socket: what Azure ML's own server answers, it answers."""

from __future__ import annotations

import ast
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from atelier_serving import calls, contrib, frames, mlflow_model, service, shims, worker

_SOURCES = Path(frames.__file__).parent
_PATIENCE = 120  # importing mlflow alone takes half a minute on a busy machine

NOT_FOUND = {
    "message": "The requested URL was not found on the server. "
    "If you entered the URL manually please check your spelling and try again."
}
FAILED = {"message": "An unexpected error occurred in scoring script. Check the logs for more info."}


class Worker:
    """A running worker and a connection to it."""

    def __init__(
        self, folder: Path, script: str | None, *options: str, name: str = "score.py", **environ: str
    ) -> None:
        self.folder, self.socket, self.failure = folder, folder / "worker.sock", folder / "failure.json"
        code = folder / "code"
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "atelier_serving.worker", "--socket", str(self.socket)]
        command += ["--code", str(code), "--failure", str(self.failure), *options]
        if script is not None:
            (code / name).write_text(script, encoding="utf-8")
            command += ["--entry", name]
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                env={"PYTHONUNBUFFERED": "1", **environ},
                cwd=_SOURCES.parent,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._stream: Any = None

    def connect(self) -> socket.socket:
        """Connect, which is possible only once init() has succeeded."""
        end = time.monotonic() + _PATIENCE
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(self.socket))
            except OSError:
                connection.close()
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < end, "the worker does not listen"
                time.sleep(0.01)
            else:
                return connection

    def ask(
        self,
        body: bytes | str | dict[str, Any] = b"",
        path: str = "/score",
        method: str = "POST",
        query: str = "",
        timeout_ms: int = 0,
        **headers: str,
    ) -> Answer:
        """Send one request and return its answer."""
        if self._stream is None:
            self._connection = self.connect()
            self._stream = self._connection.makefile("rb")
        if isinstance(body, dict):
            body, headers = json.dumps(body), {"content_type": "application/json", **headers}
        if isinstance(body, str):
            body = body.encode()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        header = {
            "method": method,
            "path": path,
            "query": query,
            "headers": names,
            "timeout_ms": timeout_ms,
            "request_id": "r-1",
        }
        self._connection.sendall(frames.encode(header, body))
        frame = frames.read(self._stream)
        assert frame is not None, "the worker hung up"
        return Answer(*frame)

    def end(self) -> int:
        """Tell the worker to stop and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_PATIENCE)

    def close(self) -> None:
        """Release everything."""
        if self._stream is not None:
            self._stream.close()
            self._connection.close()
        self.process.kill()
        self.process.wait(_PATIENCE)


class Answer:
    """An answer of the worker."""

    def __init__(self, header: dict[str, Any], body: bytes) -> None:
        self.status, self.meta, self.body = header["status"], header, body
        self.headers = dict(header["headers"])

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Start = Callable[..., Worker]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    workers: list[Worker] = []

    def begin(script: str | None, *options: str, **environ: str) -> Worker:
        folder = tmp_path / str(len(workers))
        folder.mkdir()
        workers.append(Worker(folder, script, *options, **environ))
        return workers[-1]

    yield begin
    for one in workers:
        one.close()


PLAIN = """
import json, sys, os, time
def init():
    global factor
    factor = 2
    print("init was here")
def run(raw_data):
    data = json.loads(raw_data)
    if isinstance(data, list):
        return [factor * x for x in data]
    what = data.get("do")
    if what == "raise": raise ValueError("boom")
    if what == "exit": sys.exit(4)
    if what == "sleep": time.sleep(data["for"])
    if what == "none": return None
    if what == "object": return object()
    if what == "echo": return raw_data
    return data
"""


def test_a_plain_script(start: Start) -> None:
    one = start(PLAIN)
    answer = one.ask("[1, 2]")
    assert (answer.status, answer.json) == (200, [2, 4])
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-ms-run-function-failed"] == "False"
    assert float(answer.headers["x-ms-run-fn-exec-ms"]) >= 0
    assert answer.headers["x-request-id"] == "r-1"
    assert "init was here" in one.log.read_text()


@pytest.mark.parametrize(
    ("request_", "status", "expected", "failed"),
    [
        ({"body": {"do": "raise"}}, 500, FAILED, "True"),
        ({"body": {"do": "exit"}}, 500, FAILED, "True"),
        ({"body": "no json"}, 500, FAILED, "True"),
        ({"body": {"do": "none"}}, 200, {}, "False"),
        ({"body": {"do": "echo"}}, 200, '{"do": "echo"}', "False"),
        (
            {"body": {"do": "object"}},
            500,
            {"message": "An unexpected internal error occurred. Check the logs for more info."},
            "False",
        ),
        (
            {"body": {"do": "sleep", "for": 30}, "timeout_ms": 20},
            500,
            {"message": "Scoring timeout after 20 ms"},
            "True",
        ),
        ({"method": "GET", "query": "a=1&b=x&c=1&c=2"}, 200, {"a": 1, "b": "x", "c": [1, 2]}, "False"),
        ({"method": "PUT"}, 405, {"message": "The method is not allowed for the requested URL."}, "False"),
        ({"method": "HEAD"}, 405, {"message": "Method not allowed"}, "False"),
        ({"method": "OPTIONS"}, 200, None, "False"),
        ({"path": "/nowhere"}, 404, NOT_FOUND, "False"),
        (
            {"path": "/", "method": "POST"},
            405,
            {"message": "The method is not allowed for the requested URL."},
            "False",
        ),
        (
            {"x_request_id": "x" * 101},
            431,
            {"message": "x-request-id must not exceed 100 characters"},
            "False",
        ),
        (
            {"x_ms_client_request_id": "x" * 101},
            431,
            {"message": "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters"},
            "False",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_table_of_answers(
    start: Start, request_: dict[str, Any], status: int, expected: object, failed: str
) -> None:
    one = start(PLAIN)
    answer = one.ask(**request_)
    assert answer.status == status, one.log.read_text()
    assert (answer.json if answer.body else None) == expected
    assert answer.headers["x-ms-run-function-failed"] == failed
    assert one.ask("[3]").json == [6], "the worker serves on"


def test_a_body_that_is_no_text(start: Start) -> None:
    answer = start(PLAIN).ask(b"\xff\xfe\x00")
    assert answer.status == 400
    assert answer.json["message"].startswith("Input cannot be decoded as UTF-8")


def test_faults_are_in_the_log_from_the_scripts_own_line_on(start: Start) -> None:
    one = start(PLAIN)
    one.ask({"do": "raise"})
    log = one.log.read_text()
    assert "ValueError: boom" in log
    assert "atelier_serving" not in log


def test_a_timeout_by_the_router_is_marked(start: Start) -> None:
    one = start(PLAIN, SCORING_TIMEOUT_MS="30")
    assert one.ask({"do": "sleep", "for": 30}, timeout_ms=10).meta["timed_out"] is True
    answer = one.ask({"do": "sleep", "for": 30}, timeout_ms=60_000)
    assert answer.json == {"message": "Scoring timeout after 30 ms"}
    assert answer.meta["timed_out"] is False


def test_calls_in_several_threads_end_in_time(start: Start) -> None:
    script = """
import time
def init(): pass
def run(raw):
    while raw == "go on": time.sleep(0.001)
    return raw
"""
    one = start(script, "--concurrency", "4")
    answer = one.ask("go on", timeout_ms=20)
    assert (answer.status, answer.json) == (500, {"message": "Scoring timeout after 20 ms"})
    assert answer.meta["timed_out"] is True
    assert [one.ask("1", timeout_ms=60_000).json for _ in range(50)] == ["1"] * 50


PARTS = """
import time
from azureml.contrib.services.aml_request import rawhttp
from azureml.contrib.services.aml_response import AMLResponse
def init(): pass
@rawhttp
def run(request):
    what = request.get_data(as_text=True)
    def parts():
        if what == "fail at once": raise ValueError
        yield "one"
        if what == "fail": raise ValueError("amid")
        if what == "sleep": time.sleep(30)
        yield b"two"
    return AMLResponse(parts(), 200, {"Content-Type": "text/plain"})
"""


@pytest.mark.parametrize("concurrency", ["1", "2"])
def test_an_answer_in_parts(start: Start, concurrency: str) -> None:
    one = start(PARTS, "--concurrency", concurrency)
    whole = one.ask("all")
    assert (whole.body, whole.headers["content-type"]) == (b"onetwo", "text/plain")
    assert one.ask("fail at once").status == 500
    for body, expected in (("all", [b"one", b"two", None]), ("fail", [b"one"]), ("sleep", [b"one"])):
        with one.connect() as connection, connection.makefile("rb") as stream:
            header = {"path": "/score", "stream": True, "timeout_ms": 50}
            connection.sendall(frames.encode(header, body.encode()))
            first, _ = frames.read(stream) or ({}, b"")
            assert (first["status"], first["stream"]) == (200, True)
            found: list[bytes | None] = []
            while (frame := frames.read(stream)) is not None:
                found.append(None if frame[0].get("end") else frame[1])
                if frame[0].get("end"):
                    break
            assert found == expected, one.log.read_text()
    assert one.ask("all").status == 200


def test_health_answers_while_the_script_is_busy(start: Start) -> None:
    one = start(PLAIN)
    with one.connect() as busy, one.connect() as connection, connection.makefile("rb") as stream:
        busy.sendall(frames.encode({"path": "/score"}, b'{"do": "sleep", "for": 30}'))
        connection.sendall(frames.encode({"method": "GET", "path": "/"}, b""))
        header, body = frames.read(stream) or ({}, b"")
    assert (header["status"], body, header["pid"]) == (200, b"Healthy", one.process.pid)


def test_request_names_come_back(start: Start) -> None:
    one = start(PLAIN)
    answer = one.ask("[1]", x_ms_client_request_id="mine", traceid="t-1", x_request_id="own")
    assert answer.headers["x-request-id"] == "own"
    assert answer.headers["x-ms-client-request-id"] == answer.headers["x-ms-request-id"] == "mine"
    assert answer.headers["traceid"] == "t-1"
    assert one.ask("[1]", x_ms_request_id="old").headers["x-ms-client-request-id"] == "old"


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ("import nothing_of_that_name\n", "UserScriptImportError", "nothing_of_that_name"),
        ("def init(:\n", "UserScriptImportError", "SyntaxError"),
        ("import sys\nsys.exit(0)\n", "UserScriptImportError", "SystemExit"),
        (
            "def init():\n    raise RuntimeError('no weights')\ndef run(x): return x\n",
            "UserScriptInitFailed",
            "no weights",
        ),
        ("def run(x): return x\n", "UserScriptFunctionNotFound", "no function init()"),
        ("def init(): pass\n", "UserScriptFunctionNotFound", "no function run()"),
        ("def init(): pass\ndef run(*x): return x\n", "UserScriptFunctionNotFound", "*args"),
        ("def init(): pass\ndef run(): return 1\n", "UserScriptFunctionNotFound", "argument"),
    ],
)
def test_a_script_that_cannot_be_served(start: Start, script: str, code: str, said: str) -> None:
    one = start(script)
    assert one.process.wait(_PATIENCE) == 3
    reason = json.loads(one.failure.read_text())
    assert reason["code"] == code
    assert said in reason["message"]
    assert said in one.log.read_text()


def test_a_wrong_time_limit(start: Start) -> None:
    one = start(PLAIN, SCORING_TIMEOUT_MS="soon")
    assert one.process.wait(_PATIENCE) == 3
    assert "SCORING_TIMEOUT_MS" in json.loads(one.failure.read_text())["message"]


def test_a_missing_script(start: Start) -> None:
    one = start(None, "--entry", "gone.py")
    assert one.process.wait(_PATIENCE) == 3
    assert "gone.py" in json.loads(one.failure.read_text())["message"]


def test_the_model_folder_is_listed_when_init_fails(start: Start, tmp_path: Path) -> None:
    (tmp_path / "models" / "inner").mkdir(parents=True)
    (tmp_path / "models" / "inner" / "weights.bin").touch()
    script = "def init():\n    open('weights.bin')\ndef run(x): return x\n"
    one = start(script, AZUREML_MODEL_DIR=str(tmp_path / "models"))
    assert one.process.wait(_PATIENCE) == 3
    assert "inner/weights.bin" in one.log.read_text()


def test_init_and_run_share_a_thread_and_a_folder(start: Start) -> None:
    script = """
import helper, os, sqlite3
def init():
    global db
    db = sqlite3.connect(":memory:")
def run(raw):
    here = os.getcwd()
    row = db.execute("select 1").fetchone()
    return [row[0], helper.value, os.path.basename(here), os.environ["AML_APP_ROOT"] == here]
"""
    one = start(None, "--entry", "inside/score.py")
    one.close()
    (one.folder / "code" / "inside").mkdir()
    (one.folder / "code" / "inside" / "helper.py").write_text("value = 7\n")
    again = Worker(one.folder, script, name="inside/score.py")
    try:
        assert again.ask("x").json == [1, 7, "code", True]
    finally:
        again.close()


def test_request_headers(start: Start) -> None:
    one = start("def init(): pass\ndef run(data, request_headers):\n    return request_headers['X-Mine']\n")
    assert one.ask("x", x_mine="yes").json == "yes"


RAW = """
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse
import azureml_inference_server_http.api.aml_request as other
assert other.rawhttp is rawhttp
def init(): pass
@rawhttp
def run(request):
    assert isinstance(request, AMLRequest)
    if request.method == "GET":
        return {"args": request.args.to_dict(flat=False), "path": request.full_path}
    if request.mimetype == "multipart/form-data":
        files = {name: [file.filename, len(file.read())] for name, file in request.files.items()}
        return {"form": dict(request.form), "files": files}
    if request.is_json:
        return AMLResponse(request.get_json(), 202, {"X-List": "a,b"}, json_str=True)
    if request.headers["X-Fail"] == "yes":
        return AMLResponse("bad", 503)
    return AMLResponse(request.get_data(False)[::-1], 200, {"Content-Type": "image/png"})
"""


def test_rawhttp(start: Start) -> None:
    one = start(RAW)
    answer = one.ask(b"\x00\x01\xff", x_fail="no")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"\xff\x01\x00", "image/png")
    answer = one.ask({"a": 1})
    assert (answer.status, answer.json) == (202, {"a": 1})
    assert [value for name, value in answer.meta["headers"] if name == "x-list"] == ["a", "b"]
    answer = one.ask(b"x", x_fail="yes")
    assert (answer.status, answer.headers["x-ms-run-function-failed"]) == (503, "True")
    assert one.ask(method="GET", query="a=1&a=2").json == {
        "args": {"a": ["1", "2"]},
        "path": "/score?a=1&a=2",
    }
    form = (
        b'--B\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
        b'--B\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\n\x89PNG\r\n\x00\r\n--B--\r\n"
    )
    answer = one.ask(form, content_type="multipart/form-data; boundary=B")
    assert answer.json == {"form": {"note": "hello"}, "files": {"image": ["a.png", 7]}}


SCHEMA = """
import sys, types
# A stand-in for the package inference_schema, which decorates in this way.
util = types.ModuleType("inference_schema.schema_util")
util.is_schema_decorated = lambda run: getattr(run, "decorated", False)
util.get_input_schema = lambda run: {"type": "object", "example": {"data": [1]}}
util.get_output_schema = lambda run: {"type": "integer"}
util.get_supported_versions = lambda run: ["3.0", "3.1"]
sys.modules["inference_schema"] = types.ModuleType("inference_schema")
sys.modules["inference_schema.schema_util"] = util
def init(): pass
def run(data, scale=10):
    return sum(data) * scale
run.decorated = True
"""


def test_a_decorated_script(start: Start) -> None:
    one = start(SCHEMA)
    assert one.ask({"data": [1, 2]}).json == 30
    assert one.ask({"data": [1, 2], "scale": 2}).json == 6
    assert one.ask(method="GET", query="data=[5]").json == 50
    missing = one.ask({"scale": 2})
    assert (missing.status, missing.json) == (
        400,
        {"message": "A value is not provided for the 'data' parameter."},
    )
    assert one.ask("{", content_type="application/json").status == 400
    assert one.ask("[]", content_type="application/json").json == {
        "message": "POST body should be a JSON dictionary."
    }
    text = one.ask("{}", content_type="text/plain")
    assert (text.status, text.json) == (415, {"message": "Expects Content-Type to be application/json"})
    document = one.ask(method="GET", path="/swagger.json", query="version=3").json
    assert document["components"]["schemas"]["ServiceInput"]["example"] == {"data": [1]}
    refused = one.ask(method="GET", path="/swagger.json", query="version=2")
    assert (refused.status, refused.json["message"]) == (
        404,
        "Swagger version [2] is not supported for the scoring script. Supported swagger versions: [3, 3.1].",
    )


def test_swagger(start: Start) -> None:
    one = start(PLAIN, SERVICE_NAME="doubler")
    document = one.ask(method="GET", path="/swagger.json").json
    assert (document["swagger"], document["info"]["title"]) == ("2.0", "doubler")
    assert one.ask(method="GET", path="/swagger.json", query="version=3.1").json["openapi"] == "3.1.0"
    assert one.ask(method="GET", path="/swagger.json", query="version=9").status == 404
    (one.folder / "code" / "swagger.json").write_text('{"mine": true}')
    assert one.ask(method="GET", path="/swagger.json", query="version=2").json == {"mine": True}


def test_many_calls_at_once(start: Start) -> None:
    script = """
import threading
def init():
    global barrier
    barrier = threading.Barrier(3)
def run(raw):
    return barrier.wait(20) >= 0
"""
    one = start(script, "--concurrency", "3")
    answers: list[bytes] = []

    def call() -> None:
        with one.connect() as connection, connection.makefile("rb") as stream:
            connection.sendall(frames.encode({"path": "/score"}, b"x"))
            answers.append((frames.read(stream) or ({}, b""))[1])

    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(_PATIENCE)
    assert answers == [b"true"] * 3


def test_several_processes(start: Start) -> None:
    script = """
import os
def init(): pass
def run(raw):
    if raw == "die": os._exit(9)
    return os.getpid()
"""
    one = start(script, "--workers", "2")
    first = one.ask("x").json
    assert first != one.process.pid
    with one.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(frames.encode({"path": "/score"}, b"die"))
        frames.read(stream)
    end = time.monotonic() + _PATIENCE
    while "Starting another" not in one.log.read_text():
        assert time.monotonic() < end, one.log.read_text()
        time.sleep(0.01)
    seen: set[int] = set()
    while len(seen - {first}) < 1 or one.log.read_text().count("is ready") < 3:
        assert time.monotonic() < end, one.log.read_text()
        with one.connect() as connection, connection.makefile("rb") as stream:
            connection.sendall(frames.encode({"path": "/score"}, b"x"))
            seen.add(int((frames.read(stream) or ({}, b"0"))[1]))
    assert one.end() == 0


BATCHES = """
import json, os, time
def init(): pass
def run(raw):
    if raw == "wait": open("waits", "w").close()
    while raw == "wait" and not os.path.exists("go"): time.sleep(0.001)
    return ["alone", answer(raw)]
def run_batch(many):
    return [fault(raw) if raw == "bad" else ["of %d" % len(many), answer(raw)] for raw in many]
def answer(raw):
    if raw == "worse": raise RuntimeError("worse")
    if raw == "exit": raise SystemExit(1)
    return int(raw) if raw.isdigit() else raw
def fault(raw): return ValueError(raw)
"""


def together(one: Worker, bodies: list[str]) -> list[Answer]:
    """Send requests that all wait while the worker does something else, and return their answers."""
    path = one.folder / "code" / "go"
    connections = [one.connect() for _ in ["wait", *bodies]]
    streams = [connection.makefile("rb") for connection in connections]
    try:
        for connection, stream in zip(connections, streams, strict=True):  # each is known to the worker
            connection.sendall(frames.encode({"path": "/score", "request_id": "r"}, b"0"))
            assert frames.read(stream)
        connections[0].sendall(frames.encode({"path": "/score"}, b"wait"))
        end = time.monotonic() + _PATIENCE
        while not (one.folder / "code" / "waits").exists():
            assert time.monotonic() < end, one.log.read_text()
            time.sleep(0.01)
        for connection, body in zip(connections[1:], bodies, strict=True):
            connection.sendall(frames.encode({"path": "/score", "request_id": f"r-{body}"}, body.encode()))
        path.touch()
        answers = [Answer(*(frames.read(stream) or ({}, b""))) for stream in streams]
        return answers[1:]
    finally:
        path.unlink(missing_ok=True)
        for stream, connection in zip(streams, connections, strict=True):
            stream.close()
            connection.close()


def test_requests_that_wait_are_answered_together(start: Start) -> None:
    one = start(BATCHES, "--batch-size", "3", "--concurrency", "9")
    assert one.ask("7").json == ["alone", 7]
    answers = together(one, ["1", "2", "3", "4", "5"])
    assert [answer.json for answer in answers] == [
        ["of 3", 1],
        ["of 3", 2],
        ["of 3", 3],
        ["of 2", 4],
        ["of 2", 5],
    ]
    assert [answer.headers["x-request-id"] for answer in answers] == [f"r-{n}" for n in range(1, 6)]
    assert all("x-ms-run-fn-exec-ms" in answer.headers for answer in answers)


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        (["1", "bad", "2"], [["of 3", 1], None, ["of 3", 2]]),  # the script says which of them it is
        (["1", "worse", "2"], [["alone", 1], None, ["alone", 2]]),  # it does not say
        (["1", "exit", "2"], [["alone", 1], None, ["alone", 2]]),
    ],
)
def test_a_bad_request_fails_alone(start: Start, bodies: list[str], expected: list[Any]) -> None:
    one = start(BATCHES, "--batch-size", "3", "--concurrency", "4")
    answers = together(one, bodies)
    assert [answer.json if answer.status == 200 else None for answer in answers] == expected
    assert (answers[1].status, answers[1].json) == (500, FAILED)
    assert one.ask("1").status == 200


def test_batches_need_a_function_for_them(start: Start) -> None:
    one = start(PLAIN, "--batch-size", "2")
    assert one.process.wait(_PATIENCE) == worker.INIT_FAILED
    assert "no function run_batch()" in json.loads(one.failure.read_text())["message"]


def _runs(pid: int) -> bool:
    try:
        return "Z (zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_processes_end_with_the_one_that_started_them(start: Start) -> None:
    one = start("import os\ndef init(): pass\ndef run(raw): return os.getpid()\n", "--workers", "2")
    child = one.ask("x").json
    one.process.kill()
    one.process.wait(_PATIENCE)
    end = time.monotonic() + _PATIENCE
    while _runs(child):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_several_processes_that_cannot_load(start: Start) -> None:
    assert start("raise ValueError\n", "--workers", "3").process.wait(_PATIENCE) == 3


@pytest.mark.parametrize("concurrency", ["1", "2"])
def test_stopping_lets_the_call_under_way_finish(start: Start, concurrency: str) -> None:
    script = """
import pathlib, time
def init(): pass
def run(raw):
    if raw == "wait":
        pathlib.Path("begun").touch()
        time.sleep(0.3)
    return raw
"""
    one = start(script, "--concurrency", concurrency)
    one.ask("1")
    answers: list[Answer] = []
    caller = threading.Thread(target=lambda: answers.append(one.ask("wait")))
    caller.start()
    end = time.monotonic() + _PATIENCE
    while not (one.folder / "code" / "begun").exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    assert one.end() == 0
    caller.join(_PATIENCE)
    assert [answer.json for answer in answers] == ["wait"]


@pytest.mark.parametrize("concurrency", ["1", "2"])
def test_a_call_that_nobody_waits_for_is_not_made(start: Start, concurrency: str) -> None:
    script = """
import pathlib, time
def init():
    global calls
    calls = []
def run(raw):
    calls.append(raw)
    if raw.startswith("wait"):
        pathlib.Path("begun" + raw).touch()
        while not pathlib.Path("go").exists():
            time.sleep(0.01)
    return calls
"""
    one = start(script, "--concurrency", concurrency)
    one.ask("first")
    callers, end = [], time.monotonic() + _PATIENCE
    for number in range(int(concurrency)):
        connection = one.connect()
        connection.sendall(frames.encode({"path": "/score", "method": "POST"}, b"wait%d" % number))
        callers.append(connection)
        while not (one.folder / "code" / f"begunwait{number}").exists():
            assert time.monotonic() < end
            time.sleep(0.01)
    with one.connect() as gone:
        gone.sendall(frames.encode({"path": "/score", "method": "POST"}, b"nobody waits"))
        gone.shutdown(socket.SHUT_WR)
        (one.folder / "code" / "go").touch()
        assert gone.recv(1) == b""
    for connection in callers:
        assert connection.recv(1)
        connection.close()
    calls = one.ask("last").json
    assert (calls[0], calls[-1]) == ("first", "last")
    assert "nobody waits" not in calls


def test_what_is_no_frame_ends_only_its_connection(start: Start) -> None:
    one = start(PLAIN)
    for rubbish in (b"\xff" * 8, b"\x00\x00\x00\x02\x00\x00\x00\x00{{", b"\x00"):
        with one.connect() as connection:
            connection.sendall(rubbish)
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(1) == b""
    assert one.ask("[1]").json == [2]


def test_a_long_socket_path(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    one = Worker(folder, PLAIN)
    try:
        end = time.monotonic() + _PATIENCE
        while "ready" not in one.log.read_text():
            assert one.process.poll() is None, one.log.read_text()
            assert time.monotonic() < end
            time.sleep(0.01)
    finally:
        one.close()


def test_no_model_and_no_script(start: Start, tmp_path: Path) -> None:
    one = start(None, AZUREML_MODEL_DIR=str(tmp_path))
    assert one.process.wait(_PATIENCE) == 3
    assert "MLmodel" in json.loads(one.failure.read_text())["message"]


@pytest.fixture(scope="module")
def mlflow_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker with a model of MLflow's, under its name in a model folder, as the runner places it."""
    import mlflow.sklearn
    import pandas
    from mlflow.models import infer_signature
    from sklearn.linear_model import LinearRegression

    table = pandas.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1.0, 0.0, 1.0]})
    model = LinearRegression().fit(table, 2 * table["a"] + table["b"])
    folder = tmp_path_factory.mktemp("models")
    mlflow.sklearn.save_model(
        model,
        folder / "model",
        signature=infer_signature(table, model.predict(table)),
        serialization_format="cloudpickle",
    )
    one = Worker(tmp_path_factory.mktemp("worker"), None, AZUREML_MODEL_DIR=str(folder))
    yield one
    one.close()


def _near(values: list[float]) -> Any:
    return pytest.approx(values)


def test_an_mlflow_model_needs_no_script(mlflow_worker: Worker) -> None:
    one = mlflow_worker
    rows, columns = [[3, 1], [4, 0]], ["a", "b"]
    records = [{"a": 3, "b": 1}, {"a": 4, "b": 0}]
    for body in (
        {"input_data": {"columns": columns, "index": [0, 1], "data": rows}},
        {"input_data": {"columns": columns, "data": rows}},
        {"input_data": records},
        {"dataframe_split": {"columns": columns, "data": rows}},
        {"dataframe_records": records},
        {"inputs": {"a": [3.0, 4.0], "b": [1.0, 0.0]}},
        {"instances": records},
    ):
        answer = one.ask(body)
        assert answer.status == 200, (body, answer.body, one.log.read_text())
        assert answer.json == _near([7, 8])
        assert one.ask(body, path="/invocations").json == {"predictions": _near([7, 8])}
    table = one.ask("a,b\n3,1\n4,0\n", content_type="text/csv", path="/invocations")
    assert table.json == {"predictions": _near([7, 8])}


def test_rows_for_an_mlflow_model_go_together() -> None:
    import numpy
    import pandas

    class Doubles:
        def __init__(self) -> None:
            self.asked: list[int] = []

        def predict(self, data: Any) -> Any:
            self.asked.append(len(data))
            return data * 2

    one = mlflow_model.MLflowModel("nowhere")
    one._model = model = Doubles()

    def arguments(data: Any, **params: Any) -> dict[str, Any]:
        return {"data": data, "params": params, "answer": mlflow_model.plain}

    frames = [pandas.DataFrame({"x": [1]}), pandas.DataFrame({"x": [2, 3]}), pandas.DataFrame({"x": [4]})]
    many = [arguments(frame) for frame in frames]
    assert len({one.group(each) for each in many}) == 1
    assert one.run_together(many) == [[{"x": 2}], [{"x": 4}, {"x": 6}], [{"x": 8}]]
    arrays = [arguments(numpy.array([[1.0, 2.0]])), arguments(numpy.array([[3.0, 4.0], [5.0, 6.0]]))]
    assert one.group(arrays[0]) == one.group(arrays[1])
    assert one.run_together(arrays) == [[[2.0, 4.0]], [[6.0, 8.0], [10.0, 12.0]]]
    assert model.asked == [4, 3]
    alone = [
        arguments(pandas.DataFrame({"x": [1.5]})),  # would make the others' numbers fractions
        arguments(pandas.DataFrame({"y": [1]})),
        arguments(pandas.DataFrame({"x": [1]}, index=["a"])),
        arguments(pandas.DataFrame({"x": [1]}), top=3),
        arguments(numpy.array(1.0)),
        arguments({"x": 1}),
    ]
    assert not {one.group(each) for each in alone} & {one.group(many[0])}
    assert [one.group(each) for each in alone[2:]] == [None] * 4


@pytest.mark.parametrize(
    ("body", "kind", "status", "said"),
    [
        (b"{", "application/json", 400, "could not be decoded"),
        (b"[1]", "application/json", 400, "input_data"),
        (b'{"data": [[1]]}', "application/json", 400, "input_data"),
        (b'{"input_data": {"columns": ["a"], "data": [[1]]}}', "application/json", 400, "b"),
        (b'{"input_data": {"columns": ["a", "b"], "data": [["x", "y"]]}}', "application/json", 400, ""),
        (b"x", "text/plain", 415, "text/csv"),
    ],
)
def test_what_an_mlflow_model_cannot_read(
    mlflow_worker: Worker, body: bytes, kind: str, status: int, said: str
) -> None:
    answer = mlflow_worker.ask(body, content_type=kind)
    assert answer.status == status, (answer.body, mlflow_worker.log.read_text())
    assert said in answer.json["message"]


def test_an_mlflow_model_that_is_broken(start: Start, tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("flavors: {}\n")
    one = start(None, AZUREML_MODEL_DIR=str(tmp_path))
    assert one.process.wait(_PATIENCE) == 3
    assert json.loads(one.failure.read_text())["code"] == "UserScriptInitFailed"


def test_plain_data() -> None:
    nan = float("nan")
    assert mlflow_model.plain({1: [nan, float("inf"), 1.5, b"x", None]}) == {
        "1": [None, None, 1.5, "eA==", None]
    }


def test_the_sources_are_python_3_8_and_need_nothing() -> None:
    allowed = set(sys.stdlib_module_names) | {
        "atelier_serving",
        "mlflow",
        "numpy",
        "pandas",
        "inference_schema",
    }
    for path in sorted(_SOURCES.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert {name.split(".")[0] for name in names} <= allowed, path


def test_every_module_is_used() -> None:
    assert all((calls, contrib, frames, mlflow_model, service, shims, worker))
