"""The script that driver.py stands before."""

import json


def init(how="by itself"):
    """Note who started it."""
    global started
    started = how


def run(text):
    """Answer with who started it."""
    return {"started": started, "sum": sum(json.loads(text))}
