"""How a request becomes the arguments of run(), by how run() is declared."""

import inspect
import json


class BadInput(Exception):
    """The request's body cannot be used: 400."""


class UnsupportedInput(Exception):
    """The request's body is of a type that run() does not take: 415."""


class UnsupportedMethod(Exception):
    """Neither GET nor POST: 405."""


def _value(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


def _query(request):
    """The query's parameters, each read as JSON where it is JSON."""
    parsed = {}
    for name in request.args:
        values = [_value(text) for text in request.args.getlist(name)]
        parsed[name] = values[0] if len(values) == 1 else values
    return parsed


class RawInput:
    """For @rawhttp: the request as it is."""

    def __init__(self, parameter):
        self._parameter = parameter

    def __call__(self, request):
        return {self._parameter: request}


class TextInput:
    """For a plain run(): the body as text, or the query as JSON text."""

    def __init__(self, parameter):
        self._parameter = parameter

    def __call__(self, request):
        if request.method == "GET":
            return {self._parameter: json.dumps(_query(request))}
        if request.method != "POST":
            raise UnsupportedMethod(request.method)
        try:
            return {self._parameter: request.text}
        except UnicodeDecodeError as fault:
            raise BadInput("Input cannot be decoded as UTF-8: %s" % fault) from None


class ObjectInput:
    """For @input_schema: a JSON object with one member for each parameter."""

    def __init__(self, parameters):
        self._parameters = parameters

    def __call__(self, request):
        if request.method == "GET":
            return self._pick(_query(request))
        if request.method != "POST":
            raise UnsupportedMethod(request.method)
        if not request.is_json:
            raise UnsupportedInput("Expects Content-Type to be application/json")
        if not request.body:
            raise BadInput("POST body is empty. Expecting a JSON dictionary.")
        try:
            body = json.loads(request.body)
        except ValueError as fault:
            raise BadInput("POST body could not be decoded as JSON: %s" % fault) from None
        if not isinstance(body, dict):
            raise BadInput("POST body should be a JSON dictionary.")
        return self._pick(body)

    def _pick(self, body):
        picked = {}
        for parameter in self._parameters:
            value = body.get(parameter.name, parameter.default)
            if value is inspect.Parameter.empty:
                raise BadInput("A value is not provided for the %r parameter." % parameter.name)
            picked[parameter.name] = value
        return picked
