"""Declares nested input by inference-schema, with the headers beside it."""

from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema


def init():
    """Need nothing."""


@input_schema("Inputs", StandardPythonParameterType({"name": "a", "parts": [{"size": 1}]}))
@input_schema("GlobalParameters", StandardPythonParameterType(1.0))
def run(Inputs, GlobalParameters, request_headers=None):  # noqa: N803
    """Count the parts."""
    return {"parts": len(Inputs["parts"]), "global": GlobalParameters, "mine": request_headers.get("X-Mine")}
