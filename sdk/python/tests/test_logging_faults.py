"""What a run logs while processes are killed, the network breaks and the disk fills: all of it, once."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from atelier import Workspace

LOG = """
import os, resource, sys
import atelier
from atelier import ExhaustedError, Workspace

server, token, journals, steps, room = sys.argv[1:6]
patient, hasty = "patient" in sys.argv, "hasty" in sys.argv
ws = Workspace(server=server, token=token)
run = ws.start_run(experiment="faults", journal_dir=journals)
print(run.id, flush=True)
run.log_param("alpha", 1)
if int(room):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(room), resource.RLIM_INFINITY))
for step in range(int(steps)):
    try:
        run.log_metric("loss", 1 / (step + 1), step)
    except ExhaustedError:
        break
    print(step, flush=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
while patient and not run.flush(timeout=60):
    pass
run.finish(timeout=0 if hasty else 60)
"""


class Script:
    """A process that logs, and prints the step of every call that returned."""

    def __init__(self, folder: Path, server: str, token: str, *, steps: int, room: int = 0, manner: str = ""):
        script = folder / "log.py"
        script.write_text(LOG)
        self.journals = folder / "journals"
        arguments = [server, token, str(self.journals), str(steps), str(room), manner]
        self.process = subprocess.Popen(
            [sys.executable, script, *arguments], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.run = self.process.stdout.readline().strip()
        assert self.run

    def until(self, step: int) -> None:
        """Read until the call of step has returned."""
        assert self.process.stdout
        for line in self.process.stdout:
            if int(line) >= step:
                return
        raise AssertionError("the script ended early")

    def kill(self) -> int:
        """Kill the process and return how many calls returned, as far as it could say."""
        self.process.send_signal(signal.SIGKILL)
        return self.rest()

    def rest(self) -> int:
        """Return how many calls had returned when the process ended, which read nothing itself before."""
        out, _ = self.process.communicate()
        lines = [line for line in out.splitlines() if line]
        return int(lines[-1]) + 1 if lines else 0


class Cutter:
    """A way to a server that breaks: each connection after another number of bytes, for some time."""

    def __init__(self, server: str, budgets: list[int]) -> None:
        host, _, port = server.removeprefix("http://").partition(":")
        self._target = (host, int(port))
        self._budgets = budgets
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            budget = [self._budgets.pop(0) if self._budgets else sys.maxsize]
            server = socket.create_connection(self._target)
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pass, args=(source, sink, budget), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, budget: list[int]) -> None:
        """Pass bytes on, to the very byte with which the budget of both directions is used up."""
        try:
            while data := source.recv(65536):
                part = data[: max(budget[0], 0)]
                budget[0] -= len(data)
                sink.sendall(part)
                if budget[0] <= 0:
                    self.cuts += 1
                    break
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


def sync(server, folder):
    command = [str(server.binary), "sync", str(folder), "--server", server.url, "-o", "json"]
    done = subprocess.run(command, env=server.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def steps_of(server, run):
    """Return the steps that the server has, after seeing that each value is its step's."""
    with Workspace(server=server.url, token=server.token) as ws:
        series = ws.runs.metrics(run, "loss", max_points=50_000)
        assert ws.runs.get(run).params == {"alpha": "1"}
    assert len(series.points) == series.count
    assert all(point.value == 1 / (point.step + 1) for point in series.points)
    return [point.step for point in series.points]


@pytest.mark.parametrize("step", [0, 1, 40, 700, 3000])
def test_the_script_is_killed(server, tmp_path, step):
    script = Script(tmp_path, server.url, server.token, steps=1_000_000)
    script.until(step)
    returned = max(script.kill(), step + 1)
    (result,) = sync(server, script.journals)
    assert result["killed"]
    steps = steps_of(server, script.run)
    assert steps == list(range(len(steps)))
    assert len(steps) in (returned, returned + 1)  # it may have been killed between a call and its print
    with Workspace(server=server.url, token=server.token) as ws:
        assert ws.runs.get(script.run).status == "KILLED"
    (again,) = sync(server, script.journals)
    assert (again["sent"]["points"], again["killed"]) == (0, False)


def test_the_sync_is_killed(server, tmp_path):
    script = Script(tmp_path, "http://127.0.0.1:9", "t", steps=12_000, manner="hasty")
    assert script.rest() == 12_000
    command = [str(server.binary), "sync", str(script.journals), "--server", server.url]
    noted = script.journals / script.run / "shipped"
    before = noted.read_text() if noted.exists() else ""
    for _ in range(4):  # each time after some more was acknowledged
        process = subprocess.Popen(command, env=server.environ, stdout=subprocess.DEVNULL)
        while process.poll() is None and (noted.read_text() if noted.exists() else "") == before:
            pass
        process.kill()
        process.wait()
        before = noted.read_text()
    sync(server, script.journals)
    assert steps_of(server, script.run) == list(range(12_000))


def test_the_server_is_killed(own_server, tmp_path):
    own = own_server
    script = Script(tmp_path, own.url, own.token, steps=30_000)
    for step in (10, 4_000, 9_000, 15_000):
        script.until(step)
        own.kill()
        script.until(step + 2_000)
        own.restart()
    assert script.rest() == 30_000
    for result in sync(own, script.journals):
        assert result["state"] == "shipped"
    assert steps_of(own, script.run) == list(range(30_000))
    with Workspace(server=own.url, token=own.token) as ws:
        assert ws.runs.get(script.run).status == "FINISHED"


def test_the_network_breaks(server, tmp_path):
    chance = random.Random(7)
    budgets = [chance.choice((0, 1, 90, 300, 700, 1500, 20_000, 90_000)) for _ in range(16)]
    way = Cutter(server.url, budgets)
    script = Script(tmp_path, way.url, server.token, steps=20_000, manner="patient")
    assert script.rest() == 20_000
    way.close()
    assert way.cuts >= 16  # of both directions
    assert not os.listdir(script.journals)
    assert steps_of(server, script.run) == list(range(20_000))


@pytest.mark.parametrize("room", [1_000, 30_000])
def test_the_disk_is_full(server, tmp_path, room):
    script = Script(tmp_path, server.url, server.token, steps=1_000_000, room=room)
    returned = script.rest()
    assert script.process.returncode == 0
    assert steps_of(server, script.run) == list(range(returned))
    assert returned > 0
    assert not os.listdir(script.journals)  # all of it arrived
