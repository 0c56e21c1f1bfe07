"""Downloads from a server that lies. It speaks real HTTP: only its answers are made up."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from atelier import InternalError, Workspace


@pytest.fixture
def liar():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            at = urlsplit(self.path)
            key = at.path.removeprefix("/api/v1/workspaces/default/")
            if query := parse_qs(at.query).get("path"):
                key += "?" + query[0]
            body = self.server.answers[key]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def ws(liar):
    with Workspace(server=f"http://127.0.0.1:{liar.server_port}", token="t") as workspace:
        yield workspace


EVIL = ["../out.txt", "/tmp/out.txt", "a/../../out.txt", "a\\..\\..\\out.txt", "", "."]


@pytest.mark.parametrize("path", EVIL)
def test_an_artifact_cannot_leave_the_folder(ws, liar, tmp_path, path):
    liar.answers = {
        "runs/r/artifacts": {"items": [{"path": path, "is_dir": False, "size": 1}]},
        "runs/r/artifacts/content?" + path: b"evil",
    }
    with pytest.raises(InternalError):
        ws.runs.download("r", download_path=tmp_path / "target")
    assert list(tmp_path.rglob("*out.txt")) == []


def test_a_link_in_the_folder_is_not_followed_out_of_it(ws, liar, tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (target / "a").symlink_to(tmp_path / "elsewhere")
    liar.answers = {
        "runs/r/artifacts": {"items": [{"path": "a/x", "is_dir": False}]},
        "runs/r/artifacts/content?a/x": b"evil",
    }
    with pytest.raises(InternalError, match="link"):
        ws.runs.download("r", download_path=target)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_tree_with_one_bad_path_writes_nothing(ws, liar, tmp_path):
    good = hashlib.sha256(b"good").hexdigest()
    liar.answers = {
        "models/m/versions/latest": {"name": "m", "version": "1", "tree": "t"},
        "trees/t": {"files": [{"path": "ok", "sha256": good}, {"path": "../bad", "sha256": good}]},
        f"blobs/{good}": b"good",
    }
    with pytest.raises(InternalError):
        ws.models.download("m", download_path=tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_content_that_is_not_what_was_stored_is_not_kept(ws, liar, tmp_path):
    liar.answers = {
        "models/m/versions/latest": {"name": "m", "version": "1", "tree": "t"},
        "trees/t": {"files": [{"path": "ok", "sha256": "0" * 64}]},
        "blobs/" + "0" * 64: b"something else",
    }
    with pytest.raises(InternalError, match="not what was stored"):
        ws.models.download("m", download_path=tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_folders_that_never_end(ws, liar, tmp_path):
    liar.answers = {
        "runs/r/artifacts": {"items": [{"path": "a", "is_dir": True}]},
        "runs/r/artifacts?a": {"items": [{"path": "a", "is_dir": True}]},
    }
    with pytest.raises(InternalError, match="never end"):
        ws.runs.download("r", download_path=tmp_path)
