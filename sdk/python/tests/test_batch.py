"""The driver of batch jobs, as a process: retries, thresholds, deaths, and rows that come once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from atelier_serving import batch_rows
from atelier_serving.batch_journal import Journal

_SOURCES = Path(batch_rows.__file__).parent.parent

DOUBLE = """
import os
def init(): pass
def run(mini_batch):
    return ["%s: %d" % (os.path.basename(path), 2 * int(open(path).read())) for path in mini_batch]
"""


class Job:
    """A plan in folders of its own, and its driver."""

    def __init__(self, folder: Path, script: str | None, files: int = 6, **settings: Any) -> None:
        self.folder, self.output, self.input = folder / "batch", folder / "out", folder / "in"
        for place in (self.folder, self.output, self.input, folder / "code"):
            place.mkdir()
        for number in range(files):
            (self.input / f"{number:02}.txt").write_text(str(number))
        if script is not None:
            (folder / "code" / "score.py").write_text(script)
        plan = {
            "inputs": [str(self.input)],
            "output": str(self.output),
            "code": str(folder / "code"),
            "folder": str(self.folder),
            "scoring_script": "score.py",
            "processes": 2,
            "mini_batch_size": 2,
            "max_retries": 1,
            "retry_timeout": 60,
            "error_threshold": -1,
            "output_action": "append_row",
            "output_file_name": "predictions.csv",
            "logging_level": "info",
        }
        self.plan = folder / "plan.json"
        self.plan.write_text(json.dumps({**plan, **settings}))

    def start(self, **environ: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "atelier_serving.batch", str(self.plan)]
        environ = {
            **os.environ,
            "AZUREML_BI_OUTPUT_PATH": str(self.output),
            "PYTHONUNBUFFERED": "1",
            **environ,
        }
        return subprocess.Popen(
            command, cwd=_SOURCES, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def run(self, code: int = 0, **environ: str) -> str:
        with self.start(**environ) as driver:
            said, _ = driver.communicate(timeout=300)
        assert driver.returncode == code, said
        return said

    @property
    def rows(self) -> list[str]:
        return (self.output / "predictions.csv").read_text().splitlines()

    @property
    def progress(self) -> dict[str, int]:
        return json.loads((self.folder / "progress.json").read_text())

    @property
    def failure(self) -> dict[str, str]:
        return json.loads((self.folder / "failure.json").read_text())


def doubled(*numbers: int) -> list[str]:
    return [f"{number:02}.txt: {2 * number}" for number in numbers]


def test_rows_come_in_the_order_of_the_files(tmp_path: Path) -> None:
    job = Job(tmp_path, DOUBLE, files=25)
    job.run()
    assert job.rows == doubled(*range(25))
    assert job.progress == {
        "files": 25,
        "files_done": 25,
        "files_failed": 0,
        "mini_batches": 13,
        "mini_batches_done": 13,
        "mini_batches_failed": 0,
        "retries": 0,
        "rows": 25,
    }


@pytest.mark.parametrize(
    "harm",
    [
        "raise ValueError('no')",
        "import sys; sys.exit(0)",
        "os._exit(0)",
        "os.kill(os.getpid(), 9)",
        "import time; time.sleep(1000)",
        "[print('x' * 100) for _ in iter(int, 1)]",
        "return None",
        "return 7",
        "return 'text'",
    ],
)
def test_what_harms_one_mini_batch_costs_no_others(tmp_path: Path, harm: str) -> None:
    script = DOUBLE.replace("    return", f"    if mini_batch[0].endswith('02.txt'): {harm}\n    return")
    endless = "time.sleep" in harm or "iter(int" in harm
    job = Job(tmp_path, script, max_retries=1, retry_timeout=3 if endless else 60)
    job.run()
    assert job.rows == doubled(0, 1, 4, 5)
    told = job.progress
    assert (told["files_failed"], told["mini_batches_failed"], told["retries"], told["rows"]) == (2, 1, 1, 4)


def test_a_child_of_the_script_does_not_answer_in_its_place(tmp_path: Path) -> None:
    job = Job(tmp_path, DOUBLE.replace("    return", "    os.fork()\n    return"))
    job.run()
    assert job.rows == doubled(*range(6))


def test_a_mini_batch_that_fails_once_is_scored(tmp_path: Path) -> None:
    once = (
        "    mark = os.environ['AZUREML_BI_OUTPUT_PATH'] + '/' + os.path.basename(mini_batch[0]) + '.tried'\n"
        "    if not os.path.exists(mark):\n        open(mark, 'w').close(); raise OSError('busy')\n"
    )
    job = Job(tmp_path, DOUBLE.replace("    return", once + "    return"))
    job.run()
    assert job.rows == doubled(*range(6))
    assert job.progress["retries"] == 3


@pytest.mark.parametrize(("threshold", "code"), [(-1, 0), (2, 0), (1, 1), (0, 1)])
def test_the_threshold_counts_files(tmp_path: Path, threshold: int, code: int) -> None:
    job = Job(tmp_path, DOUBLE, max_retries=0, error_threshold=threshold)
    (job.input / "02.txt").write_text("two")
    job.run(code)
    if code:
        assert job.failure["code"] == "ErrorThresholdExceeded"
        assert "invalid literal" in job.failure["message"]
    else:
        assert job.rows == doubled(0, 1, 4, 5)


def test_fewer_rows_than_files_are_failed_files(tmp_path: Path) -> None:
    job = Job(tmp_path, DOUBLE.replace("in mini_batch]", "in mini_batch[1:]]"))
    job.run()
    assert job.progress["files_failed"] == 3
    assert job.rows == doubled(1, 3, 5)


@pytest.mark.parametrize(
    ("script", "code", "word"),
    [
        (None, "UserScriptImportError", "no scoring script"),
        ("import nothing_of_the_kind", "UserScriptImportError", "nothing_of_the_kind"),
        ("def init(): pass", "UserScriptFunctionNotFound", "run()"),
        ("def init(): raise OSError('no model')\ndef run(x): pass", "UserScriptInitFailed", "no model"),
        ("import os\ndef init(): os._exit(9)\ndef run(x): pass", "UserScriptInitFailed", "exit code 9"),
    ],
)
def test_a_script_that_cannot_be_loaded_says_why(
    tmp_path: Path, script: str | None, code: str, word: str
) -> None:
    job = Job(tmp_path, script)
    job.run(1)
    assert job.failure["code"] == code
    assert word in job.failure["message"]


def test_no_script_and_no_model(tmp_path: Path) -> None:
    job = Job(tmp_path, None, scoring_script="")
    job.run(1)
    assert "neither a scoring script nor an MLflow model" in job.failure["message"]


def test_an_empty_input_is_a_failure_that_says_so(tmp_path: Path) -> None:
    job = Job(tmp_path, DOUBLE, files=0)
    job.run(1)
    assert "no files" in job.failure["message"]


def test_names_of_files_are_only_names(tmp_path: Path) -> None:
    script = DOUBLE.replace("os.path.basename(path)", "ascii(os.path.basename(path))")
    job = Job(tmp_path, script, files=0)
    names = [b"a\nb", b"..x", b"\xff\xfe", "é, \"q\" 'r'".encode(), b"-rf *"]
    for name in names:
        Path(os.fsdecode(os.fsencode(job.input) + b"/" + name)).write_text("1")
    job.run()
    assert job.progress["rows"] == len(names) == len(job.rows)


def test_a_summary_alone_keeps_what_the_script_writes(tmp_path: Path) -> None:
    script = """
import os, atexit
def init():
    global file
    file = open(os.path.join(os.environ["AZUREML_BI_OUTPUT_PATH"], "%d.txt" % os.getpid()), "w")
def run(mini_batch):
    for path in mini_batch:
        file.write(os.path.basename(path) + "\\n")
        yield True
"""
    job = Job(tmp_path, script, output_action="summary_only")
    job.run()
    written = sorted(line for path in job.output.iterdir() for line in path.read_text().splitlines())
    assert written == [f"{number:02}.txt" for number in range(6)]
    assert not (job.output / "predictions.csv").exists()
    assert job.progress["files_failed"] == 0


def test_a_driver_that_is_killed_scores_nothing_twice(tmp_path: Path) -> None:
    script = DOUBLE.replace("    return", "    import time; time.sleep(0.02)\n    return")
    job = Job(tmp_path, script, files=60)
    kills = 0
    for after in (3, 8, 15, 22):
        driver = job.start()
        while driver.poll() is None and _done(job) < after:
            time.sleep(0.005)
        if driver.poll() is None:
            driver.kill()
            kills += 1
        driver.communicate()
        assert not (job.output / "predictions.csv").exists()
    assert kills > 0
    said = job.run()
    assert "are done already" in said
    assert job.rows == doubled(*range(60))
    assert (job.progress["rows"], job.progress["mini_batches_done"]) == (60, 30)


def _done(job: Job) -> int:
    try:
        return job.progress["mini_batches_done"]
    except FileNotFoundError:
        return 0


def test_a_torn_entry_of_the_journal_is_cut_off(tmp_path: Path) -> None:
    path = str(tmp_path / "journal")
    entry = {"files": 1, "rows": 1, "failed": 0}
    journal = Journal(path, "a")
    journal.add(0, entry, b"zero\n")
    journal.add(1, entry, b"one\n")
    whole = Path(path).read_bytes()
    for cut in range(1, 40):
        Path(path).write_bytes(whole[:-cut])
        torn = Journal(path, "a")
        assert set(torn.done) == {0}
        torn.add(1, entry, b"again\n")
        assert Journal(path, "a").tally["rows"] == 2
    assert Journal(path, "another").done == {}


def test_rows_are_written_as_azure_writes_them() -> None:
    numpy = pytest.importorskip("numpy")
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"file": ["a b", "c"], "class": [1, 2]})
    assert batch_rows.write_rows(table, "append_row") == (2, b'"a b" 1\nc 2\n')
    assert batch_rows.write_rows(["a: 1", 2, 0.5], "append_row") == (3, b"a: 1\n2\n0.5\n")
    assert batch_rows.write_rows([["a", 1], ("b c", 2)], "append_row") == (2, b'a 1\n"b c" 2\n')
    assert batch_rows.write_rows(numpy.array([[1, 2], [3, 4]]), "append_row") == (2, b"1 2\n3 4\n")
    assert batch_rows.write_rows(numpy.array([1, 2]), "append_row") == (2, b"1\n2\n")
    assert batch_rows.write_rows(["one\nrow"], "append_row") == (1, b'"one\nrow"\n')
    assert batch_rows.write_rows(None, "summary_only") == (0, b"")
    for wrong in (None, 1, "text", b"x", {"a": 1}, numpy.array(1)):
        with pytest.raises(batch_rows.CannotWrite):
            batch_rows.write_rows(wrong, "append_row")


def test_an_mlflow_model_needs_no_script(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    pandas = pytest.importorskip("pandas")
    linear = pytest.importorskip("sklearn.linear_model")
    table = pandas.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1.0, 0.0, 1.0]})
    model = linear.LinearRegression().fit(table, table["a"] * 2 + table["b"])
    signature = mlflow.models.infer_signature(table, model.predict(table))
    folder = tmp_path / "models" / "model"
    mlflow.sklearn.save_model(model, folder, signature=signature, pip_requirements=[])
    job = Job(tmp_path, None, files=0, scoring_script="", mini_batch_size=10, processes=1)
    table.to_csv(job.input / "a.csv", index=False)
    table.head(1).to_parquet(job.input / "b.parquet")
    table.head(2).to_json(job.input / "c.json", orient="records")
    (job.input / "d.csv").write_text("x,y\n1,2\n")
    (job.input / "e.png").write_bytes(b"\x89PNG")
    job.run(AZUREML_MODEL_DIR=str(folder.parent))
    rows = [row.split(",") for row in job.rows]
    want = [
        ("0", 1, "a.csv"),
        ("1", 2, "a.csv"),
        ("2", 5, "a.csv"),
        ("0", 1, "b.parquet"),
        ("0", 1, "c.json"),
        ("1", 2, "c.json"),
    ]
    assert [(number, round(float(value)), name) for number, value, name in rows] == want
    assert job.progress["files_failed"] == 2
