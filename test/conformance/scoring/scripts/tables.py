"""Declares its input by inference-schema, as a table and as an array."""

import numpy
import pandas
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    """Need nothing."""


@input_schema("table", PandasParameterType(pandas.DataFrame({"a": [1, 2], "b": [0.5, 1.5]})))
@input_schema("weights", NumpyParameterType(numpy.array([[1.0, 2.0]])))
@output_schema(NumpyParameterType(numpy.array([1.0])))
def run(table, weights):
    """Weigh the columns."""
    return (table["a"] * weights[0][0] + table["b"] * weights[0][1]).tolist()
