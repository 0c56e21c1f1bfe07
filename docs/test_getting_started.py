"""Follows docs/guide/getting-started.md word by word, in an empty folder: its files, its commands."""

import json
import re
import subprocess
from pathlib import Path

import pytest

GUIDE = (Path(__file__).parent / "guide" / "getting-started.md").read_text(encoding="utf-8")


def _block(heading, language, number=0):
    section = GUIDE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(rf"^```{language}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)[number]


@pytest.fixture
def shell(server, binary, tmp_path):
    """Run lines of the guide as a shell would, and return what they print."""
    environ = {**server.environ, "ATELIER_SERVER": server.url}
    environ["PATH"] = f"{binary.parent}:{environ['PATH']}"

    def run(script):
        done = subprocess.run(
            ["bash", "-euc", script], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


def test_your_own_script_to_a_prediction(shell, tmp_path):
    (tmp_path / "train.py").write_text(_block("Your own script", "python"))
    (tmp_path / "job.yml").write_text(_block("Your own script", "yaml"))
    shell(_block("Your own script", "sh"))

    run = json.loads(shell("atelier run list --experiment my-first -o json"))[0]
    assert run["metrics"]["r2"]["value"] > 0.4
    (tmp_path / "deployment.yml").write_text(_block("Serve its model", "yaml"))
    printed = shell(_block("Serve its model", "sh").replace("RUN_ID", run["id"]))
    prediction = re.search(r"^\s*\[\s*(-?[\d.]+)\s*\]\s*$", printed, re.MULTILINE)
    assert prediction, printed
    assert 0 < float(prediction.group(1)) < 400
    shell("atelier online-endpoint delete -n my-first --yes")
