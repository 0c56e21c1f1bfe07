"""Serves an MLflow model without a script.

/score takes Azure Machine Learning's {"input_data": ...} and answers with the
bare predictions; /invocations takes MLflow's own forms and answers with
{"predictions": ...}. Either takes all forms of input. /v2 speaks the Open Inference
Protocol.
"""

import base64
import datetime
import io
import json
import math
import os

from atelier_serving import collector, inference
from atelier_serving.inputs import BadInput, UnsupportedInput, UnsupportedMethod
from atelier_serving.script import SCHEMA_VERSIONS, ScriptError

_PARQUET = "application/vnd.apache.parquet"
_FORMS = ("input_data", "dataframe_split", "dataframe_records", "inputs", "instances")


def find(model_dir):
    """Return the folder with the file MLmodel in or just below model_dir, or None."""
    for folder in [model_dir] + [entry.path for entry in os.scandir(model_dir) if entry.is_dir()]:
        if os.path.isfile(os.path.join(folder, "MLmodel")):
            return folder
    return None


class MLflowModel:
    """A model with the shape of script.Script."""

    entry = "MLmodel"

    def __init__(self, folder):
        self._folder = folder

    def load(self):
        try:
            from mlflow import __version__, pyfunc
        except Exception as fault:
            message = "The package mlflow cannot be imported: %s: %s. Add it to the environment." % (
                type(fault).__name__,
                fault,
            )
            raise ScriptError("UserScriptImportError", message) from fault
        self._pyfunc = pyfunc
        self.pages = {"/ping": "\n", "/health": "\n", "/version": __version__}

    def init(self):
        try:
            self._model = self._pyfunc.load_model(self._folder)
            metadata = self._model.metadata
            self._schema = metadata.get_input_schema() if metadata is not None else None
            self._outputs = metadata.get_output_schema() if metadata is not None else None
            self.model = dict(
                inference.model_of(os.environ),
                platform="mlflow",
                inputs=_described(self._schema),
                outputs=_described(self._outputs),
            )
        except BaseException as fault:
            message = "Loading the MLflow model failed: %s: %s" % (
                type(fault).__name__,
                fault,
            )
            raise ScriptError("UserScriptInitFailed", message) from fault

    def arguments(self, request):
        if request.method != "POST":
            raise UnsupportedMethod(request.method)
        answer = _wrapped if request.path == "/invocations" else plain
        try:
            if inference.asks(request.path):
                question = inference.Question(request, self.model)
                data, params, answer = self._tensors(question.inputs), None, self._answering(question)
            else:
                data, params = self._parse(request)
        except (BadInput, UnsupportedInput):
            raise
        except Exception as fault:
            raise BadInput("The input does not fit the model: %s" % fault) from fault
        return {"data": data, "params": params, "answer": answer, "context": collector.observing()}

    def run(self, arguments):
        from mlflow.exceptions import MlflowException

        params = {"params": arguments["params"]} if arguments["params"] else {}
        try:
            collector.observe("model_inputs", arguments["data"], arguments.get("context"))
            predictions = self._model.predict(arguments["data"], **params)
            collector.observe("model_outputs", predictions, arguments.get("context"))
        except MlflowException as fault:
            if fault.error_code in ("BAD_REQUEST", "INVALID_PARAMETER_VALUE"):
                raise BadInput(str(fault)) from fault
            raise
        return arguments["answer"](predictions)

    def allow_batches(self):
        """Whoever asks for batches vouches that predict() takes each row for itself."""

    def group(self, arguments):
        """Rows go together where their columns have the same names and types, so that each
        stays what it is by itself."""
        data = arguments["data"]
        if arguments["params"]:
            return None
        if hasattr(data, "dtypes") and hasattr(data, "columns"):
            return tuple(zip(data.columns, data.dtypes)) if isinstance(data.index, _ranges()) else None
        if hasattr(data, "dtype") and getattr(data, "ndim", 0) > 0:
            return data.dtype, data.shape[1:]
        return None

    def run_together(self, many):
        """Predict the rows of several requests at once, and give each its own."""
        sizes = [len(one["data"]) for one in many]
        outputs = self._model.predict(_joined([one["data"] for one in many]))
        if len(outputs) != sum(sizes) or isinstance(outputs, dict):
            raise ValueError("the model was given %d rows and returned %d" % (sum(sizes), len(outputs)))
        outputs, answers, at = getattr(outputs, "iloc", outputs), [], 0
        for one, size in zip(many, sizes):
            collector.observe("model_inputs", one["data"], one.get("context"))
            collector.observe("model_outputs", outputs[at : at + size], one.get("context"))
            answers.append(one["answer"](outputs[at : at + size]))
            at += size
        return answers

    def schemas(self):
        return None

    def schema_versions(self):
        return SCHEMA_VERSIONS

    def _tensors(self, inputs):
        """Return tensors as the model takes them: as its own schema says, or else as they are."""
        import pandas

        schema, only = self._schema, next(iter(inputs.values())) if len(inputs) == 1 else None
        if schema is not None and schema.is_tensor_spec():
            return inputs if schema.has_input_names() or only is None else only
        names = schema.input_names() if schema is not None and schema.has_input_names() else None
        if only is not None and (names is None or only.ndim > 1) and (names is None or list(inputs) != names):
            return only if names is None else pandas.DataFrame(only, columns=names)
        if any(array.ndim > 2 or (array.ndim == 2 and array.shape[1] != 1) for array in inputs.values()):
            raise BadInput("The model takes columns: each input has a shape of [rows] or [rows, 1].")
        return pandas.DataFrame({name: array.reshape(-1) for name, array in inputs.items()})

    def _answering(self, question):
        names = self._outputs.input_names() if self._outputs is not None else []
        name = names[0] if len(names) == 1 and isinstance(names[0], str) else "predict"
        return lambda predictions: question.answer(inference.arrays(predictions, name))

    def _parse(self, request):
        parameters = request.mimetype_params
        if parameters.pop("charset", "utf-8").lower() != "utf-8":
            raise UnsupportedInput("The scoring server only supports UTF-8")
        if parameters and request.path == "/invocations":
            raise UnsupportedInput("Unrecognized content type parameters: %s." % ", ".join(parameters))
        if request.mimetype == _PARQUET:
            import pandas

            return pandas.read_parquet(io.BytesIO(request.body)), None
        if request.mimetype == "text/csv":
            import pandas

            types = None
            if self._schema is not None and self._schema.has_input_names():
                types = dict(zip(self._schema.input_names(), self._schema.pandas_types()))
            return pandas.read_csv(io.BytesIO(request.body), dtype=types), None
        if request.content_type and not request.is_json:
            raise UnsupportedInput("Expects Content-Type to be application/json, text/csv or %s" % _PARQUET)
        try:
            body = json.loads(request.body)
        except ValueError as fault:
            raise BadInput("POST body could not be decoded as JSON: %s" % fault) from None
        given = [form for form in _FORMS if isinstance(body, dict) and form in body]
        if len(given) != 1:
            raise BadInput("POST body should be a JSON dictionary with one of: %s." % ", ".join(_FORMS))
        return self._convert(given[0], body[given[0]]), body.get("params")

    def _convert(self, form, value):
        if form == "input_data":
            form, value = _azure_form(value)
        from mlflow.utils import proto_json_utils

        if form == "dataframe_split":
            return proto_json_utils.dataframe_from_parsed_json(value, "split", self._schema)
        if form == "dataframe_records":
            return proto_json_utils.dataframe_from_parsed_json(value, "records", self._schema)
        parsed = proto_json_utils.parse_tf_serving_input({form: value}, self._schema)
        return parsed[0] if isinstance(parsed, tuple) else parsed


def _wrapped(predictions):
    return {"predictions": plain(predictions)}


#: What MLflow calls the types of columns, in the words of the Open Inference Protocol.
_DATATYPES = {"boolean": "BOOL", "integer": "INT32", "long": "INT64", "float": "FP32", "double": "FP64"}


def _described(schema):
    """Return a schema's tensors or columns as the Open Inference Protocol describes them."""
    found = []
    for one in schema.inputs if schema is not None else []:
        kind = getattr(one.type, "name", "BYTES")
        shape = [int(size) for size in getattr(one, "shape", (-1,))]
        datatype = _DATATYPES.get(kind) or inference.datatype(one.type)
        found.append({"name": str(one.name or ""), "datatype": datatype, "shape": shape})
    return found


def _ranges():
    from pandas import RangeIndex

    return RangeIndex


def _joined(many):
    if hasattr(many[0], "columns"):
        import pandas

        return pandas.concat(many, ignore_index=True)
    import numpy

    return numpy.concatenate(many)


def _azure_form(value):
    """Return MLflow's name for the form in which input_data was given."""
    if isinstance(value, dict) and "data" in value and set(value) <= {"columns", "index", "data"}:
        split = {"data": value["data"]}
        if "columns" in value:
            split["columns"] = value["columns"]
        if len(value.get("index") or ()) == len(value["data"]):
            split["index"] = value["index"]
        return "dataframe_split", split
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "dataframe_records", value
    return "inputs", value


def plain(value):
    """Return predictions as plain data; what JSON has no number for becomes null."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return _foreign(value)


def _foreign(value):
    """Plain data of pandas, NumPy and sparse values, known by what they can do."""
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return [plain(row) for row in value.to_dict(orient="records")]
    if hasattr(value, "toarray"):
        value = value.toarray()
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if hasattr(value, "item"):
        return plain(value.item())
    if value != value:  # pandas.NaT
        return None
    return str(value)
