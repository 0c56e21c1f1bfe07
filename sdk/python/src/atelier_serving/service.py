"""Answers scoring requests: the contract of azureml-inference-server-http."""

import os
import sys
import threading
import time
import traceback
import uuid

from atelier_serving import collector, inference, response, swagger
from atelier_serving.inputs import BadInput, UnsupportedInput, UnsupportedMethod
from atelier_serving.request import AMLRequest
from atelier_serving.script import print_fault

_HEADER_LIMIT = 100
_SCRIPT_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
_SERVER_FAILED = "An unexpected internal error occurred. Check the logs for more info."
_NOT_FOUND = (
    "The requested URL was not found on the server. "
    "If you entered the URL manually please check your spelling and try again."
)
_NOT_ALLOWED = "The method is not allowed for the requested URL."
_ROUTES = {
    "/": ("GET", "HEAD", "OPTIONS"),
    "/swagger.json": ("GET", "HEAD", "OPTIONS"),
    "/score": ("GET", "HEAD", "POST", "OPTIONS"),
    "/invocations": ("POST",),
}
#: Where run() is called.
_SCORING = ("/score", "/invocations")


def _methods(path):
    """Return the methods that a path can be asked with, or None where there is nothing."""
    if inference.speaks(path):
        return ("POST",) if inference.asks(path) else ("GET", "HEAD")
    return _ROUTES.get(path)


class CallTimeout(BaseException):
    """The call took too long. Not an Exception, so that no script catches it by accident."""


class Answer:
    """What a request is answered with: the header of a frame, and the body or its parts."""

    def __init__(self, meta, found):
        self.meta, self.chunks = meta, found.chunks
        self.body = b"" if found.chunks is not None else found.get_data()


class _Call:
    """A request on its way to its answer."""

    def __init__(self, header, body):
        self.started = time.perf_counter()
        self.request = AMLRequest(
            header.get("method", "POST"),
            header.get("path", "/score"),
            header.get("query", ""),
            header.get("headers"),
            body,
        )
        self.timeout_ms, self.in_parts = header.get("timeout_ms") or 0, header.get("stream")
        self.meta = {"pid": os.getpid()}
        self.names, self.found = _identify(self.request, header.get("request_id"))
        self.arguments = None  # of run()

    @property
    def scores(self):
        """Whether run() is to be called."""
        return self.is_for_the_model and self.request.method in _methods(self.request.path)

    @property
    def is_for_the_model(self):
        """Whether the path is one where the model is asked."""
        return self.request.path in _SCORING or inference.asks(self.request.path)

    def error(self, status, message, failed=False):
        """The answer where something went wrong, as the path's protocol wants it."""
        name = "error" if inference.speaks(self.request.path) else "message"
        return response.error(status, message, run_function_failed=failed, name=name)

    def end(self):
        """Return the answer."""
        answer, found = Answer(self.meta, self.found), self.found
        elapsed = (time.perf_counter() - self.started) * 1000
        if self.is_for_the_model:
            LINES.add(self.request, found.status_code, elapsed, len(answer.body))
        self.meta["status"] = found.status_code
        self.meta["headers"] = [(name.lower(), value) for name, value in found.headers.pairs] + self.names
        self.meta["elapsed_ms"] = round(elapsed, 3)
        return answer


class Service:
    """Turns the header and body of a request's frame into its answer."""

    def __init__(self, app_root, script, limit, limit_ms):
        """Calls of run() happen inside limit(milliseconds), which ends them with CallTimeout.
        None may take more than limit_ms."""
        self._app_root, self._script, self._limit, self._limit_ms = app_root, script, limit, limit_ms

    def answer(self, header, body):
        """Return the answer to one request."""
        call = _Call(header, body)
        if call.found is None:
            self._find(call, self._route)
        return call.end()

    def answer_together(self, frames):
        """Return the answers to several requests, of which those that go together cost one call."""
        calls = [_Call(*frame) for frame in frames]
        groups = {}
        for call in calls:
            if call.found is None and call.scores:
                self._find(call, self._prepare)
            if call.arguments is not None:
                groups.setdefault(self._script.group(call.arguments), []).append(call)
        for key, group in groups.items():
            if key is not None and len(group) > 1:
                self._score_together(group)
        for call in calls:
            if call.found is None:
                self._find(call, self._route if call.arguments is None else self._run)
        return [call.end() for call in calls]

    def _find(self, call, make):
        """Have make(call) find the answer, whatever goes wrong."""
        collector.entering(call.names[0][1])
        try:
            call.found = make(call)
            if call.found is not None and call.found.chunks is not None and not call.in_parts:
                call.found.get_data()
        except Exception:
            traceback.print_exc()
            call.found = call.error(500, _SERVER_FAILED)

    def _route(self, call):
        request = call.request
        allowed = _methods(request.path)
        if allowed is None and request.method == "GET":
            page = self._script.pages.get(request.path)
            if page is not None:
                return response.AMLResponse(page, 200, {"Content-Type": "application/json"})
        if allowed is None:
            return call.error(404, _NOT_FOUND)
        if request.method not in allowed:
            return call.error(405, _NOT_ALLOWED)
        if call.is_for_the_model:
            return self._prepare(call) or self._run(call)
        if inference.speaks(request.path):
            return self._describe(call)
        if request.method == "OPTIONS":
            found = response.plain_text("")
            found.headers.set("Allow", ", ".join(allowed))
            return found
        return response.plain_text("Healthy") if request.path == "/" else self._swagger(request)

    def _describe(self, call):
        try:
            return response.AMLResponse(
                inference.describe(call.request.path, self._script.model), 200, json_str=True
            )
        except inference.Unknown as fault:
            return call.error(404, str(fault))

    def _swagger(self, request):
        try:
            found = swagger.document(request.args.get("version"), self._app_root, self._script)
        except swagger.Unsupported as fault:
            return response.error(404, str(fault))
        return response.AMLResponse(found, 200, json_str=True)

    def _prepare(self, call):
        """Find the arguments for run(), or the answer where there are none."""
        try:
            if inference.asks(call.request.path):
                inference.address(call.request.path, self._script.model)
            call.arguments = self._script.arguments(call.request)
        except BadInput as fault:
            return call.error(400, str(fault))
        except inference.Unknown as fault:
            return call.error(404, str(fault))
        except UnsupportedInput as fault:
            return call.error(415, str(fault))
        except UnsupportedMethod:
            if call.request.method == "OPTIONS":
                return response.AMLResponse("", 200)
            return response.error(405, "Method not allowed")
        return None

    def _run(self, call):
        limit = min(call.timeout_ms or self._limit_ms, self._limit_ms)
        try:
            with self._limit(limit):
                started = time.perf_counter()
                output = self._script.run(call.arguments)
                elapsed = (time.perf_counter() - started) * 1000
                if isinstance(output, response.AMLResponse) and output.chunks is not None:
                    output.chunks = self._continue(next(output.chunks, b""), output.chunks, limit)
        except BaseException as fault:  # sys.exit() in a script ends the request, not the worker
            return self._failed(call, fault, limit)
        found = response.as_response(output)
        found.headers.add("x-ms-run-fn-exec-ms", "%.3f" % elapsed)
        return found

    def _score_together(self, calls):
        """Answer calls by one call of the script. Where that fails, they are left to be tried
        one by one: what is wrong with one request is no fault of the others."""
        limit = min(call.timeout_ms or self._limit_ms for call in calls)
        limit = min(limit, self._limit_ms)
        collector.entering("")  # it is none of them alone
        try:
            with self._limit(limit):
                started = time.perf_counter()
                outputs = self._script.run_together([call.arguments for call in calls])
                elapsed = (time.perf_counter() - started) * 1000
        except CallTimeout as fault:  # there is no time left to try again
            for call in calls:
                call.found = self._failed(call, fault, limit)
            return
        except BaseException as fault:
            print("A batch of %d requests failed. Each is tried by itself." % len(calls), flush=True)
            print_fault(fault)
            return
        for call, output in zip(calls, outputs):
            self._find(call, lambda call, output=output: self._one_of(call, output, elapsed, limit))

    def _one_of(self, call, output, elapsed, limit):
        if isinstance(output, Exception):
            return self._failed(call, output, limit)
        found = response.as_response(output)
        try:
            with self._limit(limit):
                found.get_data()  # only what has the worker to itself is sent in parts
        except CallTimeout as fault:
            return self._failed(call, fault, limit)
        found.headers.add("x-ms-run-fn-exec-ms", "%.3f" % elapsed)
        return found

    def _failed(self, call, fault, limit):
        """The answer where the script failed with fault."""
        if isinstance(fault, BadInput):
            return call.error(400, str(fault))
        print_fault(fault)
        if isinstance(fault, CallTimeout):
            call.meta["timed_out"] = limit < self._limit_ms
            return call.error(500, "Scoring timeout after %d ms" % limit, failed=True)
        return call.error(500, _SCRIPT_FAILED, failed=True)

    def _continue(self, first, rest, limit):
        """Yield the parts of an answer, the first of which is known: while it is made, the
        script can still fail as a whole. Each of the others has as much time as a call."""
        try:
            yield first
            while True:
                with self._limit(limit):
                    chunk = next(rest, None)
                if chunk is None:
                    return
                yield chunk
        finally:
            if hasattr(rest, "close"):
                rest.close()


def _identify(request, request_id):
    """Return the headers that name the request, and a refusal where they are too long."""
    request_id = request.header("x-request-id") or request_id or str(uuid.uuid4())
    client_id = request.header("x-ms-client-request-id")
    legacy_id = request.header("x-ms-request-id")
    if legacy_id:
        client_id = client_id or legacy_id
    else:
        legacy_id = client_id or request_id
    if len(request_id) > _HEADER_LIMIT:
        return [], response.error(431, "x-request-id must not exceed %d characters" % _HEADER_LIMIT)
    names = [("x-request-id", request_id)]
    if len(legacy_id) > _HEADER_LIMIT or len(client_id) > _HEADER_LIMIT:
        message = "x-ms-request-id and x-ms-client-request-id must not exceed %d characters" % _HEADER_LIMIT
        return names, response.error(431, message)
    names.append(("x-ms-request-id", legacy_id))
    if client_id:
        names.append(("x-ms-client-request-id", client_id))
    if request.header("traceid", None) is not None:
        names.append(("traceid", request.header("traceid")))
    return names, None


class Lines:
    """The lines of the log that tell of requests. They are written some at a time: whoever
    reads them has as much to do for each time as a small model for an answer."""

    _PAUSE = 0.1

    def __init__(self):
        self._lines, self._added = [], threading.Event()

    def start(self):
        threading.Thread(target=self._write, daemon=True).start()

    def add(self, request, status, elapsed, size):
        """Note that a request was answered."""
        self._lines.append((time.time(), request.method, request.path, status, elapsed, size))
        if not self._added.is_set():
            self._added.set()

    def flush(self):
        """Write what has been noted."""
        lines, self._lines = self._lines, []
        text = []
        for moment, *rest in lines:
            stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))
            text.append("%s %s %s %d %.3fms %d\n" % (stamp, *rest))
        sys.stdout.write("".join(text))
        sys.stdout.flush()

    def _write(self):
        while True:
            self._added.wait()
            time.sleep(self._PAUSE)
            self._added.clear()
            self.flush()


LINES = Lines()
