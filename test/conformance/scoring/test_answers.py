"""Every request gets the same answer from the official server and from ours."""

import gzip
import json

import pytest
from conftest import SCRIPTS

JSON = ("Content-Type", "application/json")
TEXT = ("Content-Type", "text/plain")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
PARTS = ("Content-Type", "multipart/form-data; boundary=B")
MULTIPART = (
    b'--B\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
    b'--B\r\nContent-Disposition: form-data; name="note"\r\n\r\nagain\r\n'
    b'--B\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n'
    b"Content-Type: image/png\r\n\r\n\x89PNG\r\n\x00\r\n--B--\r\n"
)

cases = {}


def case(name, script, body=None, *headers, method="POST", path="/score"):
    """Note one request; a body that is no bytes becomes JSON, and a list of bytes is sent in chunks."""
    assert name not in cases
    if isinstance(body, (dict, int)):
        body = json.dumps(body).encode()
    cases[name] = (script, method, path, body, list(headers))


def do(what, **more):
    """Note one request for plain.py."""
    name = " ".join([what, *map(str, more.values())])
    case(f"plain: {name}", "plain", {"do": what, **more}, JSON)


def raw(what, body=None, *headers, method="POST", query=""):
    """Note one request for raw.py."""
    case(
        f"raw: {method} {what} {query}".strip(),
        "raw",
        body,
        *headers,
        method=method,
        path=f"/score?do={what}{query}",
    )


# What run() makes of its arguments, and what it returns.
do("scale", data=[1, 2])
do("scale", data="text")
for what in [
    "none",
    "strange",
    "recurse",
    "object",
    "bytes",
    "set",
    "date",
    "nan",
    "big",
    "keys",
    "tuple_key",
    "cycle",
    "surrogate",
    "text",
    "print",
    "generator",
    "where",
    "unknown",
]:
    do(what)
for what in [
    "ValueError",
    "KeyError",
    "RecursionError",
    "MemoryError",
    "StopIteration",
    "TimeoutError",
    "OSError",
    "KeyboardInterrupt",
    "SystemExit",
    "GeneratorExit",
]:
    do("raise", kind=what)
do("long", size=300_000)

# Bodies of all kinds, for a script that takes text.
for name, body in {
    "nothing": b"",
    "no length": None,
    "no UTF-8": b"\xff\xfe\x00",
    "cut UTF-8": b"[\xe4\xb8",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "broken JSON": b'{"a": ',
    "NUL": b"a\x00b",
    "NaN": b'{"a": NaN, "b": Infinity, "c": -Infinity}',
    "huge numbers": b"[1e400, 123456789012345678901234567890, -0, 1E+2]",
    "very long number": b"9" * 5000,
    "deep JSON": b"[" * 2000 + b"]" * 2000,
    "twice the same key": b'{"a": 1, "a": 2}',
    "lone surrogate": b'"\\ud800"',
    "a megabyte": b'"' + b"x" * 1_000_000 + b'"',
    "chunks": [b'{"a"', b": 1}"],
    "no chunks": [],
    "a form": b"a=1&b=2",
}.items():
    case(f"plain: {name}", "plain", body, JSON)
for kind in (
    "text/plain",
    "application/octet-stream",
    "application/json; charset=latin-1",
    "rubbish",
    "",
    "a/b; c",
):
    case(f"plain: sent as {kind!r}", "plain", b'{"a": "\xc3\xa9"}', ("Content-Type", kind))
case("plain: a form sent as one", "plain", b"a=1&b=2", FORM)
case("plain: parts", "plain", MULTIPART, PARTS)
case("plain: no type", "plain", b"[1]")
case("plain: gzip", "plain", gzip.compress(b"[1]"), JSON, ("Content-Encoding", "gzip"))

# Methods and addresses.
for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"):
    case(f"plain: {method} /score", "plain", None, method=method)
for query in [
    "a=1&b=[1,2]&c=x&d=null",
    "a=1&a=2&b=x",
    "",
    "a",
    "a=",
    "=1",
    "a=%ff",
    "a=%zz",
    "a=b+c%20d",
    "a=1;b=2",
    "A=1&a=2",
    "a={%22b%22:1}",
    "a=NaN",
    "a[]=1",
    "%c3%a9=%e4%b8%ad",
]:
    case(f"plain: GET ?{query}", "plain", None, method="GET", path=f"/score?{query}")
case("plain: POST with a query", "plain", b"[1]", JSON, path="/score?a=1")
case("plain: GET with a body", "plain", b"[1]", JSON, method="GET", path="/score?a=1")
for method in ("GET", "HEAD", "POST", "OPTIONS", "PUT"):
    case(f"plain: {method} /", "plain", None, method=method, path="/")
for path in (
    "/nowhere",
    "/score/",
    "/Score",
    "/score/more",
    "/swagger",
    "/swagger.json/",
    "/%2e%2e/score",
    "/sc%6fre",
):
    for method in ("GET", "POST"):
        case(f"plain: {method} {path}", "plain", None, method=method, path=path)

# Names of a request.
IDS = ("x-request-id", "x-ms-request-id", "x-ms-client-request-id", "TraceId", "traceparent")
for name in IDS:
    case(f"plain: {name}", "plain", b"[1]", JSON, (name, "mine-1"))
    case(f"plain: long {name}", "plain", b"[1]", JSON, (name, "x" * 101))
    case(f"plain: {name} of 100", "plain", b"[1]", JSON, (name, "x" * 100))
    case(f"plain: empty {name}", "plain", b"[1]", JSON, (name, ""))
case("plain: all names", "plain", b"[1]", JSON, *[(name, name + "-1") for name in IDS])
case("plain: odd name", "plain", b"[1]", JSON, ("x-request-id", 'a b"<>é'))
case("plain: names at health", "plain", None, ("x-request-id", "h-1"), method="GET", path="/")
case("plain: long name at health", "plain", None, ("x-request-id", "h" * 200), method="GET", path="/")

# Documents.
for script in ("plain", "named", "raw", "standard", "tables", "nested", "driver", "own"):
    for version in (
        "",
        "?version=2",
        "?version=2.0",
        "?version=3",
        "?version=3.0",
        "?version=3.1",
        "?version=9",
    ):
        case(f"{script}: swagger.json{version}", script, None, method="GET", path=f"/swagger.json{version}")
case("plain: POST swagger.json", "plain", b"", path="/swagger.json")
case("plain: swagger.json?version=", "plain", None, method="GET", path="/swagger.json?version=")

# Time.
for seconds in (0, 30):
    case(f"hurried: sleep {seconds}", "hurried", {"do": "sleep", "for": seconds}, JSON)
case("hurried: catch", "hurried", {"do": "catch", "for": 30}, JSON)
case("hurried: after it", "hurried", {"do": "scale", "data": [1]}, JSON)

# Pages of other sites.
for script in ("plain", "open", "anyone"):
    for origin in ("https://a.example", "https://b.example", "https://c.example", "null"):
        case(f"{script}: POST from {origin}", script, b"[1]", JSON, ("Origin", origin))
        asked = (
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "content-type, x-mine"),
        )
        case(f"{script}: preflight from {origin}", script, None, ("Origin", origin), *asked, method="OPTIONS")
    case(f"{script}: failure from afar", script, {"do": "strange"}, JSON, ("Origin", "https://a.example"))
    case(f"{script}: health from afar", script, None, ("Origin", "https://a.example"), method="GET", path="/")
    case(f"{script}: POST from here", script, b"[1]", JSON)

# @rawhttp.
MINE = ("X-Mine", "yes")
for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
    raw(
        "show",
        b"\x00\xff" if method == "POST" else None,
        MINE,
        method=method,
        query="&a=x&a=2&n=5&e=&%20s=%2F",
    )
raw("show", b'{"a": 1}', JSON, MINE, method="POST", query="&k=json")
raw("show", b"[1]", ("Content-Type", "Application/Problem+JSON; Charset=UTF-8"), query="&k=case")
raw("show", b"a=1", FORM, query="&k=form")
raw("show", [b"abc", b"def"], query="&k=chunks")
raw("show", b"x", MINE, ("x-mine", "twice"), query="&k=twice")
raw("show", b"x", ("X_Mine", "underscore"), query="&k=underscore")
for what in ("body", "stream", "json", "property", "forced", "silent", "form", "values"):
    raw(what, b'{"a": [1, 2]}', JSON, query="&k=json")
    raw(what, b"{broken", JSON, query="&k=broken")
    raw(what, b"", JSON, query="&k=empty")
    raw(what, b'{"a": 1}', TEXT, query="&k=text")
    raw(what, b"a=1&a=2&b=%c3%a9&c", FORM, query="&k=form&a=9")
    raw(what, MULTIPART, PARTS, query="&k=parts")
    raw(what, b"\xff\xfe", query="&k=bytes")
for what in [
    "missing",
    "missing_argument",
    "bytes",
    "image",
    "lower",
    "teapot",
    "json_answer",
    "none",
    "nothing",
    "failed",
    "failed_flag",
    "list",
    "chunks",
    "plain",
    "changed",
    "cookie",
    "newline",
    "set_data",
    "raise",
]:
    raw(what, b"abc", MINE)
raw("image", method="HEAD")
case("flask: GET", "flask", None, method="GET")
case("flask: GET 500", "flask", None, method="GET", path="/score?status=500")
case("flask: GET 302", "flask", None, method="GET", path="/score?status=302")
case("flask: POST", "flask", b"x")

# @input_schema.
for name, body in {
    "both": {"data": [1, 2], "scale": 3},
    "default": {"data": [1, 2]},
    "missing": {"scale": 3},
    "more": {"data": [1], "other": 1},
    "wrong type": {"data": 1},
    "null": {"data": None},
    "a number": 5,
    "a list": b"[1]",
    "nothing": b"",
    "broken": b"{",
    "no UTF-8": b'{"data": "\xff"}',
    "UTF-16": '{"data": [1]}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"data": [1]}',
    "NaN": b'{"data": [NaN]}',
    "huge": b'{"data": [1e400]}',
    "deep": b'{"data": ' + b"[" * 2000 + b"]" * 2000 + b"}",
}.items():
    case(f"standard: {name}", "standard", body, JSON)
for kind in (
    "text/plain",
    "application/vnd.mine+json",
    "application/json; charset=utf-8",
    "APPLICATION/JSON",
    "rubbish",
):
    case(f"standard: sent as {kind}", "standard", {"data": [1]}, ("Content-Type", kind))
case("standard: no type", "standard", {"data": [1]})
for query in ("data=[1,2]&scale=2", "scale=2", "data=1&data=2", "data=x"):
    case(f"standard: GET {query}", "standard", None, method="GET", path=f"/score?{query}")
case("standard: OPTIONS", "standard", None, method="OPTIONS")
for name, body in {
    "good": {"table": [{"a": 1, "b": 2}], "weights": [[1, 2]]},
    "other column": {"table": [{"a": 1, "c": 2}], "weights": [[1, 2]]},
    "text": {"table": [{"a": "x", "b": 2}], "weights": [[1, 2]]},
    "shape": {"table": [{"a": 1, "b": 2}], "weights": [1]},
    "split": {"table": {"columns": ["a", "b"], "data": [[1, 2]]}, "weights": [[1, 2]]},
    "nothing in it": {"table": [], "weights": []},
}.items():
    case(f"tables: {name}", "tables", body, JSON)
case(
    "nested: good", "nested", {"Inputs": {"name": "a", "parts": [1, 2]}, "GlobalParameters": 2.0}, JSON, MINE
)
case("nested: missing", "nested", {"Inputs": {"name": "a", "parts": [1, 2]}}, JSON)

# Headers for the script.
case("headers: some", "headers", b"body", JSON, MINE, ("X-Two-Words", "two"), ("Accept", "*/*"))
case("headers: lower", "headers", b"body", JSON, ("x-mine", "yes"), ("x-two-words", "two"))
case("headers: twice", "headers", b"body", JSON, ("X-Mine", "a"), ("X-Mine", "b"))
case("headers: GET", "headers", None, MINE, method="GET", path="/score?a=1")
case("driver: sum", "driver", b"[1, 2]", JSON)

# Where we answer differently: with what status, and why.
NAMED = "A request whose name is missing or cannot be kept in a log is given one, and served."
GATE = "The server refuses such an address before anybody looks at it."
EXIT = "The official worker ends, or leaves the answer to gunicorn. One request is all that fails here."
CROSS = "Nothing is said about other sites to who comes from none."
DIFFERENT: dict[str, tuple[int, str]] = {
    "plain: raise TimeoutError": (
        500,
        "The official server takes the script's own TimeoutError for its limit.",
    ),
    "plain: raise KeyboardInterrupt": (500, EXIT),
    "plain: raise SystemExit": (500, EXIT),
    "plain: raise GeneratorExit": (500, EXIT),
    "plain: gzip": (200, "A body that was compressed for the way is unpacked."),
    "plain: GET ?a=%ff": (400, GATE),
    "plain: GET /%2e%2e/score": (400, GATE),
    "plain: POST /%2e%2e/score": (400, GATE),
    "plain: long x-request-id": (200, NAMED),
    "plain: empty x-request-id": (200, NAMED),
    "plain: odd name": (200, NAMED),
    "plain: long name at health": (200, NAMED),
    "open: POST from here": (200, CROSS),
    "anyone: POST from here": (200, CROSS),
    "raw: POST lower": (200, "The official server sends two content types, its own and the script's."),
    "raw: POST cookie": (200, "A model sets no cookies: they would be the server's."),
    "standard: no UTF-8": (400, "It is the sender's mistake, and not the server's."),
}

# Headers that name the server, the way or the moment, and are not part of the contract.
OURS = {
    "azureml-model-deployment",
    "content-security-policy",
    "ms-azureml-model-error-reason",
    "ms-azureml-model-error-statuscode",
    "x-content-type-options",
}
IGNORED = {
    "date",
    "server",
    "connection",
    "x-ms-server-version",
    "transfer-encoding",
    "content-length",
    *OURS,
}
NAMES = ("x-request-id", "x-ms-request-id", "x-ms-client-request-id")


def compared(answer, asked):
    """Return what of an answer both servers must agree in. Names that a server makes up are left out."""
    given = {name.lower(): value for name, value in asked}
    made_up = {NAMES[0]} - set(given) | ({NAMES[1]} if not any(given.get(name) for name in NAMES) else set())
    headers = []
    for name, value in answer.headers:
        name = name.lower()
        if name == "x-ms-run-fn-exec-ms":
            value = "(some)"
        elif name == "allow":
            value = ", ".join(sorted(value.split(", ")))
        if name not in IGNORED and name not in made_up:
            headers.append((name, value))
    body = answer.body
    if b'"swagger":' in body or b'"openapi":' in body:
        body = json.loads(body)
    return answer.status, sorted(headers), body


@pytest.mark.parametrize("name", cases)
def test_both_answer_the_same(places, name):
    script, method, path, body, headers = cases[name]
    theirs, ours = places[script]
    answer = compared(ours.ask(method, path, body, headers), headers)
    if name in DIFFERENT:
        status, reason = DIFFERENT[name]
        assert answer[0] == status, reason
        return
    assert answer == compared(theirs.ask(method, path, body, headers), headers)


def test_every_exception_is_a_case():
    assert set(DIFFERENT) <= set(cases)
    assert {script for script, *_ in cases.values()} == set(SCRIPTS)
