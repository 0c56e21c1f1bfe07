"""What scripts import as azureml.contrib.services: rawhttp, AMLRequest, AMLResponse.

Azure's own versions are Flask's Request and Response. These have the parts of
them that scoring scripts use, without Flask; a script that returns a real Flask
response is understood as well.
"""

import io
import json
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

#: The functions that were decorated with @rawhttp.
raw_functions = []


def rawhttp(function):
    """Ask for the whole request instead of its body."""
    raw_functions.append(function)
    return function


class Headers(dict):
    """A request's headers; their names have no case."""

    def __init__(self, pairs=()):
        super().__init__()
        for name, value in pairs:
            self[name] = value

    def __setitem__(self, name, value):
        super().__setitem__(name.lower(), value)

    def __getitem__(self, name):
        return super().__getitem__(name.lower())

    def __contains__(self, name):
        return super().__contains__(name.lower())

    def get(self, name, default=None, type=None):
        value = super().get(name.lower(), default)
        return type(value) if type is not None and value is not None else value


class MultiDict(dict):
    """Names with one or more values each, as in a query; [] gives the first."""

    def __init__(self, pairs=()):
        super().__init__()
        self._all = {}
        for name, value in pairs:
            self.setdefault(name, value)
            self._all.setdefault(name, []).append(value)

    def getlist(self, name):
        return list(self._all.get(name, ()))

    def get(self, name, default=None, type=None):
        value = super().get(name, default)
        return type(value) if type is not None and value is not None else value

    def to_dict(self, flat=True):
        return dict(self) if flat else {name: list(values) for name, values in self._all.items()}


class UploadedFile(io.BytesIO):
    """One file of a multipart form."""

    def __init__(self, name, filename, content_type, content):
        super().__init__(content)
        self.name, self.filename, self.content_type, self.mimetype = (
            name,
            filename,
            content_type,
            content_type,
        )
        self.stream = self

    def save(self, target):
        if hasattr(target, "write"):
            target.write(self.getvalue())
            return
        with open(target, "wb") as file:
            file.write(self.getvalue())


class AMLRequest:
    """A scoring request, for run() functions decorated with @rawhttp."""

    def __init__(self, method="POST", path="/score", query="", headers=None, body=b""):
        self.method, self.path, self.data = method, path, body
        self.headers = headers if isinstance(headers, Headers) else Headers((headers or {}).items())
        self.query_string = query.encode("utf-8")
        self.args = MultiDict(parse_qsl(query, keep_blank_values=True))
        self._form = None

    @property
    def full_path(self):
        return self.path + "?" + self.query_string.decode("utf-8")

    @property
    def url(self):
        return "http://%s%s" % (
            self.headers.get("host", "localhost"),
            self.full_path.rstrip("?"),
        )

    @property
    def content_type(self):
        return self.headers.get("content-type", "")

    @property
    def mimetype(self):
        return self.content_type.partition(";")[0].strip().lower()

    @property
    def content_length(self):
        return len(self.data)

    @property
    def is_json(self):
        return self.mimetype == "application/json" or (
            self.mimetype.startswith("application/") and self.mimetype.endswith("+json")
        )

    @property
    def stream(self):
        return io.BytesIO(self.data)

    def get_data(self, cache=True, as_text=False, parse_form_data=False):
        return self.data.decode("utf-8") if as_text else self.data

    def get_json(self, force=False, silent=False, cache=True):
        if not (force or self.is_json):
            return None
        try:
            return json.loads(self.data)
        except ValueError:
            if silent:
                return None
            raise

    @property
    def json(self):
        return self.get_json()

    @property
    def form(self):
        return self._parsed_form()[0]

    @property
    def files(self):
        return self._parsed_form()[1]

    @property
    def values(self):
        return MultiDict(list(self.args.items()) + list(self.form.items()))

    def _parsed_form(self):
        if self._form is None:
            fields, files = [], []
            if self.mimetype == "application/x-www-form-urlencoded":
                fields = parse_qsl(self.data.decode("utf-8"), keep_blank_values=True)
            elif self.mimetype == "multipart/form-data":
                fields, files = _parse_multipart(self.content_type, self.data)
            self._form = MultiDict(fields), MultiDict(files)
        return self._form


def _parse_multipart(content_type, data):
    head = b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n"
    fields, files = [], []
    for part in BytesParser(policy=HTTP).parsebytes(head + data).iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True) or b""
        filename = part.get_filename()
        if filename is None:
            fields.append((name, content.decode("utf-8", "replace")))
        else:
            files.append((name, UploadedFile(name, filename, part.get_content_type(), content)))
    return fields, files


class AMLResponse:
    """An answer with a status and headers of the script's own.

    A value with commas becomes one header for each of its parts.
    """

    def __init__(
        self,
        message,
        status_code,
        response_headers=None,
        json_str=False,
        run_function_failed=False,
    ):
        self.status_code = int(status_code)
        content_type = "text/html; charset=utf-8"
        if message is None or json_str:
            content_type, message = (
                "application/json",
                json.dumps({} if message is None else message),
            )
        self.data = message if isinstance(message, bytes) else str(message).encode("utf-8")
        self.headers = [("x-ms-run-function-failed", str(bool(run_function_failed)))]
        names = [name.lower() for name in response_headers or {}]
        if "content-type" not in names:
            self.headers.append(("content-type", content_type))
        for name, values in (response_headers or {}).items():
            for value in str(values).split(","):
                self.headers.append((name.lower(), value.strip()))

    def get_data(self):
        return self.data

    def set(self, name, value):
        """Give the header name this one value."""
        self.headers = [pair for pair in self.headers if pair[0] != name.lower()]
        self.headers.append((name.lower(), str(value)))


def plain_text(text):
    """The answer to a question that no script is asked."""
    response = AMLResponse(text, 200)
    response.headers = [("content-type", "text/html; charset=utf-8")]
    return response


def error(status, message, run_function_failed=False):
    """The answer to a request that went wrong: JSON with one message."""
    return AMLResponse(
        {"message": message},
        status,
        json_str=True,
        run_function_failed=run_function_failed,
    )


def as_response(value):
    """Return value as an AMLResponse if it is some kind of response, else None."""
    if isinstance(value, AMLResponse):
        return value
    if hasattr(value, "status_code") and hasattr(value, "get_data") and hasattr(value, "headers"):
        response = AMLResponse(value.get_data(), value.status_code)
        response.headers = [(name.lower(), text) for name, text in value.headers.items()]
        return response
    return None
