"""Tells the whole story with real commands: train, find, register, deploy, call.

It starts a server of its own, with its data in .demo/, types what a user would
type, and says in plain words what came of it. `make demo` runs it.
"""

from __future__ import annotations

import csv
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".demo"
STUDY = Path("examples/diabetes")
SETTINGS = [
    {"model": "ridge", "alpha": "1"},
    {"model": "ridge", "alpha": "30"},
    {"model": "lasso", "alpha": "0.5"},
    {"model": "lasso", "alpha": "3"},
    {"model": "gradient-boosting", "trees": "100", "depth": "2"},
    {"model": "gradient-boosting", "trees": "300", "depth": "3"},
    {"model": "random-forest", "trees": "200", "depth": "4"},
    {"model": "random-forest", "trees": "200", "depth": "12"},
]
PATIENTS = 5  # of the held-out part, for the scoring request
ENDED = {"Completed", "Failed", "Canceled"}


class DemoError(Exception):
    """A step did not do what it should; the message says which and why."""


class Teller:
    """Prints the story: steps, commands, what they printed, and progress."""

    def __init__(self) -> None:
        self.lively = sys.stdout.isatty()
        self.begin = time.monotonic()
        self.step_number = 0

    def step(self, text: str) -> None:
        """Begin a step."""
        self.step_number += 1
        print(f"\n{self.step_number}. {text}", flush=True)

    def command(self, words: list[str]) -> None:
        """Show a command as a user would type it."""
        print(f"   $ {shlex.join(words)}", flush=True)

    def say(self, text: str) -> None:
        """Say something, indented under the step."""
        for line in text.rstrip().splitlines():
            print(f"   {line}", flush=True)

    def progress(self, look: Callable[[], tuple[bool, str]], *, pause: float = 0.5) -> None:
        """Show one line that changes until look says that it is done."""
        begin, shown, last = time.monotonic(), "", 0.0
        while True:
            done, text = look()
            seconds = time.monotonic() - begin
            if self.lively:
                print(f"\r   {text} ({seconds:.0f} s)".ljust(len(shown)), end="", flush=True)
                shown = f"   {text} ({seconds:.0f} s)"
            elif done or text != shown or seconds - last >= 15:
                print(f"   {text} ({seconds:.0f} s)", flush=True)
                shown, last = text, seconds
            if done:
                if self.lively:
                    print(flush=True)
                return
            time.sleep(pause)


class Atelier:
    """The binary, and the server that the demo starts with it."""

    def __init__(self, teller: Teller) -> None:
        self.teller = teller
        self.binary = ROOT / "bin" / "atelier"
        self.environ = {
            **{
                key: value for key, value in os.environ.items() if not key.startswith(("ATELIER_", "MLFLOW_"))
            },
            "XDG_CONFIG_HOME": str(HOME / "config"),
        }
        self.url = ""
        self._server: subprocess.Popen[bytes] | None = None

    def up(self) -> None:
        """Start the server on a free port and wait until it answers."""
        data = HOME / "data"
        words = ["up", "--data-dir", ".demo/data", "--port", "0"]
        self.teller.command(["atelier", *words])
        with (HOME / "server.log").open("wb") as log:
            self._server = subprocess.Popen(
                [self.binary, *words],
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops the server
            )
        deadline = time.monotonic() + 60
        while not self._answers(data / "server.json"):
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise DemoError("The server did not start:\n" + (HOME / "server.log").read_text())
            time.sleep(0.05)
        self.environ["ATELIER_SERVER"] = self.url

    def _answers(self, place: Path) -> bool:
        try:
            self.url = json.loads(place.read_text())["url"]
            with urllib.request.urlopen(self.url + "/health", timeout=5) as answer:
                return answer.status == 200
        except (OSError, ValueError):
            return False

    def down(self) -> None:
        """Stop the server as Ctrl-C does, and then the workers that would outlive it."""
        if self._server is None:
            return
        self._server.send_signal(signal.SIGINT)
        try:
            self._server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._server.kill()
        # Endpoints go on without their server, by design; a demo should leave nothing running.
        for sent in (signal.SIGTERM, signal.SIGKILL):
            for pid in self._runners():
                os.kill(pid, sent)
            if sent == signal.SIGTERM and self._runners():
                time.sleep(3)

    def _runners(self) -> list[int]:
        """Find the runners of this data folder."""
        command = ["ps", "-axww", "-o", "pid=,args="]
        listing = subprocess.run(command, capture_output=True, text=True, check=False)
        mine = f"{self.binary} runner --dir {HOME / 'data'}{os.sep}"
        rows = [line.strip().split(None, 1) for line in listing.stdout.splitlines()]
        return [int(row[0]) for row in rows if len(row) == 2 and row[1].startswith(mine)]

    def show(self, *words: str) -> str:
        """Run a command, show it and what it prints."""
        self.teller.command(["atelier", *words])
        printed = self.quietly(*words)
        self.teller.say(printed)
        return printed

    def json(self, *words: str, shown: bool = True) -> Any:
        """Run a command and return the JSON that it prints."""
        words = (*words, "-o", "json")
        if shown:
            self.teller.command(["atelier", *words])
        return json.loads(self.quietly(*words))

    def quietly(self, *words: str) -> str:
        """Run a command and return what it prints."""
        done = subprocess.run(
            [self.binary, *words], cwd=ROOT, env=self.environ, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise DemoError(f"`atelier {shlex.join(words)}` ended with {done.returncode}:\n{done.stderr}")
        return done.stdout


def main() -> int:
    """Tell the story; 0 when every step did what it should."""
    os.chdir(ROOT)
    teller = Teller()
    atelier = Atelier(teller)
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    try:
        tell(teller, atelier)
    except DemoError as fault:
        print(f"\nThe demo stopped. {fault}", file=sys.stderr)
        return 1
    finally:
        atelier.down()
    return 0


def tell(teller: Teller, atelier: Atelier) -> None:
    """The story, step by step."""
    teller.step("Start a server: SQLite and a folder, nothing to configure.")
    atelier.up()
    teller.say(f"It answers at {atelier.url}.")

    teller.step("Train eight models on the diabetes study, all submitted at once.")
    jobs = submit(atelier)
    watch(teller, atelier, jobs)

    teller.step("Find the best run.")
    best = find_best(atelier)
    teller.say(f"The best is {best['id']}: {describe(best)}.")

    teller.step("Register its model.")
    version = atelier.json(
        "model",
        "create",
        "--name",
        "diabetes",
        "--path",
        f"runs:/{best['id']}/model",
        "--type",
        "mlflow_model",
    )
    if version.get("run_id") != best["id"]:
        raise DemoError(f"The model does not know its run: {version}")
    teller.say(f"It is version {version['version']} of diabetes, and knows that it came from {best['id']}.")

    teller.step("Deploy it behind an endpoint, with a scoring script.")
    atelier.json("online-endpoint", "create", "-f", str(STUDY / "endpoint.yml"))
    deploy(teller, atelier, "deployment.yml", "--all-traffic")

    teller.step(f"Ask it about {PATIENTS} patients that no model has seen, with curl and the endpoint's key.")
    table, truth = held_out(atelier, best["id"])
    request = HOME / "request.json"
    request.write_text(json.dumps({"input_data": table}))
    endpoint = atelier.json("online-endpoint", "show", "-n", "diabetes", shown=False)
    predicted = curl(teller, atelier, endpoint["scoring_uri"], request)

    teller.step("Ask again through the command line, and load the same model without any server.")
    invoked = json.loads(
        atelier.show("online-endpoint", "invoke", "-n", "diabetes", "-r", ".demo/request.json")
    )
    local = load_locally(teller, atelier, best["id"], request)
    check(predicted, invoked, local)
    teller.say("The endpoint, the command line and the local model give the same numbers, to the last digit.")

    teller.step("Deploy it once more, without a script: an MLflow model says by itself how it is used.")
    deploy(teller, atelier, "deployment-without-script.yml")
    green = json.loads(
        atelier.show("online-endpoint", "invoke", "-n", "diabetes", "-d", "green", "-r", ".demo/request.json")
    )
    check(predicted, green)

    summary(teller, atelier, Ending(best, version, endpoint, predicted, truth))


def submit(atelier: Atelier) -> list[str]:
    """Submit one job per setting, concurrently, and return their names."""

    def create(setting: dict[str, str]) -> str:
        words = [word for key, value in setting.items() for word in ("--set", f"inputs.{key}={value}")]
        return atelier.json("job", "create", "-f", str(STUDY / "job.yml"), *words)["name"]

    with ThreadPoolExecutor(max_workers=len(SETTINGS)) as pool:
        return list(pool.map(create, SETTINGS))


def watch(teller: Teller, atelier: Atelier, names: list[str]) -> None:
    """Wait for the jobs, with one line of progress. The first one also makes the environment."""

    def look() -> tuple[bool, str]:
        jobs = [atelier.json("job", "show", "-n", name, shown=False) for name in names]
        counts: dict[str, int] = {}
        for job in jobs:
            counts[job["status"]] = counts.get(job["status"], 0) + 1
        bad = [job for job in jobs if job["status"] in ("Failed", "Canceled")]
        if bad:
            log = atelier.quietly("job", "stream", "-n", bad[0]["name"]) if bad[0].get("exit_code") else ""
            raise DemoError(f"The job {bad[0]['name']} {bad[0]['status']}: {bad[0].get('error')}\n{log}")
        text = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
        return counts.get("Completed", 0) == len(names), text

    teller.progress(look, pause=1.0)


def find_best(atelier: Atelier) -> dict[str, Any]:
    """List the runs as a person would, and return the first."""
    words = ["run", "list", "--experiment", "diabetes"]
    words += ["--filter", "metrics.rmse < 60", "--order-by", "metrics.rmse ASC"]
    atelier.show(*words)
    runs = atelier.json(*words, shown=False)
    errors = [run["metrics"]["rmse"]["value"] for run in runs]
    if len(runs) < 2 or errors != sorted(errors) or errors[-1] >= 60:
        raise DemoError(f"The runs are not filtered or not in order: {errors}")
    return runs[0]


def describe(run: dict[str, Any]) -> str:
    """Say a run's settings and error in a few words."""
    settings = " ".join(
        f"{key}={value}" for key, value in run["params"].items() if key not in ("model", "seed")
    )
    return f"{run['params']['model']} ({settings}), rmse {run['metrics']['rmse']['value']:.2f}"


def deploy(teller: Teller, atelier: Atelier, file: str, *flags: str) -> None:
    """Create a deployment and show progress until it answers."""
    words = ["online-deployment", "create", "-f", str(STUDY / file), *flags]
    teller.command(["atelier", *words])
    with ThreadPoolExecutor(max_workers=1) as pool:
        made = pool.submit(atelier.quietly, *words)

        def look() -> tuple[bool, str]:
            if not made.done():
                return False, "Starting the worker"
            return True, "It failed" if made.exception() else "It is up"

        teller.progress(look)
        made.result()


def held_out(atelier: Atelier, job: str) -> tuple[dict[str, Any], list[float]]:
    """Return a table of patients of the best run's held-out part, and what became of them."""
    atelier.quietly("job", "download", "-n", job, "-p", ".demo/download")
    file = next((HOME / "download").rglob("held_out.csv"), None)
    if file is None:
        raise DemoError("The job left no outputs/held_out.csv.")
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))[:PATIENTS]
    names = [name for name in rows[0] if name not in ("patient", "truth", "predicted")]
    data = [[float(row[name]) for name in names] for row in rows]
    return {"columns": names, "data": data}, [float(row["truth"]) for row in rows]


def curl(teller: Teller, atelier: Atelier, address: str, request: Path) -> list[float]:
    """Score with nothing but HTTP and the key."""
    keys = atelier.json("online-endpoint", "get-credentials", "-n", "diabetes")
    words = ["curl", "--silent", "--show-error", "--fail-with-body", address]
    words += ["--header", "Authorization: Bearer $KEY", "--header", "Content-Type: application/json"]
    words += ["--data", f"@{request.relative_to(ROOT)}"]
    teller.command(words)
    if shutil.which("curl"):
        typed = [word.replace("$KEY", keys["primary_key"]) for word in words]
        done = subprocess.run(typed, capture_output=True, text=True, cwd=ROOT, check=False)
        if done.returncode != 0:
            raise DemoError(f"curl ended with {done.returncode}: {done.stdout}{done.stderr}")
        answer = done.stdout
    else:
        asked = urllib.request.Request(address, data=request.read_bytes(), method="POST")
        asked.add_header("Authorization", f"Bearer {keys['primary_key']}")
        asked.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(asked, timeout=60) as response:
            answer = response.read().decode()
    teller.say(answer)
    return json.loads(answer)


def load_locally(teller: Teller, atelier: Atelier, job: str, request: Path) -> list[float]:
    """Download the model and let scikit-learn alone predict, in the very environment of the job."""
    words = ["model", "download", "-n", "diabetes", "--version", "1", "-p", ".demo/model"]
    teller.command(["atelier", *words])
    atelier.quietly(*words)
    digest = atelier.json("job", "show", "-n", job, shown=False)["environment_info"]["hash"]
    interpreter = next((HOME / "data" / "environments" / digest).rglob("bin/python"))
    done = subprocess.run(
        [interpreter, ROOT / STUDY / "predict_locally.py", HOME / "model", request],
        capture_output=True,
        text=True,
        check=False,
        env={key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")},
    )
    if done.returncode != 0:
        raise DemoError(f"The model could not be loaded locally:\n{done.stderr}")
    return json.loads(done.stdout)


def check(expected: list[float], *others: list[float]) -> None:
    """See that all predictions are the same numbers."""
    for other in others:
        if other != expected:
            raise DemoError(f"Predictions differ: {expected} and {other}")


class Ending:
    """What the summary tells."""

    def __init__(self, best: dict, version: dict, endpoint: dict, predicted: list, truth: list) -> None:
        self.best, self.version, self.endpoint = best, version, endpoint
        self.predicted, self.truth = predicted, truth


def summary(teller: Teller, atelier: Atelier, ending: Ending) -> None:
    """Say what was made and how to look at it."""
    link = atelier.json("sign-in-link", shown=False)
    port = atelier.url.rsplit(":", 1)[1]
    print(f"\nDone in {time.monotonic() - teller.begin:.0f} seconds.\n")
    print(f"  best run        {ending.best['id']}: {describe(ending.best)}")
    print(f"  model           {ending.version['name']}, version {ending.version['version']}")
    print(f"  endpoint        {ending.endpoint['scoring_uri']}")
    print("  prediction      " + "  ".join(f"{value:6.1f}" for value in ending.predicted))
    print("  truth           " + "  ".join(f"{value:6.1f}" for value in ending.truth))
    print("  equality        endpoint, invoke, script-less deployment and local model: equal\n")
    print("To see it all in the Studio, start the server again; the link signs in once, within an hour:\n")
    print(f"  bin/atelier up --data-dir .demo/data --port {port}")
    print(f"  {link['url']}\n")
    print("For another link, while that server runs:\n")
    print(f"  XDG_CONFIG_HOME=.demo/config bin/atelier sign-in-link --server {atelier.url}")


if __name__ == "__main__":
    sys.exit(main())
