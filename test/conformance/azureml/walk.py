"""Walk a checkout of examples: read every YAML file, and run every command job that can run here.

The server and the command line are the real ones, in a temporary folder; what they answer is the result.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import rules
import tables

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))
from conftest import Server  # noqa: E402

_CREATE = {  # what of a checkout is made on the server before its jobs run
    "compute": "compute",
    "environment": "environment",
    "data asset": "data",
    "model": "model",
}


class Walk:
    """One walk over a checkout with a running server."""

    def __init__(self, server: Server, checkout: Path, stand_in: Path | None) -> None:
        self._server = server
        self._checkout = checkout
        self._stand_in = stand_in
        self._address = ""

    def atelier(self, *words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run the command line as its user would, beside the file."""
        return subprocess.run(
            [self._server.binary, *words],
            env={**self._server.environ, "ATELIER_SERVER": self._server.url},
            cwd=folder or self._checkout,
            capture_output=True,
            text=True,
            check=False,
        )

    def read(self) -> list[dict[str, Any]]:
        """What the program says of each file, without a server."""
        said = json.loads(self.atelier("validate", ".", "-o", "json").stdout)
        for one in said:
            one["file"] = str(Path(one["file"]).relative_to(self._checkout))
        return said

    def create(self, files: list[dict[str, Any]]) -> None:
        """Make what the files describe, and note of each what came of it."""
        for one in files:
            noun = _CREATE.get(one["kind"])
            if noun is None or one["verdict"] != "understood":
                continue
            path = self._checkout / one["file"]
            done = self.atelier(noun, "create", "-f", path.name, "-o", "json", folder=path.parent)
            one["created"] = done.returncode == 0
            if done.returncode != 0:
                one["error"] = done.stderr.strip()

    def run(self, files: list[dict[str, Any]], patience: float) -> None:
        """Submit what can run here, wait for all of it, and note how each ended."""
        assets = {one["value"]["name"] for one in files if one["kind"] == "data asset" and one.get("created")}
        waiting = []
        with self._serving():
            for one in files:
                if one["kind"] != "command job":
                    continue
                one["needs"] = rules.needs(one, assets)
                sets = self._stand_ins(one) if one["needs"] in (rules.INTERNET, rules.ELSEWHERE) else []
                if one["needs"] and not sets:
                    one["result"] = f"needs {one['needs']}"
                    continue
                one["stand_in"] = bool(sets)
                if one["verdict"] != "understood":
                    one["result"] = "refused"
                elif self._submit(one, sets):
                    waiting.append(one)
            self._wait(waiting, patience)

    def _submit(self, one: dict[str, Any], sets: list[str]) -> bool:
        path = self._checkout / one["file"]
        compute = one["value"].get("compute", "").removeprefix("azureml:")
        if compute and compute not in ("local", "serverless"):
            # The examples' own set-up makes it; if it is there, this says so and changes nothing.
            self.atelier("compute", "create", "--name", compute, "--slots", "2")
        words = [word for change in sets for word in ("--set", change)]
        done = self.atelier("job", "create", "-f", path.name, "-o", "json", *words, folder=path.parent)
        if done.returncode != 0:
            one["result"], one["error"] = "refused", done.stderr.strip()
            return False
        one["job"] = json.loads(done.stdout)["name"]
        return True

    def _wait(self, waiting: list[dict[str, Any]], patience: float) -> None:
        deadline = time.monotonic() + patience
        while waiting:
            listed = json.loads(self.atelier("job", "list", "--all-results", "-o", "json").stdout)
            jobs = {job["name"]: job for job in listed}
            for one in list(waiting):
                status = jobs[one["job"]]["status"]
                late = time.monotonic() > deadline
                if status not in ("Completed", "Failed", "Canceled") and not late:
                    continue
                waiting.remove(one)
                one["result"] = status if not late else f"{status} after {patience:.0f} s"
                if status != "Completed":
                    one["error"] = json.dumps(jobs[one["job"]].get("error")) + "\n" + self._log(one["job"])
                    if lacks := rules.lacks(one["error"]):
                        one["result"] = f"needs {lacks}"
                print(f"{one['result']:10} {one['file']}", flush=True)
            time.sleep(0.5)

    def _log(self, job: str) -> str:
        log = self.atelier("job", "stream", "-n", job).stdout
        return "\n".join(log.splitlines()[-30:])

    def _stand_ins(self, one: dict[str, Any]) -> list[str]:
        """The changes that have a job read stand-ins; none unless there is one for all that it reads."""
        changes = []
        for key, place in rules.places(one.get("value") or {}):
            name = rules.stand_in(place)
            local = self._stand_in / name if self._stand_in and name else None
            if local is None or not local.exists():
                return []
            served = place.startswith("http")
            changes.append(f"{key}={self._address}/{name}" if served else f"{key}={local}")
        return changes

    def _serving(self) -> _Serving:
        serving = _Serving(self._stand_in)
        self._address = serving.address
        return serving


class _Serving:
    """The folder of stand-ins over HTTP, on this machine alone."""

    def __init__(self, folder: Path | None) -> None:
        handler = functools.partial(_Quiet, directory=str(folder or "/nowhere"))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing: the table is what there is to read."""


def hidden(checkout: Path) -> Iterator[Path]:
    """The YAML files of the checkout's own upkeep, which are nobody's examples."""
    for path in checkout.rglob("*"):
        parts = path.relative_to(checkout).parts
        if path.suffix in (".yml", ".yaml") and any(part.startswith(".") for part in parts[:-1]):
            yield path


def exceptions() -> dict[str, str]:
    """The jobs that cannot complete for a reason of their own, with the reason."""
    lines = (Path(__file__).parent / "exceptions.txt").read_text().splitlines()
    pairs = (line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    return dict(pairs)


def main() -> int:
    """Walk, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--stand-in", type=Path, help="folder with files that stand in for public data")
    parser.add_argument("--binary", type=Path, default=ROOT / "bin" / "atelier")
    parser.add_argument("--page", type=Path, help="write the tables there, too")
    parser.add_argument("--results", type=Path, help="write all that was found there, as JSON")
    parser.add_argument("--patience", type=float, default=1800, help="seconds for all jobs together")
    asked = parser.parse_args()
    checkout = asked.checkout.resolve()
    with tempfile.TemporaryDirectory(prefix="atelier-examples-") as folder:
        server = Server(asked.binary.resolve(), Path(folder))
        try:
            walk = Walk(server, checkout, asked.stand_in.resolve() if asked.stand_in else None)
            files = walk.read()
            walk.create(files)
            walk.run(files, asked.patience)
        finally:
            server.stop()
    if asked.results:
        asked.results.write_text(json.dumps(files, indent=1))
    excepted = exceptions()
    text = tables.tables(files, sum(1 for _ in hidden(checkout)), excepted)
    print(text)
    if asked.page:
        asked.page.write_text(tables.OPENING + text)
    wrong = [one for one in files if tables.wrong(one, excepted)]
    for one in wrong:
        print(f"\n{one['file']}: {one['result']}\n{one.get('error', '')}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
