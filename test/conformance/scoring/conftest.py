"""The same scoring scripts twice: under the official server, and under ours behind the router."""

import http.client
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

HERE = Path(__file__).parent
# A deployment on the system's own Python finds the packages of this one.
os.environ["PATH"] = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]


@dataclass
class Script:
    """A scoring script, with the settings that it is served with."""

    entry: str
    folder: str = "scripts"
    variables: dict[str, str] = field(default_factory=dict)


SCRIPTS = {
    "plain": Script("plain.py"),
    "hurried": Script("plain.py", variables={"SCORING_TIMEOUT_MS": "200"}),
    "open": Script("plain.py", variables={"AML_CORS_ORIGINS": "https://a.example, https://b.example"}),
    "anyone": Script("plain.py", variables={"AML_CORS_ORIGINS": "*"}),
    "named": Script(
        "plain.py",
        variables={"SERVICE_NAME": "say", "SERVICE_VERSION": "3.7", "SERVICE_PATH_PREFIX": "/pre/fix/"},
    ),
    "raw": Script("raw.py"),
    "flask": Script("raw_new.py"),
    "standard": Script("standard.py"),
    "tables": Script("tables.py"),
    "nested": Script("nested.py"),
    "headers": Script("headers.py"),
    "driver": Script("driver.py"),
    "own": Script("score.py", folder="own"),
}


@dataclass
class Answer:
    """What a server answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Place:
    """An address at which a script is served."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._url, self._headers = urlsplit(url), headers

    def ask(self, method, target, body, headers) -> Answer:
        """Send one request as it is given: nothing is added that a client would add."""
        connection = http.client.HTTPConnection(self._url.netloc, timeout=60)
        try:
            connection.putrequest(method, self._url.path + target, skip_accept_encoding=True)
            for name, value in [*self._headers.items(), *headers]:
                connection.putheader(name, value)
            if isinstance(body, bytes):
                connection.putheader("Content-Length", str(len(body)))
                connection.endheaders(body)
            elif body is None:
                connection.endheaders()
            else:
                connection.putheader("Transfer-Encoding", "chunked")
                connection.endheaders(iter(body), encode_chunked=True)
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()


class Official:
    """The official server with one script."""

    def __init__(self, folder: Path, name: str, script: Script, port: int) -> None:
        self.log = folder / f"{name}.log"
        self.process = official(HERE / script.folder, script.entry, self.log, named(name, script), port)
        self.place = Place(f"http://127.0.0.1:{port}", {})

    def ready(self) -> None:
        """Wait until it answers."""
        end = time.monotonic() + 120
        while True:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            try:
                self.place.ask("GET", "/", None, [])
            except OSError:
                time.sleep(0.05)
            else:
                return


def named(name: str, script: Script) -> dict[str, str]:
    """What a script is told by its environment, under either server."""
    return {"SERVICE_NAME": name, **script.variables}


def official(code: Path, entry: str, log: Path, variables: dict[str, str], port: int) -> subprocess.Popen:
    """Start the official server as its users do."""
    command = [sys.executable, "-m", "azureml_inference_server_http.amlserver"]
    command += ["--entry_script", str(code / entry), "--port", str(port)]
    with log.open("wb") as out:
        return subprocess.Popen(
            command, stdout=out, stderr=out, cwd=code, env={"PATH": os.environ["PATH"], **variables}
        )


def deploy(server, folder: Path, name: str, script: Script) -> Place:
    """Put a script behind an endpoint of its own, with the command line."""

    def run(*arguments: str) -> str:
        command = [str(server.binary), *arguments, "--server", server.url]
        done = subprocess.run(command, env=server.environ, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    deployment = {
        "name": "blue",
        "endpoint_name": name,
        "code_configuration": {"code": str(HERE / script.folder), "scoring_script": script.entry},
        "environment": "system",
        "environment_variables": script.variables,
        "request_settings": {"request_timeout_ms": 60_000},
    }
    file = folder / f"{name}.yml"
    file.write_text(json.dumps(deployment))
    run("online-endpoint", "create", "-n", name)
    run("online-deployment", "create", "-f", str(file), "--all-traffic")
    shown = json.loads(run("online-endpoint", "show", name, "-o", "json"))
    key = json.loads(run("online-endpoint", "get-credentials", name, "-o", "json"))["primary_key"]
    return Place(shown["scoring_uri"].removesuffix("/score"), {"Authorization": f"Bearer {key}"})


@pytest.fixture(scope="session")
def places(server, free_port, tmp_path_factory):
    """By script, the address at the official server and the one at ours."""
    folder = tmp_path_factory.mktemp("scoring")
    theirs = {name: Official(folder, name, script, free_port()) for name, script in SCRIPTS.items()}
    try:
        with ThreadPoolExecutor(4) as pool:
            ours = pool.map(lambda item: deploy(server, folder, *item), SCRIPTS.items())
            found = {name: (theirs[name], place) for name, place in zip(SCRIPTS, ours, strict=True)}
        for one in theirs.values():
            one.ready()
        yield {name: (one.place, place) for name, (one, place) in found.items()}
    finally:
        for one in theirs.values():
            one.process.terminate()
        for one in theirs.values():
            one.process.wait(30)
