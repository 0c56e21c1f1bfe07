"""A walk over a small checkout of our own: the same as over Azure's, in a few seconds."""

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FILES = {
    "jobs/hello.yml": "command: echo fine\nenvironment: system\ncompute: azureml:cpu-cluster\n",
    "jobs/named.yml": "command: cat ${{inputs.a}}/rows.csv\nenvironment: system\n"
    "inputs: {a: {type: uri_folder, path: 'azureml:rows@latest'}}\n",
    "jobs/remote.yml": "command: grep 2 ${{inputs.a}}\nenvironment: system\n"
    "inputs: {a: {type: uri_file, path: 'https://example.org/c/rows.csv'}}\n",
    "jobs/away.yml": "command: cat ${{inputs.a}}\nenvironment: system\n"
    "inputs: {a: {type: uri_file, path: 'https://example.org/c/none.csv'}}\n",
    "jobs/gpu.yml": "command: x\ncompute: gpu-cluster\n",
    "jobs/fails.yml": "command: exit 3\nenvironment: system\n",
    "jobs/key.yml": "command: echo fine\ncolour: red\n",
    "jobs/pipeline.yml": "type: pipeline\njobs: {}\n",
    "data/rows.yml": "name: rows\ntype: uri_folder\npath: rows\n",
    "data/rows/rows.csv": "a\n1\n",
    "data/template.yml": "name: {{NAME}}.rows\n",
    "settings.yml": "horizon: 12\n",
    ".github/workflows/one.yml": "on: push\njobs: {}\n",
}


def test_walk(tmp_path, binary):
    checkout, stand_in = tmp_path / "checkout", tmp_path / "stand-in" / "example.org" / "c"
    for name, text in FILES.items():
        path = checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    stand_in.mkdir(parents=True)
    (stand_in / "rows.csv").write_text("2\n")
    page, results = tmp_path / "page.md", tmp_path / "results.json"
    command = [sys.executable, HERE / "walk.py", checkout, "--binary", binary, "--patience", "300"]
    command += ["--stand-in", tmp_path / "stand-in", "--page", page, "--results", results]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    found = {one["file"]: one for one in json.loads(results.read_text())}
    jobs = {name: one["result"] for name, one in found.items() if one["kind"] == "command job"}
    assert jobs == {
        "jobs/hello.yml": "Completed",
        "jobs/named.yml": "Completed",
        "jobs/remote.yml": "Completed",
        "jobs/away.yml": "needs data from the internet",
        "jobs/gpu.yml": "needs a GPU",
        "jobs/fails.yml": "Failed",
        "jobs/key.yml": "refused",
    }
    assert found["data/rows.yml"]["created"]
    assert (found["jobs/pipeline.yml"]["verdict"], found["data/template.yml"]["verdict"]) == (
        "refused",
        "broken",
    )
    text = page.read_text()
    assert "- Of 11 files, 7 are understood and 2 refused by name" in text
    assert "and 1 are no YAML" in text
    assert "- 1 more lie in hidden folders" in text
    assert "- Of 7 command jobs, 5 need nothing that is not here; 3 of these ran to Completed, 1 with" in text
    assert '| `jobs/key.yml` | refused | Unknown key "colour" |' in text
    assert done.returncode == 1, "a job failed, and one was refused"
    assert "exit code 3" in done.stdout
