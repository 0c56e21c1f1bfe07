import subprocess
import sys

import atelier


def test_every_public_name_is_exported_and_documented():
    public = {name for name in vars(atelier) if not name.startswith("_")}
    assert public == set(atelier.__all__)
    assert [name for name in atelier.__all__ if not getattr(atelier, name).__doc__] == []


def test_importing_opens_no_connection():
    script = (
        "import socket\n"
        "def refuse(*_, **__): raise AssertionError('a connection was opened')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from atelier import Workspace\n"
        "Workspace(server='http://atelier.example', token='t')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
