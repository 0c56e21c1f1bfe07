"""The driver of a batch job: scores the files of a folder, some at a time, and keeps the rows.

    python -m atelier_serving.batch PLAN

PLAN is a JSON file that the runner writes (internal/runner/batch.go). The files are
split into mini batches; each goes to one of several processes that have loaded the
script (batch_worker.py). A mini batch that is done is written to a journal with its
rows before it counts (batch_journal.py), so that a driver that is started again
scores only what is left, and no row comes twice.

It ends with 0 when everything is scored, or as much as error_threshold asks for.
Otherwise it leaves the reason in failure.json beside its journal.
"""

import hashlib
import json
import logging
import os
import shutil
import sys
import threading
import time

from atelier_serving.batch_journal import Journal
from atelier_serving.batch_pool import Lost, Worker

LOG = logging.getLogger("atelier.batch")
_FAILED = 1
#: How many processes may in a row end while they load the script, before nobody tries again.
_LOAD_TRIES = 3


class Failure(Exception):
    """The job cannot go on. Code is one word for programs."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def main(arguments=None):
    """Score what the plan names, and return the exit code."""
    (path,) = sys.argv[1:] if arguments is None else arguments
    with open(path, encoding="utf-8") as file:
        plan = json.load(file)
    level = getattr(logging, plan["logging_level"].upper(), logging.INFO)
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    try:
        Driver(plan).run()
    except Failure as fault:
        with open(os.path.join(plan["folder"], "failure.json"), "w", encoding="utf-8") as file:
            json.dump({"code": fault.code, "message": str(fault)}, file)
        LOG.error("%s", fault)
        return _FAILED
    return 0


def find_files(places):
    """Return all files at and under places, in the order of their names."""
    found = []
    for place in places:
        if os.path.isfile(place):
            found.append(place)
            continue
        for folder, folders, names in os.walk(place):
            folders.sort()
            found.extend(os.path.join(folder, name) for name in sorted(names))
    return found


class Driver:
    """Hands out mini batches, and keeps what comes back."""

    def __init__(self, plan):
        self._plan = plan
        files = find_files(plan["inputs"])
        if not files:
            raise Failure("UserError", "The input has no files, so there is nothing to score.")
        self._files, size = len(files), plan["mini_batch_size"]
        self._batches = [files[at : at + size] for at in range(0, len(files), size)]
        self._journal = Journal(os.path.join(plan["folder"], "journal"), self._identity(files))
        self._progress = os.path.join(plan["folder"], "progress.json")
        self._lock = threading.Lock()
        self._left = [at for at in range(len(self._batches)) if at not in self._journal.done]
        self._left.reverse()  # the next is the last
        self._workers = set()
        self._over, self._failure, self._unloaded, self._retries = False, None, 0, 0

    def _identity(self, files):
        """Return what must be the same for a journal to be taken up again."""
        told = [self._plan["mini_batch_size"], self._plan["output_action"]]
        told += [os.fsencode(name).decode("latin-1") + ":%d" % os.path.getsize(name) for name in files]
        return hashlib.sha256(json.dumps(told).encode("utf-8")).hexdigest()

    def run(self):
        """Score what is left, then write the output."""
        total, done = len(self._batches), len(self._journal.done)
        LOG.info("%d files in %d mini batches%s.", self._files, total, self._earlier(done))
        self._tell()
        if self._too_many() is not None:
            raise self._too_many()
        count = min(self._plan["processes"], len(self._left))
        threads = [threading.Thread(target=self._work, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._failure is not None:
            raise self._failure
        self._write_output()
        tally = self._journal.tally
        LOG.info("Done: %d rows; %d files failed.", tally["rows"], tally["files_failed"])

    def _earlier(self, done):
        return ", %d of which are done already" % done if done else ""

    def _work(self, number):
        """Score mini batches with one process after another, until none is left."""
        worker = None
        try:
            while True:
                with self._lock:
                    if self._over or not self._left:
                        return
                    at = self._left.pop()
                worker = self._score(at, number, worker)
        except Failure as fault:
            self._give_up(fault)
        except BaseException as fault:
            self._give_up(
                Failure("UserError", "The scoring broke off: %s: %s" % (type(fault).__name__, fault))
            )
        finally:
            if worker is not None:
                worker.end()

    def _give_up(self, fault):
        """Have everybody stop: what is being scored now is of no use any more."""
        with self._lock:
            self._over = True
            self._failure = self._failure or fault
            for worker in self._workers:
                worker.signal()

    def _score(self, at, number, worker):
        """Try a mini batch as often as is allowed, and keep what comes of it. Return the worker."""
        files, reason, began = self._batches[at], "", time.monotonic()
        for attempt in range(self._plan["max_retries"] + 1):
            if attempt:
                self._retries += 1
                LOG.warning("Mini batch %d failed and is tried again: %s", at, reason)
            worker = worker or self._start(number)
            if self._over:
                return worker
            try:
                answer, rows = worker.score(files, self._plan["retry_timeout"])
            except Lost as fault:
                reason = str(fault)
                self._drop(worker)
                worker = None
                if self._over:
                    return None
                continue
            if answer.get("error"):
                reason = answer["error"]
                continue
            self._keep(at, {"files": len(files), "rows": answer["rows"], "failed": answer["failed"]}, rows)
            took = time.monotonic() - began
            LOG.info("Mini batch %d: %d files, %d rows, %.2f s.", at, len(files), answer["rows"], took)
            return worker
        LOG.error("Mini batch %d failed for good: %s", at, reason)
        entry = {"files": len(files), "rows": 0, "failed": len(files), "error": reason}
        self._keep(at, entry, b"")
        return worker

    def _start(self, number):
        """Start a process and wait until it has loaded the script."""
        while not self._over:
            worker = Worker(self._plan, number)
            with self._lock:
                self._workers.add(worker)
                if self._over:
                    worker.signal()
            try:
                worker.load()
                self._unloaded = 0
                return worker
            except Lost as fault:
                self._drop(worker)
                if self._over:
                    return None
                reason = worker.reason()
                if reason is not None:
                    raise Failure(*reason) from None
                with self._lock:
                    self._unloaded += 1
                    if self._unloaded >= _LOAD_TRIES:
                        raise Failure(
                            "UserScriptInitFailed", "The script cannot be loaded: %s" % fault
                        ) from None
        return None

    def _drop(self, worker):
        """End a process that is of no use any more."""
        with self._lock:
            self._workers.discard(worker)
        worker.kill()

    def _keep(self, at, entry, rows):
        with self._lock:
            self._journal.add(at, entry, rows)
            self._tell()
        fault = self._too_many()
        if fault is not None:
            raise fault

    def _too_many(self):
        """Return the failure of a job in which more files have failed than may; else None."""
        failed, most = self._journal.tally["files_failed"], self._plan["error_threshold"]
        if most < 0 or failed <= most:
            return None
        message = "%d files could not be scored, and error_threshold allows %d. The last reason: %s"
        return Failure("ErrorThresholdExceeded", message % (failed, most, self._journal.reason))

    def _tell(self):
        """Write how far the work is, for the runner."""
        told = dict(self._journal.tally, retries=self._retries)
        told.update(files=self._files, mini_batches=len(self._batches))
        half = self._progress + ".new"
        with open(half, "w", encoding="utf-8") as file:
            json.dump(told, file)
        os.replace(half, self._progress)

    def _write_output(self):
        """Write the rows of all mini batches, in the order of the files."""
        if self._plan["output_action"] != "append_row":
            return
        place = os.path.join(self._plan["output"], self._plan["output_file_name"])
        half = os.path.join(self._plan["folder"], "output")
        with open(half, "wb") as file:
            for at in range(len(self._batches)):
                self._journal.copy_rows(at, file)
        shutil.move(half, place)


if __name__ == "__main__":
    sys.exit(main())
