"""AMLResponse: an answer with a status and headers of the script's own.

Azure's own is Flask's Response. This has the parts of it that scoring scripts
use, without Flask; a script that returns a real Flask response is understood too.
"""

import json
from http.cookies import SimpleCookie

_FAILED = "x-ms-run-function-failed"


class Headers:
    """An answer's headers: their names have no case, and a name may come again."""

    def __init__(self):
        self.pairs = []

    def add(self, name, value):
        value = str(value)
        if "\r" in value or "\n" in value:
            raise ValueError("a header cannot have more than one line")
        self.pairs.append((name, value))

    add_header = add

    def remove(self, name):
        self.pairs = [pair for pair in self.pairs if pair[0].lower() != name.lower()]

    __delitem__ = remove

    def set(self, name, value):
        self.remove(name)
        self.add(name, value)

    __setitem__ = set

    def getlist(self, name):
        return [value for given, value in self.pairs if given.lower() == name.lower()]

    def get(self, name, default=None):
        return next(iter(self.getlist(name)), default)

    def __getitem__(self, name):
        for value in self.getlist(name):
            return value
        raise KeyError(name)

    def __contains__(self, name):
        return bool(self.getlist(name))

    def items(self):
        return list(self.pairs)

    def keys(self):
        return [name for name, _ in self.pairs]

    def __iter__(self):
        return iter(self.items())

    def __len__(self):
        return len(self.pairs)

    def extend(self, more):
        for name, value in more.items() if hasattr(more, "items") else more:
            self.add(name, value)

    def update(self, more):
        for name, value in more.items() if hasattr(more, "items") else more:
            self.set(name, value)


class AMLResponse:
    """An answer that a script makes by itself.

    A header's value with commas becomes one header for each of its parts. A message
    that is neither text nor bytes is gone through, and sent as it comes.
    """

    def __init__(
        self, message, status_code, response_headers=None, json_str=False, run_function_failed=False
    ):
        given = response_headers or {}
        self.status, self.headers = status_code, Headers()
        if message is None or json_str:
            message = json.dumps({} if message is None else message)
            self.headers.pairs.append(("Content-Type", "application/json"))
        elif not any(name.lower() == "content-type" for name in given):
            self.headers.pairs.append(("Content-Type", "text/html; charset=utf-8"))
        self.chunks, self._data = None, b""
        if isinstance(message, (str, bytes, bytearray)):
            self.set_data(message)
        else:
            self.chunks = iter(message)
        self.headers.pairs.append((_FAILED, str(bool(run_function_failed))))
        for name, values in given.items():
            if name.lower() == "content-type" and json_str:
                self.headers.remove(name)
            for value in values.split(","):
                self.headers.add(name, value.strip())

    @property
    def status_code(self):
        return self._status

    @status_code.setter
    def status_code(self, value):
        self._status = int(value)

    @property
    def status(self):
        return str(self._status)

    @status.setter
    def status(self, value):
        self._status = int(value.split()[0]) if isinstance(value, str) else int(value)

    @property
    def data(self):
        return self.get_data()

    @data.setter
    def data(self, value):
        self.set_data(value)

    def get_data(self, as_text=False):
        if self.chunks is not None:
            self.set_data(b"".join(encoded(chunk) for chunk in self.chunks))
        return self._data.decode("utf-8") if as_text else self._data

    def set_data(self, value):
        self.chunks, self._data = None, encoded(value)

    @property
    def content_type(self):
        return self.headers.get("content-type")

    @content_type.setter
    def content_type(self, value):
        self.headers.set("Content-Type", value)

    @property
    def mimetype(self):
        return (self.content_type or "").partition(";")[0].strip().lower()

    @mimetype.setter
    def mimetype(self, value):
        self.content_type = value + "; charset=utf-8" if value.startswith("text/") else value

    def set_cookie(self, key, value="", max_age=None, path="/", **more):
        """Set a cookie, with what else its header can say: secure=True, samesite="Lax"."""
        cookie = SimpleCookie({key: value})
        cookie[key]["path"] = path
        if max_age is not None:
            cookie[key]["max-age"] = max_age
        for name, setting in more.items():
            cookie[key][name] = setting
        self.headers.add("Set-Cookie", cookie[key].OutputString())


def encoded(value):
    """Return text or bytes as bytes."""
    return value.encode("utf-8") if isinstance(value, str) else bytes(value)


def plain_text(text):
    """The answer to a question that no script is asked."""
    response = AMLResponse(text, 200)
    response.headers.remove(_FAILED)
    return response


def error(status, message, run_function_failed=False, name="message"):
    """The answer to a request that went wrong: JSON with one message."""
    return AMLResponse({name: message}, status, json_str=True, run_function_failed=run_function_failed)


def as_response(value):
    """Return what run() returned as an AMLResponse."""
    if isinstance(value, AMLResponse):
        response = value
    elif hasattr(value, "status_code") and hasattr(value, "get_data") and hasattr(value, "headers"):
        response = AMLResponse(b"", value.status_code)
        response.headers.pairs = [
            pair for pair in value.headers.items() if pair[0].lower() != "content-length"
        ]
        if getattr(value, "is_streamed", False):
            response.chunks = iter(value.iter_encoded())
        else:
            response.set_data(value.get_data())
    else:
        return AMLResponse(value, 200, json_str=True)
    if response.status_code >= 500:
        response.headers.set(_FAILED, "True")
    return response
