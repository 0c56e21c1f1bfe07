"""A process of a batch job: loads the script once, and runs it on one mini batch after another.

It talks with its driver (batch.py) over a socket that it was given: a frame with the
names of files comes, and one with rows, or with what went wrong, goes back.
"""

import argparse
import json
import logging
import os
import socket
import sys

from atelier_serving import frames, mlflow_model, shims
from atelier_serving.batch_mlflow import MLflowBatch
from atelier_serving.batch_rows import CannotWrite, write_rows
from atelier_serving.script import Script, ScriptError, print_fault

INIT_FAILED = 3


class BatchScript(Script):
    """A scoring script whose run() takes the paths of a mini batch."""

    def score(self, files):
        """Return what run() returned, and how many files it failed to score."""
        return self._run(files), 0


def main(arguments=None):
    """Answer until the driver hangs up, and return the exit code."""
    options = _options(arguments)
    own = os.getpid()
    connection = frames.Connection(socket.socket(fileno=options.fd))
    os.set_inheritable(options.fd, False)
    logging.basicConfig(
        level=getattr(logging, options.logging_level.upper(), logging.INFO), stream=sys.stdout
    )
    _prepare(options)
    try:
        script = _load(options)
    except ScriptError as fault:
        print_fault(fault.__cause__ or fault)
        with open(options.failure, "w", encoding="utf-8") as file:
            json.dump({"code": fault.code, "message": str(fault)}, file)
        return INIT_FAILED
    connection.socket.sendall(frames.encode({"ready": True}, b""))
    while True:
        request = frames.read(connection)
        if request is None:
            return 0
        header, rows = _score(script, request[0]["files"], options.output_action)
        sys.stdout.flush()
        if os.getpid() != own:  # the script forked, and this is not the one that is asked
            os._exit(0)
        connection.socket.sendall(frames.encode(header, rows))


def _options(arguments):
    parser = argparse.ArgumentParser(prog="atelier_serving.batch_worker", description=__doc__.splitlines()[0])
    parser.add_argument("--fd", type=int, required=True, help="the socket to the driver")
    parser.add_argument("--code", required=True, help="the folder with the scoring script")
    parser.add_argument("--entry", default="", help="the scoring script in it; none for an MLflow model")
    parser.add_argument("--failure", required=True, help="the file for the reason when loading fails")
    parser.add_argument("--output-action", required=True, help="append_row or summary_only")
    parser.add_argument("--logging-level", default="info", help="what the script's loggers let through")
    return parser.parse_args(arguments)


def _prepare(options):
    """Make imports and the working folder as scripts expect them."""
    shims.install()
    os.environ.setdefault("AML_APP_ROOT", options.code)
    os.chdir(options.code)
    for place in (options.code, os.path.dirname(os.path.join(options.code, options.entry))):
        if place not in sys.path:
            sys.path.append(place)


def _load(options):
    """Return the script, or the MLflow model, after its init()."""
    if options.entry:
        script = BatchScript(options.code, options.entry)
    else:
        root = os.environ.get("AZUREML_MODEL_DIR", "")
        folder = mlflow_model.find(root) if os.path.isdir(root) else None
        if folder is None:
            raise ScriptError(
                "UserScriptImportError",
                "There is neither a scoring script nor an MLflow model (a folder with a file MLmodel).",
            )
        script = MLflowBatch(folder)
    script.load()
    script.init()
    return script


def _score(script, files, action):
    """Return the header and the body of the answer to one mini batch."""
    try:
        result, failed = script.score(files)
        count, rows = write_rows(result, action)
    except CannotWrite as fault:
        return {"error": str(fault)}, b""
    except BaseException as fault:  # sys.exit() in a script ends the mini batch, not the process
        print_fault(fault)
        return {"error": "%s: %s" % (type(fault).__name__, str(fault)[:2000])}, b""
    if action == "append_row":
        failed = max(failed, len(files) - count)
    return {"rows": count, "failed": failed}, rows


if __name__ == "__main__":
    sys.exit(main())
