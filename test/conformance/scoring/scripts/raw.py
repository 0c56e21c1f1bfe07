"""Takes the whole request, and answers with responses of its own."""

import json

from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse


def init():
    """Need nothing."""


@rawhttp
def run(request):
    """Answer as the query wants, or with what the request looks like."""
    what = request.args.get("do", "show")
    return globals()["_" + what](request)


def _show(request):
    return {
        "method": request.method,
        "path": request.path,
        "full_path": request.full_path,
        "query": request.query_string.decode(),
        "args": {name: request.args.getlist(name) for name in sorted(request.args)},
        "first": request.args.get("a"),
        "number": request.args.get("n", type=int),
        "wrong": request.args.get("a", 7, type=int),
        "content_type": request.content_type,
        "mimetype": request.mimetype,
        "parameters": request.mimetype_params,
        "length": request.content_length,
        "is_json": request.is_json,
        "mine": request.headers.get("x-MINE"),
        "both": [name in request.headers for name in ("X-Mine", "x-mine", "X-Other")],
        "names": sorted(name for name, _ in request.headers if name.startswith(("X-Mi", "Con"))),
        "body": request.get_data().hex(),
        "again": request.data.hex(),
        "is_request": hasattr(request, "get_json"),
        "class": AMLRequest.__name__,
    }


def _body(request):
    text = request.get_data(as_text=True)
    return {"read": request.get_data().hex(), "data": request.data.hex(), "text": text}


def _stream(request):
    return {"read": request.stream.read(3).hex(), "rest": request.stream.read().hex()}


def _json(request):
    return {"json": request.get_json()}


def _property(request):
    return {"json": request.json}


def _forced(request):
    return {"json": request.get_json(force=True)}


def _silent(request):
    return {"json": request.get_json(silent=True)}


def _form(request):
    files = {name: [file.filename, file.mimetype, file.read().hex()] for name, file in request.files.items()}
    return {"form": {name: request.form.getlist(name) for name in request.form}, "files": files}


def _values(request):
    args = request.args
    return {
        "values": sorted(request.values.items()),
        "flat": args.to_dict(),
        "deep": args.to_dict(flat=False),
    }


def _missing(request):
    return request.headers["X-Not-There"]


def _missing_argument(request):
    return request.args["not-there"]


def _bytes(request):
    return AMLResponse(request.get_data()[::-1], 200)


def _image(_request):
    return AMLResponse(b"\x89PNG", 200, {"Content-Type": "image/png"})


def _lower(_request):
    return AMLResponse("{}", 200, {"content-type": "application/json"})


def _teapot(_request):
    return AMLResponse("short and stout", 418, {"X-Mine": "a, b,c", "x-empty": ""})


def _json_answer(_request):
    return AMLResponse({"a": [1, None, "é"]}, 201, json_str=True)


def _none(_request):
    return AMLResponse(None, 200)


def _nothing(_request):
    return AMLResponse("", 204)


def _failed(_request):
    return AMLResponse("down", 503)


def _failed_flag(_request):
    return AMLResponse("bad", 400, run_function_failed=True)


def _list(_request):
    return AMLResponse(["a", "b"], 200)


def _chunks(_request):
    return AMLResponse((part for part in (b"one ", b"two ", b"three")), 200, {"Content-Type": "text/plain"})


def _plain(_request):
    return ["plain", 1]


def _changed(_request):
    response = AMLResponse("body", 200)
    response.headers["X-Added"] = "later"
    response.headers.add("X-Added", "twice")
    response.status_code = 202
    response.content_type = "text/x-mine"
    return response


def _cookie(_request):
    response = AMLResponse("body", 200)
    response.set_cookie("a", "b")
    return response


def _newline(_request):
    return AMLResponse("body", 200, {"X-Mine": "a\r\nX-Forged: b"})


def _set_data(_request):
    response = AMLResponse("body", 200)
    response.set_data(json.dumps({"set": True}))
    response.mimetype = "application/json"
    return response


def _raise(_request):
    raise ValueError("on purpose")
