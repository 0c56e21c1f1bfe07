"""A real server for all Python tests: the `atelier` binary, in a folder of its own, on a free port."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).parent


class Server:
    """A running server, with the address and the token that its first start made."""

    def __init__(self, binary: Path, folder: Path, *options: str) -> None:
        self.binary = binary
        self._options = options
        self.data = folder / "data"
        self.config = folder / "config"
        self.log = folder / "server.log"
        self.environ = {**os.environ, "XDG_CONFIG_HOME": str(self.config), "HOME": str(folder)}
        self.url, self.token = self._start(port="0")

    def _start(self, port: str) -> tuple[str, str]:
        tokens = self.config / "atelier" / "credentials.json"
        command = [str(self.binary), "up", "--port", port, "--data-dir", str(self.data), *self._options]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=self.environ, stdout=log, stderr=subprocess.STDOUT, cwd=self.data.parent
            )
        self.until(lambda: self._ended() or ((self.data / "server.json").exists() and tokens.exists()))
        assert not self._ended(), f"the server did not start:\n{self.log.read_text()}"
        url = json.loads((self.data / "server.json").read_text())["url"]
        return url, json.loads(tokens.read_text())[url]

    def _ended(self) -> bool:
        return self._process.poll() is not None

    def until(self, done: Callable[[], bool]) -> None:
        """Wait for something that another process does."""
        deadline = time.monotonic() + 60
        while not done():
            assert time.monotonic() < deadline, f"it did not happen within a minute:\n{self.log.read_text()}"
            time.sleep(0.02)

    def kill(self) -> None:
        """End the server as a power cut of its process would."""
        self._process.kill()
        self._process.wait()
        (self.data / "server.json").unlink(missing_ok=True)

    def restart(self) -> None:
        """Start the killed server again, where it was."""
        self._start(port=self.url.rpartition(":")[2])

    def stop(self) -> None:
        """End the server as Ctrl-C does, and see that it ends well."""
        self._process.send_signal(signal.SIGINT)
        status = self._process.wait(timeout=30)
        for runner in self._runners():  # they wait for their server, which will not come back
            os.kill(runner, signal.SIGKILL)
        assert status == 0, self.log.read_text()

    def _runners(self) -> list[int]:
        command = ["ps", "-axww", "-o", "pid=,args="]
        listing = subprocess.run(command, capture_output=True, text=True, check=True)
        rows = [line.strip().split(None, 1) for line in listing.stdout.splitlines()]
        mine = f" runner --dir {self.data}{os.sep}"
        return [int(row[0]) for row in rows if len(row) == 2 and mine in row[1]]


@pytest.fixture(scope="session")
def binary() -> Path:
    """The program under test."""
    path = Path(os.environ.get("ATELIER_BIN", _REPOSITORY / "bin" / "atelier"))
    if not path.exists():
        pytest.fail(f"There is no {path}. Build it with `make build`, or name one in ATELIER_BIN.")
    return path


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Finds ports for servers that cannot look for one themselves.

    They lie below those that connections get, because such a server takes its port
    seconds later, and none comes twice.
    """
    ports = iter(range(20_000 + os.getpid() % 10_000, 32_000))

    def find() -> int:
        for port in ports:
            with socket.socket() as probe:
                try:
                    probe.bind(("", port))
                except OSError:
                    continue
                return port
        raise AssertionError("no port is free")

    return find


@pytest.fixture(scope="session")
def server_options() -> list[str]:
    """How the server is started, besides on a folder of its own."""
    return []


@pytest.fixture(scope="session")
def server(
    binary: Path, server_options: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server that runs while the tests do."""
    started = Server(binary, tmp_path_factory.mktemp("server"), *server_options)
    yield started
    started.stop()


@pytest.fixture
def own_server(binary: Path, tmp_path: Path) -> Iterator[Server]:
    """A server of one test's own, to be killed."""
    started = Server(binary, tmp_path)
    yield started
    started.stop()
