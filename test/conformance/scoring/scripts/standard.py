"""Declares its input by inference-schema, in plain Python types."""

from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    """Need nothing."""


@input_schema("data", StandardPythonParameterType([1, 2, 3]))
@input_schema("scale", StandardPythonParameterType(1.5))
@output_schema(StandardPythonParameterType([1.5]))
def run(data, scale=10):
    """Multiply."""
    return [value * scale for value in data]
