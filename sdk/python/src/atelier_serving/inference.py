"""The Open Inference Protocol (version 2 over HTTP): tensors with a name, a shape and a type.

A tensor's numbers are in the request's JSON, or behind it as bytes: the header
Inference-Header-Content-Length then says where the JSON ends. What a request says of
its tensors is checked against what it brings before any memory is asked for.
"""

import json
import re

from atelier_serving.inputs import BadInput
from atelier_serving.response import AMLResponse

_LENGTH = "Inference-Header-Content-Length"
_MAX_DIMENSIONS = 32
_MAX_TENSORS = 1000
#: The protocol's names of types, and NumPy's. BYTES is text, or bytes where that is none.
_TYPES = {
    "BOOL": "?",
    "UINT8": "<u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "<i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
_NAMES = {"b1": "BOOL"}
_NAMES.update((numpy_name[1:], name) for name, numpy_name in _TYPES.items() if name != "BOOL")
_MODEL = re.compile(r"/v2/models/(?P<name>[^/]+)(/versions/(?P<version>[^/]+))?(?P<rest>/ready|/infer)?")

#: What of the protocol this server speaks beside its core.
EXTENSIONS = ["binary_tensor_data"]


def model_of(variables):
    """Return what is known of the model by where its files are: azureml-models/NAME/VERSION."""
    parts = variables.get("AZUREML_MODEL_DIR", "").rstrip("/").split("/")
    found = {"name": variables.get("SERVICE_NAME", "model"), "versions": [], "platform": "python"}
    if len(parts) > 2 and parts[-3] == "azureml-models":
        found.update(name=parts[-2], versions=[parts[-1]])
    return dict(found, inputs=[], outputs=[])


class Unknown(Exception):
    """There is no such model, version or address: 404."""


def speaks(path):
    """Whether the path is one of the protocol's."""
    return path == "/v2" or path.startswith("/v2/")


def asks(path):
    """Whether the path is one where tensors are sent to a model."""
    return speaks(path) and path.endswith("/infer")


def describe(path, model):
    """Return what is to be known at a path: of the server, its health, or the model."""
    if path == "/v2":
        return {"name": "atelier", "version": "2", "extensions": EXTENSIONS}
    if path in ("/v2/health/live", "/v2/health/ready"):  # a worker listens once it is ready
        return {path.rpartition("/")[2]: True}
    rest = address(path, model)
    if rest == "/ready":
        return {"name": model["name"], "ready": True}
    return model


def address(path, model):
    """Check that a path names the model, and return what follows."""
    match = _MODEL.fullmatch(path)
    if match is None:
        raise Unknown("There is nothing at %s." % path[:200])
    if match["name"] != model["name"]:
        raise Unknown("There is no model %r here. It is called %r." % (match["name"][:100], model["name"]))
    if match["version"] is not None and match["version"] not in model["versions"]:
        raise Unknown("The model has no version %r here." % match["version"][:100])
    return match["rest"]


class Question:
    """A request for inference: its tensors, and in what form the answer is wanted."""

    def __init__(self, request, model):
        self._model = model
        head, tail = _split(request)
        try:
            self._asked = json.loads(head)
        except (ValueError, RecursionError) as fault:
            raise BadInput("The request cannot be read as JSON: %s" % fault) from None
        if not isinstance(self._asked, dict):
            raise BadInput("The request is no JSON object.")
        self.inputs = _inputs(_list(self._asked, "inputs"), tail)
        if not self.inputs:
            raise BadInput("The request has no inputs.")
        self._wanted = {}
        for wanted in _list(self._asked, "outputs"):
            binary = _parameters(wanted, "An output").get("binary_data")
            self._wanted[_name(wanted, "An output")] = binary

    def answer(self, outputs):
        """Return the answer with outputs, which are arrays by name."""
        missing = [name for name in self._wanted if name not in outputs]
        if missing:
            raise BadInput(
                "The model has no output %r. It has %s." % (missing[0], ", ".join(sorted(outputs)))
            )
        always = _parameters(self._asked, "The request").get("binary_data_output", False)
        described, parts = [], []
        for name, array in outputs.items():
            if self._wanted and name not in self._wanted:
                continue
            binary = self._wanted.get(name)
            described.append(_output(name, array, parts, always if binary is None else binary))
        found = {"model_name": self._model["name"], "outputs": described}
        if self._model["versions"]:
            found["model_version"] = self._model["versions"][0]
        if isinstance(self._asked.get("id"), str):
            found["id"] = self._asked["id"]
        if not parts:
            return AMLResponse(found, 200, json_str=True)
        head = json.dumps(found).encode("utf-8")
        headers = {"Content-Type": "application/octet-stream", _LENGTH: str(len(head))}
        return AMLResponse(head + b"".join(parts), 200, headers)


def datatype(numpy_type):
    """Return the protocol's name of a type of NumPy's; what it has no number for is BYTES."""
    return _NAMES.get(getattr(numpy_type, "kind", "") + str(getattr(numpy_type, "itemsize", "")), "BYTES")


def arrays(value, name="predict"):
    """Return what a model answered as arrays by name."""
    import numpy

    if hasattr(value, "columns") and hasattr(value, "items"):
        return {str(column): numpy.asarray(series) for column, series in value.items()}
    if isinstance(value, dict):
        return {str(key): numpy.asarray(each) for key, each in value.items()}
    return {name: numpy.asarray(value.toarray() if hasattr(value, "toarray") else value)}


def _split(request):
    """Return the request's JSON, and the bytes behind it."""
    text = request.header(_LENGTH.lower(), None)
    if text is None:
        return request.body, b""
    size = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0
    if not 0 < size <= len(request.body):
        message = "%s is %r, but the body has %d bytes."
        raise BadInput(message % (_LENGTH, text[:40], len(request.body)))
    return request.body[:size], request.body[size:]


def _list(owner, key):
    found = owner.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise BadInput("The request's %s are no list of objects." % key)
    if len(found) > _MAX_TENSORS:
        raise BadInput("The request has more than %d %s." % (_MAX_TENSORS, key))
    return found


def _name(tensor, what):
    name = tensor.get("name")
    if not isinstance(name, str) or not name:
        raise BadInput("%s has no name." % what)
    return name


def _parameters(owner, what):
    found = owner.get("parameters", {})
    if not isinstance(found, dict):
        raise BadInput("%s has parameters that are no object." % what)
    return found


def _inputs(tensors, tail):
    found, at = {}, 0
    for tensor in tensors:
        name = _name(tensor, "An input")
        what = "The input %r" % name[:100]
        if name in found:
            raise BadInput("%s comes twice." % what)
        shape, count = _shape(tensor.get("shape"), what)
        kind = tensor.get("datatype")
        if kind != "BYTES" and (not isinstance(kind, str) or kind not in _TYPES):
            known = ", ".join([*_TYPES, "BYTES"])
            raise BadInput("%s has the datatype %.40r. Known are %s." % (what, kind, known))
        size = _parameters(tensor, what).get("binary_data_size")
        if size is None:
            found[name] = _shaped(_from_json(tensor.get("data"), kind, count, what), shape, what)
            continue
        if type(size) is not int or not 0 <= size <= len(tail) - at:
            message = "%s has a binary_data_size of %.40r, but %d bytes are left in the body."
            raise BadInput(message % (what, size, len(tail) - at))
        if "data" in tensor:
            raise BadInput("%s has both data and binary_data_size." % what)
        found[name] = _shaped(_from_bytes(tail[at : at + size], kind, count, what), shape, what)
        at += size
    if at != len(tail):
        raise BadInput("The body has %d bytes that belong to no input." % (len(tail) - at))
    return found


def _shape(shape, what):
    """Return a shape and the number of its elements, which are counted and not yet made."""
    if not isinstance(shape, list) or len(shape) > _MAX_DIMENSIONS:
        raise BadInput("%s has no shape, or one of more than %d dimensions." % (what, _MAX_DIMENSIONS))
    count = 1
    for size in shape:
        if type(size) is not int or not 0 <= size < 1 << 31:
            raise BadInput("%s has a shape with %.40r in it." % (what, size))
        count *= size
    return tuple(shape), count


def _shaped(array, shape, what):
    try:
        return array.reshape(shape)
    except ValueError as fault:  # no elements, of more than there can be
        raise BadInput("%s has a shape that cannot be: %s" % (what, fault)) from None


def _wrong_count(what, count, found):
    return BadInput("%s has a shape of %d elements, and %d of them." % (what, count, found))


def _from_json(data, kind, count, what):
    import numpy

    if not isinstance(data, list):
        raise BadInput("%s has no data." % what)
    flat = _flattened(data, what)
    if len(flat) != count:
        raise _wrong_count(what, count, len(flat))
    if kind == "BYTES":
        if not all(isinstance(one, str) for one in flat):
            raise BadInput("%s has something in it that is no text." % what)
        return _objects(flat)
    wanted = numpy.dtype(_TYPES[kind])
    kinds = {"b": (bool,), "f": (int, float)}.get(wanted.kind, (int,))
    if not all(type(one) in kinds for one in flat):
        raise BadInput("%s has something in it that is no %s." % (what, kind))
    if wanted.kind in "iu":
        limits = numpy.iinfo(wanted)
        if not all(limits.min <= one <= limits.max for one in flat):
            raise BadInput("%s has a number in it that is no %s." % (what, kind))
    try:
        with numpy.errstate(over="raise"):
            return numpy.array(flat, dtype=wanted)
    except (OverflowError, FloatingPointError) as fault:
        raise BadInput("%s cannot be read as %s: %s" % (what, kind, fault)) from None


def _flattened(data, what):
    """Return the elements of lists that may be nested, all to the same depth."""
    for _ in range(_MAX_DIMENSIONS):
        nested = [isinstance(one, list) for one in data]
        if not any(nested):
            return data
        if not all(nested) or len({len(one) for one in data}) > 1:
            break
        data = [element for one in data for element in one]
    raise BadInput("%s has data that is nested unevenly or too deep." % what)


def _from_bytes(data, kind, count, what):
    import numpy

    if kind == "BYTES":
        found = list(_texts(data, count, what))
        if len(found) != count:
            raise _wrong_count(what, count, len(found))
        return _objects(found)
    wanted = numpy.dtype(_TYPES[kind])
    if len(data) != count * wanted.itemsize:
        message = "%s has a shape of %d elements, which are %d bytes, and %d of them."
        raise BadInput(message % (what, count, count * wanted.itemsize, len(data)))
    return numpy.frombuffer(data, dtype=wanted)


def _texts(data, count, what):
    """Yield the elements of a tensor of BYTES: each is its length in four bytes, and so many."""
    at, found = 0, 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "little")
        at += 4
        if at + size > len(data) or found == count:
            raise BadInput("%s has a length in it that does not fit." % what)
        one = data[at : at + size]
        try:
            yield one.decode("utf-8")
        except UnicodeDecodeError:
            yield one
        at, found = at + size, found + 1


def _objects(values):
    import numpy

    array = numpy.empty(len(values), dtype=object)
    array[:] = values
    return array


def _output(name, array, parts, binary):
    """Describe one output. Its elements are in the description, or added to parts."""
    kind = datatype(array.dtype)
    found = {"name": name, "datatype": kind, "shape": list(array.shape)}
    if not binary:
        found["data"] = [_plain(one) for one in array.ravel().tolist()]
        return found
    if kind == "BYTES":
        texts = [
            one if isinstance(one, bytes) else str(one).encode("utf-8") for one in array.ravel().tolist()
        ]
        data = b"".join(len(text).to_bytes(4, "little") + text for text in texts)
    else:
        data = array.astype(_TYPES[kind], copy=False).tobytes()
    found["parameters"] = {"binary_data_size": len(data)}
    parts.append(data)
    return found


def _plain(one):
    if isinstance(one, float):
        return one if one - one == 0 else None  # JSON has no word for what is no number
    if isinstance(one, bytes):
        return one.decode("utf-8", "replace")
    return one if isinstance(one, (bool, int, str)) or one is None else str(one)
