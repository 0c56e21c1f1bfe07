"""A script that one server cannot start, the other cannot start either."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import official

GOOD = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"
RAW = "from azureml.contrib.services.aml_request import rawhttp\n"
SCHEMA = (
    "from inference_schema.schema_decorators import input_schema\n"
    "from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType\n"
)
BOOT_ERROR = 3
WRONG = {
    "a fault at import": "import nothing_of_that_name\n" + GOOD,
    "no Python": "def init(:\n",
    "an exit at import": "import sys\nsys.exit(0)\n",
    "no init": "def run(data):\n    return data\n",
    "no run": "def init():\n    pass\n",
    "init fails": GOOD.replace("pass", "raise RuntimeError('no weights')"),
    "init exits": GOOD.replace("pass", "raise SystemExit(7)"),
    "init takes something": GOOD.replace("init()", "init(what)"),
    "run takes nothing": GOOD.replace("run(data)", "run()").replace("return data", "return 1"),
    "run takes the headers alone": GOOD.replace("run(data)", "run(request_headers)").replace(
        "return data", "return 1"
    ),
    "run takes anything": GOOD.replace("run(data)", "run(*data)"),
    "run takes any name": GOOD.replace("run(data)", "run(data, **more)"),
    "run by position": GOOD.replace("run(data)", "run(data, /)"),
    "both decorations": RAW
    + SCHEMA
    + GOOD.replace("def run", "@rawhttp\n@input_schema('data', StandardPythonParameterType([1]))\ndef run"),
    "a wrong time limit": GOOD,
}
VARIABLES = {"a wrong time limit": {"SCORING_TIMEOUT_MS": "soon"}}


def worker(code, variables):
    """Run our worker on a script until it ends, and return its exit code."""
    command = [sys.executable, "-m", "atelier_serving.worker", "--socket", str(code / "socket")]
    command += ["--code", str(code), "--entry", "score.py", "--failure", str(code / "failure.json")]
    environ = {**os.environ, **variables}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def ends(free_port, tmp_path_factory):
    """By script, how either server ended."""

    def both(name):
        code = tmp_path_factory.mktemp("wrong")
        (code / "score.py").write_text(WRONG[name])
        variables = VARIABLES.get(name, {})
        process = official(code, "score.py", code / "log", variables, free_port())
        return process.wait(120), worker(code, variables), (code / "log").read_text()

    with ThreadPoolExecutor(3) as pool:
        return dict(zip(WRONG, pool.map(both, WRONG), strict=True))


@pytest.mark.parametrize("name", WRONG)
def test_neither_starts(ends, name):
    theirs, ours, log = ends[name]
    assert theirs == BOOT_ERROR, log
    assert ours.returncode == BOOT_ERROR, ours.stderr
