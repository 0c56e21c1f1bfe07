import json

import pytest

from atelier import NotFoundError, UnauthenticatedError, Workspace
from atelier._config import credentials_file


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch, tmp_path):
    for name in ("ATELIER_SERVER", "ATELIER_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ATELIER_TOKEN", "t")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.mark.parametrize("place", ["config.json", ".azureml/config.json"])
def test_the_config_is_found_upwards(tmp_path, monkeypatch, place):
    file = tmp_path / place
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"workspace_name": "team", "subscription_id": "0", "resource_group": "g"}))
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "config.json").write_text('{"some": "other program"}')
    monkeypatch.chdir(deep)
    ws = Workspace.from_config()
    assert (ws.name, ws.server) == ("team", "http://127.0.0.1:8700")


def test_the_environment_wins_over_a_config_that_was_not_named(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text('{"workspace_name": "team", "server": "http://file:1"}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATELIER_SERVER", "http://environment:2/")
    assert Workspace.from_config().server == "http://environment:2"
    assert Workspace.from_config(tmp_path / "config.json").server == "http://file:1"


def test_no_config_says_what_to_write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFoundError, match=r"no config\.json") as caught:
        Workspace.from_config()
    assert "workspace_name" in caught.value.hint


def test_the_token_comes_from_the_credentials_file(monkeypatch):
    monkeypatch.delenv("ATELIER_TOKEN")
    path = credentials_file()
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"http://127.0.0.1:9": "secret"}))
    ws = Workspace(server="http://localhost:9/")
    assert ws.mlflow_env()["MLFLOW_TRACKING_TOKEN"] == "secret"
    assert "secret" not in repr(ws)
    with pytest.raises(UnauthenticatedError, match="no token for http://elsewhere"):
        Workspace(server="http://elsewhere")


def test_a_file_that_was_only_found_does_not_get_the_token_of_the_environment(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text('{"workspace_name": "team", "server": "http://file:1"}')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnauthenticatedError, match="no token for http://file:1"):
        Workspace.from_config()
    assert Workspace.from_config(tmp_path / "config.json").mlflow_env()["MLFLOW_TRACKING_TOKEN"] == "t"
