"""Answers scoring requests: the contract of azureml-inference-server-http."""

import os
import signal
import sys
import threading
import time
import traceback
import uuid
from contextlib import contextmanager

from atelier_serving import contrib, swagger
from atelier_serving.inputs import BadInput, UnsupportedInput, UnsupportedMethod
from atelier_serving.script import print_fault

_HEADER_LIMIT = 100
_SCRIPT_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
_SERVER_FAILED = "An unexpected internal error occurred. Check the logs for more info."
_ROUTES = {
    "/": ("GET",),
    "/swagger.json": ("GET",),
    "/score": ("GET", "POST", "OPTIONS"),
    "/invocations": ("POST",),
}


class CallTimeout(BaseException):
    """The call took too long. Not an Exception, so that no script catches it by accident."""


class Service:
    """Turns the header and body of a request's frame into those of its answer."""

    def __init__(self, app_root, script, execute):
        """Calls of run() go through execute, which says in which thread they happen."""
        self._app_root, self._script, self._execute = app_root, script, execute
        self._limit_ms = int(os.environ.get("SCORING_TIMEOUT_MS", "3600000"))

    def answer(self, header, body):
        """Return (header, body) of the answer."""
        started = time.perf_counter()
        request = contrib.AMLRequest(
            header.get("method", "POST"),
            header.get("path", "/score"),
            header.get("query", ""),
            header.get("headers"),
            body,
        )
        meta = {"pid": os.getpid()}
        names, response = _identify(request, header.get("request_id"))
        if response is None:
            try:
                response = self._route(request, header.get("timeout_ms") or 0, meta)
            except Exception:
                traceback.print_exc()
                response = contrib.error(500, _SERVER_FAILED)
        elapsed = (time.perf_counter() - started) * 1000
        if request.path in ("/score", "/invocations"):
            _log(
                "%s %s %d %.3fms %d"
                % (
                    request.method,
                    request.path,
                    response.status_code,
                    elapsed,
                    len(response.data),
                )
            )
        meta.update(
            status=response.status_code,
            headers=response.headers + names,
            elapsed_ms=round(elapsed, 3),
        )
        return meta, response.data

    def _route(self, request, timeout_ms, meta):
        allowed = _ROUTES.get(request.path)
        if allowed is None:
            return contrib.error(404, "The requested URL was not found on the server.")
        if request.method not in allowed:
            return contrib.error(405, "Method not allowed")
        if request.path == "/":
            return contrib.plain_text("Healthy")
        if request.path == "/swagger.json":
            return self._swagger(request)
        if request.method == "OPTIONS":
            return contrib.AMLResponse("", 200)
        return self._execute(lambda: self._score(request, timeout_ms, meta))

    def _swagger(self, request):
        try:
            found = swagger.document(request.args.get("version"), self._app_root, self._script)
        except swagger.Unsupported as fault:
            return contrib.error(404, str(fault))
        return contrib.AMLResponse(found, 200, json_str=True)

    def _score(self, request, timeout_ms, meta):
        limit = min(timeout_ms or self._limit_ms, self._limit_ms)
        try:
            arguments = self._script.arguments(request)
            with _time_limit(limit):
                started = time.perf_counter()
                output = self._script.run(arguments)
                elapsed = (time.perf_counter() - started) * 1000
        except BadInput as fault:
            return contrib.error(400, str(fault))
        except UnsupportedInput as fault:
            return contrib.error(415, str(fault))
        except UnsupportedMethod:
            return contrib.error(405, "Method not allowed")
        except CallTimeout as fault:
            print_fault(fault)
            meta["timed_out"] = limit < self._limit_ms
            return contrib.error(500, "Scoring timeout after %d ms" % limit, run_function_failed=True)
        except BaseException as fault:  # sys.exit() in a script ends the request, not the worker
            print_fault(fault)
            return contrib.error(500, _SCRIPT_FAILED, run_function_failed=True)
        return _finish(output, elapsed)


def _finish(output, elapsed):
    response = contrib.as_response(output)
    if response is None:
        response = contrib.AMLResponse(output, 200, json_str=True)
    elif response.status_code >= 500:
        response.set("x-ms-run-function-failed", "True")
    response.headers.append(("x-ms-run-fn-exec-ms", "%.3f" % elapsed))
    return response


def _identify(request, request_id):
    """Return the headers that name the request, and a refusal where they are too long."""
    request_id = request.headers.get("x-request-id") or request_id or str(uuid.uuid4())
    client_id = request.headers.get("x-ms-client-request-id", "")
    legacy_id = request.headers.get("x-ms-request-id", "")
    if legacy_id:
        client_id = client_id or legacy_id
    else:
        legacy_id = client_id or request_id
    if len(request_id) > _HEADER_LIMIT:
        return [], contrib.error(431, "x-request-id must not exceed %d characters" % _HEADER_LIMIT)
    names = [("x-request-id", request_id)]
    if len(legacy_id) > _HEADER_LIMIT or len(client_id) > _HEADER_LIMIT:
        message = "x-ms-request-id and x-ms-client-request-id must not exceed %d characters" % _HEADER_LIMIT
        return names, contrib.error(431, message)
    names.append(("x-ms-request-id", legacy_id))
    if client_id:
        names.append(("x-ms-client-request-id", client_id))
    if "traceid" in request.headers:
        names.append(("traceid", request.headers["traceid"]))
    return names, None


def _expired(_number, _frame):
    raise CallTimeout()


@contextmanager
def _time_limit(milliseconds):
    """End what runs inside after the time. Only the main thread can be interrupted:
    elsewhere the call goes on, and the router answers for it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _expired)
    signal.setitimer(signal.ITIMER_REAL, milliseconds / 1000)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _log(line):
    sys.stdout.write("%s %s\n" % (time.strftime("%Y-%m-%d %H:%M:%S"), line))
    sys.stdout.flush()
