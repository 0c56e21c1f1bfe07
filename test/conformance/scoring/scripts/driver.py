"""A generated script that calls another, as Azure's own SDK makes them."""

import importlib.util
import os

_place = os.path.join(os.path.dirname(os.path.abspath(__file__)), "driven.py")
_spec = importlib.util.spec_from_file_location("driven", _place)
driver_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(driver_module)


def init():
    """Start the real one."""
    driver_module.init("by the driver")


def run(data):
    """Never be called: the server calls the real one."""
    return "the driver's own run"
