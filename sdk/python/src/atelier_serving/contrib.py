"""What scripts import as azureml.contrib.services: rawhttp, AMLRequest, AMLResponse."""

from atelier_serving.request import AMLRequest
from atelier_serving.response import AMLResponse

__all__ = ["AMLRequest", "AMLResponse", "raw_functions", "rawhttp"]

#: The functions that were decorated with @rawhttp.
raw_functions = []


def rawhttp(function):
    """Ask for the whole request instead of its body."""
    raw_functions.append(function)
    return function
