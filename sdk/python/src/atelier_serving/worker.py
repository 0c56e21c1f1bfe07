"""The worker process: loads the script, then answers frames on a Unix socket.

    python -m atelier_serving.worker --socket PATH --code FOLDER --entry score.py

It listens only once init() has succeeded. It ends with 3 when the script cannot
be loaded, and then leaves the reason in the file that --failure names.

With more than one worker, each is a process of its own that loads the script by
itself, and all accept from one socket.
"""

import argparse
import contextlib
import gc
import json
import os
import signal
import socket
import sys
import threading
import time
import traceback

from atelier_serving import calls, collector, mlflow_model, shims
from atelier_serving.script import Script, ScriptError, print_fault
from atelier_serving.service import LINES, Service

INIT_FAILED = 3
_STOPPING = (signal.SIGTERM, signal.SIGINT)


def main(arguments=None):
    """Serve until told to stop, and return the exit code."""
    options = _options(arguments)
    listener = _bind(options.socket)
    _prepare(options)
    if options.workers > 1:
        return _supervise(options, listener)
    return _work(options, listener, options.concurrency, lambda: listener.listen(128))


def _options(arguments):
    parser = argparse.ArgumentParser(prog="atelier_serving.worker", description=__doc__.splitlines()[0])
    parser.add_argument("--socket", required=True, help="where to listen")
    parser.add_argument("--code", default="", help="the folder with the scoring script")
    parser.add_argument("--entry", default="", help="the scoring script in it; none for an MLflow model")
    parser.add_argument("--failure", default="", help="the file for the reason when loading fails")
    parser.add_argument("--concurrency", type=int, default=1, help="how many calls at once")
    parser.add_argument("--workers", type=int, default=1, help="how many processes")
    parser.add_argument("--batch-size", type=int, default=1, help="how many requests one call may answer")
    parser.add_argument(
        "--batch-delay", type=float, default=0, help="for how long, in ms, it may wait for them"
    )
    return parser.parse_args(arguments)


def _bind(path):
    """Bind the socket. The name is relative to its folder, because the system
    allows only some hundred bytes for it."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    here = os.getcwd()
    os.chdir(os.path.dirname(os.path.abspath(path)))
    try:
        name = os.path.basename(path)
        if os.path.exists(name):
            os.unlink(name)
        listener.bind(name)
        os.chmod(name, 0o600)
    finally:
        os.chdir(here)
    return listener


def _prepare(options):
    """Make imports and the working folder as scripts expect them."""
    shims.install()
    if options.code:
        folder = os.path.abspath(options.code)
        options.code = folder
        os.environ.setdefault("AML_APP_ROOT", folder)
        os.environ.setdefault("AZUREML_ENTRY_SCRIPT", options.entry)
        os.chdir(folder)
        for place in (folder, os.path.dirname(os.path.join(folder, options.entry))):
            if place not in sys.path:
                sys.path.append(place)
    source = os.environ.get("AZUREML_SOURCE_DIRECTORY")
    if source:
        sys.path.append(os.path.join(options.code, source))


def _time_limit():
    """Return how many milliseconds a call may take at most."""
    text = os.environ.get("SCORING_TIMEOUT_MS", "3600000")
    try:
        limit = int(text)
    except ValueError:
        limit = 0
    if limit <= 0:
        raise ScriptError(
            "BadArgument", "SCORING_TIMEOUT_MS is %r, which is no number of milliseconds." % text
        )
    return limit


def _load(options):
    """Return the script, or the MLflow model, after its init()."""
    script = _find(options)
    script.load()
    if options.batch_size > 1:
        script.allow_batches()
    script.init()
    return script


def _find(options):
    if options.entry:
        return Script(options.code, options.entry)
    model_dir = os.environ.get("AZUREML_MODEL_DIR", "")
    folder = mlflow_model.find(model_dir) if os.path.isdir(model_dir) else None
    if folder is None:
        raise ScriptError(
            "UserScriptImportError",
            "There is neither a scoring script nor an MLflow model (a folder with a file MLmodel).",
        )
    return mlflow_model.MLflowModel(folder)


def _work(options, listener, concurrency, open_for_requests):
    """Load the script, answer requests, and return the exit code."""
    if options.batch_size > 1 or concurrency == 1:
        caller = calls.Alone(options.batch_size, options.batch_delay)
    else:
        caller = calls.Several(concurrency)
    try:
        limit = _time_limit()
        service = Service(options.code, _load(options), caller.limit, limit)
    except ScriptError as fault:
        print_fault(fault.__cause__ or fault)
        _list_model()
        _explain(options.failure, fault)
        return INIT_FAILED
    for number in _STOPPING:
        signal.signal(number, lambda _number, _frame: caller.stop())
    gc.freeze()  # what has been loaded stays: no request has to wait while that is searched for garbage
    open_for_requests()
    print("The worker (process %d) is ready." % os.getpid(), flush=True)
    LINES.start()
    caller.serve(listener, service)
    LINES.flush()
    collector.flush()
    return 0


def _explain(path, fault):
    if path:
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"code": fault.code, "message": str(fault)}, file)


def _list_model():
    """Print what is in the model's folder: most failures of init() are a wrong path."""
    root, shown = os.environ.get("AZUREML_MODEL_DIR", ""), 0
    if not os.path.isdir(root):
        return
    print("Files in AZUREML_MODEL_DIR (%s):" % root, flush=True)
    for folder, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            if shown == 200:
                print("  ...", flush=True)
                return
            print("  " + os.path.relpath(os.path.join(folder, name), root), flush=True)
            shown += 1


def _supervise(options, listener):
    """Run several workers on one socket, and replace those that end."""
    share = max(1, -(-options.concurrency // options.workers))  # calls at once, in each
    children, opened, stopping = {}, [], []
    loaded, report = os.pipe()
    alive, lifeline = os.pipe()  # closes by itself when this process ends

    def start():
        # A child is known, and has its own way with signals, before one reaches it.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
        if not stopping:
            pid = os.fork()
            if pid == 0:
                os.close(lifeline)
                _child(options, listener, share, (report, alive))
            children[pid] = True
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)

    def stop(_number, _frame):
        stopping.append(True)
        for pid in list(children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    for number in _STOPPING:
        signal.signal(number, stop)
    for _ in range(options.workers):
        start()
    opening = (options.workers, loaded, listener, opened)
    threading.Thread(target=_open_when_loaded, args=opening, daemon=True).start()
    while children:
        pid, status = os.wait()
        children.pop(pid, None)
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1
        if stopping:
            continue
        if not opened:
            for other in children:
                os.kill(other, signal.SIGKILL)
            return code or 1
        print("A worker (process %d) ended with %d. Starting another." % (pid, code), flush=True)
        time.sleep(1)
        start()
    return 0


def _open_when_loaded(workers, loaded, listener, opened):
    """Listen once every worker has said that it is loaded."""
    missing = workers
    while missing > 0:
        missing -= len(os.read(loaded, missing))
    opened.append(True)
    listener.listen(128)


def _end_with(alive):
    """End this process when the one that holds the pipe's other end has ended."""
    os.read(alive, 1)
    os._exit(1)


def _child(options, listener, share, pipes):
    """Be one of several workers; never returns."""
    code = 1
    report, alive = pipes
    try:
        threading.Thread(target=_end_with, args=(alive,), daemon=True).start()
        for number in _STOPPING:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        code = _work(options, listener, share, lambda: os.write(report, b"."))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
