"""Takes its body as text, and does what it is told."""

import builtins
import datetime
import json
import os
import sys
import time


def init():
    """Make what run() needs."""
    global factor
    factor = 2
    print("ready")


class _StrangeError(Exception):
    def __str__(self):
        raise RuntimeError("even its text fails")


def run(raw_data):
    """Answer what the body asks for."""
    try:
        asked = json.loads(raw_data)
    except ValueError:
        return {"text": raw_data, "length": len(raw_data)}
    if not isinstance(asked, dict) or "do" not in asked:
        return asked
    return globals()["_" + asked["do"]](asked)


def _scale(asked):
    return [factor * value for value in asked["data"]]


def _none(_asked):
    return None


def _raise(asked):
    raise getattr(builtins, asked["kind"])("on purpose")


def _strange(_asked):
    raise _StrangeError


def _recurse(asked):
    return _recurse(asked)


def _object(_asked):
    return object()


def _bytes(_asked):
    return b"bytes"


def _set(_asked):
    return {1, 2}


def _date(_asked):
    return datetime.date(2020, 1, 1)


def _nan(_asked):
    return [float("nan"), float("inf"), -float("inf")]


def _big(_asked):
    return [2**200, 1e308, 1e-320, -0.0, 0.1]


def _keys(_asked):
    return {7: "seven", None: "none", True: "true", 1.5: "float"}


def _tuple_key(_asked):
    return {(1, 2): 3}


def _cycle(_asked):
    made = []
    made.append(made)
    return made


def _surrogate(_asked):
    return "\ud800"


def _text(_asked):
    return "plain text é 中 \U0001f600 \x00 </script>"


def _long(asked):
    return "x" * asked["size"]


def _print(asked):
    print("é" * 100000)
    print("to standard error", file=sys.stderr)
    return len(asked)


def _generator(_asked):
    return (value for value in range(3))


def _where(_asked):
    root = os.environ["AML_APP_ROOT"]
    here = os.path.dirname(__file__)
    return [os.path.basename(__file__), __name__, os.path.samefile(root, here), root in sys.path]


def _sleep(asked):
    time.sleep(asked["for"])
    return "slept"


def _catch(asked):
    try:
        time.sleep(asked["for"])
    except ValueError:
        return "caught"
    return "slept"
