"""AMLRequest: a scoring request as scripts with @rawhttp see it.

Azure's own is Flask's Request. This has the parts of it that scoring scripts
use, without Flask, and behaves as they do.
"""

import io
import json
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

_FORM = "application/x-www-form-urlencoded"
_PARTS = "multipart/form-data"


class BadRequest(Exception):
    """The request has not what the script asks it for."""


class MissingKey(BadRequest, KeyError):
    """There is nothing of that name in the request."""


class Headers:
    """A request's headers, which behave as Flask's do: their names are written Like-This
    and found in any case, and going through them gives pairs."""

    def __init__(self, headers):
        self._values = {}
        for name, value in headers.items():
            name = name.title()
            if value or name not in ("Content-Type", "Content-Length"):
                self._values[name] = value

    def __getitem__(self, name):
        try:
            return self._values[name.title()]
        except KeyError:
            raise MissingKey(name) from None

    def get(self, name, default=None, type=None):
        value = self._values.get(name.title())
        if value is None:
            return default
        if type is None:
            return value
        try:
            return type(value)
        except (ValueError, TypeError):
            return default

    def getlist(self, name):
        value = self.get(name)
        return [] if value is None else [value]

    get_all = getlist

    def keys(self):
        return self._values.keys()

    def values(self):
        return self._values.values()

    def items(self):
        return self._values.items()

    def __iter__(self):
        return iter(self._values.items())

    def __contains__(self, name):
        return name.title() in self._values

    def __len__(self):
        return len(self._values)

    def __str__(self):
        return "".join("%s: %s\r\n" % pair for pair in self) + "\r\n"


class MultiDict(dict):
    """Names with one or more values each, as in a query; [] gives the first."""

    def __init__(self, pairs=()):
        super().__init__()
        self._all = {}
        for name, value in pairs:
            self.setdefault(name, value)
            self._all.setdefault(name, []).append(value)

    def __missing__(self, name):
        raise MissingKey(name)

    def getlist(self, name):
        return list(self._all.get(name, ()))

    def get(self, name, default=None, type=None):
        value = super().get(name, default)
        if type is None or name not in self:
            return value
        try:
            return type(value)
        except (ValueError, TypeError):
            return default

    def lists(self):
        return self._all.items()

    def to_dict(self, flat=True):
        return dict(self) if flat else {name: list(values) for name, values in self._all.items()}


class UploadedFile(io.BytesIO):
    """One file of a multipart form."""

    def __init__(self, name, filename, content_type, content):
        super().__init__(content)
        self.name, self.filename = name, filename
        self.content_type = self.mimetype = content_type
        self.stream = self

    def save(self, target):
        if hasattr(target, "write"):
            target.write(self.getvalue())
            return
        with open(target, "wb") as file:
            file.write(self.getvalue())


class AMLRequest:
    """A scoring request, for run() functions decorated with @rawhttp."""

    scheme = "http"
    remote_addr = None

    def __init__(self, method="POST", path="/score", query="", headers=None, body=b""):
        self.method, self.path = method, path
        self._names = headers or {}
        self._query, self._body = query, body
        self._made = {}  # what is made of the request when it is first asked for

    def _once(self, name, make):
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def header(self, name, default=""):
        """The header of that name, which is given in small letters."""
        return self._names.get(name, default)

    @property
    def body(self):
        """The body, whatever has been read of it."""
        return self._body

    @property
    def headers(self):
        return self._once("headers", lambda: Headers(self._names))

    @property
    def query_string(self):
        return self._query.encode("utf-8")

    @property
    def args(self):
        pairs = lambda: MultiDict(parse_qsl(self._query, keep_blank_values=True, errors="replace"))  # noqa: E731
        return self._once("args", pairs)

    @property
    def full_path(self):
        return self.path + "?" + self._query

    @property
    def host(self):
        return self.header("host", "localhost")

    @property
    def host_url(self):
        return "http://%s/" % self.host

    @property
    def base_url(self):
        return "http://%s%s" % (self.host, self.path)

    @property
    def url(self):
        return self.base_url + ("?" + self._query if self._query else "")

    @property
    def content_type(self):
        return self.headers.get("content-type")

    @property
    def mimetype(self):
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def mimetype_params(self):
        pairs = (part.partition("=") for part in self.header("content-type").split(";")[1:])
        return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs if name.strip()}

    @property
    def content_length(self):
        return self.headers.get("content-length", type=int)

    @property
    def is_json(self):
        kind = self.mimetype
        return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))

    @property
    def stream(self):
        """The body, which can be read once."""
        return self._once("stream", lambda: io.BytesIO(self._body))

    def get_data(self, cache=True, as_text=False, parse_form_data=False):
        data = self._made.get("data")
        if data is None:
            if parse_form_data:
                self._parsed_form()
            data = self.stream.read()
            if cache:
                self._made["data"] = data
        return data.decode("utf-8", "replace") if as_text else data

    @property
    def data(self):
        """The body, or nothing where it is a form: that is in form and files."""
        return self.get_data(parse_form_data=True)

    @property
    def text(self):
        """What data is, as text; raises UnicodeDecodeError where it is none."""
        return str(b"" if self.mimetype in (_FORM, _PARTS) else self._body, "utf-8")

    def get_json(self, force=False, silent=False, cache=True):
        if not (force or self.is_json):
            if silent:
                return None
            raise BadRequest("The request's Content-Type is not application/json.")
        try:
            return json.loads(self.get_data(cache=cache))
        except ValueError as fault:
            if silent:
                return None
            raise BadRequest("The request's body is not JSON: %s" % fault) from fault

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
        pairs = []
        for one in (self.args, self.form):
            pairs.extend((name, value) for name, values in one.lists() for value in values)
        return MultiDict(pairs)

    @property
    def cookies(self):
        return MultiDict()

    def _parsed_form(self):
        return self._once("form", self._parse_form)

    def _parse_form(self):
        if self.mimetype not in (_FORM, _PARTS):
            return MultiDict(), MultiDict()
        data = self._made.get("data")
        if data is None:
            data = self.stream.read()
        if self.mimetype == _FORM:
            return MultiDict(parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True)), MultiDict()
        fields, files = _parse_multipart(self.header("content-type"), data)
        return MultiDict(fields), MultiDict(files)


def _parse_multipart(content_type, data):
    head = b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n"
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
