"""What scripts import as azureml.ai.monitoring: Collector.

A collected frame is copied and put into a queue; a thread of its own turns it into
lines and writes them, some at a time, into a file that the runner fetches. A file
has its name only once it is whole, so that no half line is ever read. What the
queue or the folder has no room for is dropped and counted: collecting never makes
a request wait for a disk, and never fails it.

Azure's own package sends to a program beside the worker that is not there, so this
takes its place even where it is installed. The other end of the files is
internal/runner/collected.go.
"""

import collections
import json
import os
import sys
import threading
import time
import uuid
import zlib

_AGENT = "atelier-collector"
#: What waits in memory at most: events, as in Azure's package, and cells of tables.
_CAPACITY = 1500
_CELLS = 8_000_000
#: What waits on the disk at most, while the server is away.
_SPOOL = 256 << 20
_PAUSE = 0.5
_BATCH = 1 << 20
#: How many bytes one event may have.
_EVENT = 64 << 20


class CorrelationContext:
    """Names what belongs together: the inputs and the outputs of one request."""

    @staticmethod
    def get_id():
        return ""

    def __str__(self):
        return self.get_id()

    __repr__ = __str__


class BasicCorrelationContext(CorrelationContext):
    def __init__(self, id=None, timestamp=None, headers=None):
        self.id = id or str(uuid.uuid4())
        self.timestamp = timestamp or int(time.time())
        self.headers = headers or {}

    def get_id(self):
        return self.id

    def get_timestamp(self):
        return self.timestamp

    def get_headers(self):
        return self.headers


class _Request(threading.local):
    """The request that a thread is about to answer."""

    id = ""


_request = _Request()


def entering(request_id):
    """Note which request the thread is about to answer."""
    _request.id = request_id


def get_context():
    """Return the context of the request that is being answered."""
    return BasicCorrelationContext(id=_request.id or None)


def get_context_wrapper(context, success, message):
    """Return the context; Azure's package adds to it whether the data was kept."""
    context.is_success = lambda: success
    context.get_message = lambda: message
    return context


def sampled(name, percentage):
    """Whether what has the name is one of those that are collected. It depends on the
    name alone, so that all collections have the same requests; the router counts
    alike (internal/collect)."""
    return zlib.crc32(name.encode("utf-8")) < percentage / 100 * (1 << 32)


def _raise(fault):
    raise fault


class Collector:
    """Collects frames under a name that the deployment's data_collector has."""

    def __init__(self, *, name, on_error=None):
        self.name, self._on_error, self._told = name, on_error or _raise, on_error
        self._check()

    def collect(self, data, correlation_context=None):
        """Keep a frame of pandas, and return the context in which it was collected."""
        context = correlation_context or get_context()
        config = self._check()
        if config is None:
            return context
        if not hasattr(data, "to_json") or not hasattr(data, "columns"):
            self._on_error(
                TypeError(
                    "data type (%s) not supported, supported types: pandas.DataFrame" % type(data).__name__
                )
            )
            return context
        if sampled(_request.id or context.get_id(), config["sampleRatePercentage"]):
            reason = _SPOOLER.add(self.name, data, context, _request.id)
            if reason and self._told is not None:
                self._told(Exception(reason))
        return context

    def _check(self):
        """Return how the collection is configured, or None after telling what is wrong."""
        config = _SPOOLER.config()
        found = config.get("collections", {}).get(self.name)
        if not self.name:
            self._on_error(Exception("collection name is not provided"))
        elif not any(one.get("enabled") for one in config.get("collections", {}).values()):
            self._on_error(Exception("custom logging is not enabled, drop the data"))
        elif not found or not found.get("enabled"):
            self._on_error(Exception("collection %s is not enabled, drop the data" % self.name))
        else:
            return found
        return None


def observing():
    """Return the context in which an MLflow model's request is collected, or None where
    nothing is."""
    found = _SPOOLER.config().get("collections")
    return get_context() if found else None


def observe(name, data, context):
    """Collect what an MLflow model was given or what it answered, where the deployment
    wants that."""
    if context is None:
        return
    found = _SPOOLER.config()["collections"].get(name)
    if found and found.get("enabled") and sampled(context.get_id(), found["sampleRatePercentage"]):
        _SPOOLER.add(name, data, context, context.get_id())


def flush():
    """Write what still waits: the worker is about to end."""
    _SPOOLER.flush()


def _frame(data):
    """Return data as a table: models take and give more than that."""
    if hasattr(data, "to_json") and hasattr(data, "columns"):
        return data
    import pandas

    if hasattr(data, "to_frame"):
        return data.to_frame(name=data.name if data.name is not None else "0")
    if hasattr(data, "ndim") and data.ndim > 2:
        data = [row.tolist() for row in data]
        return pandas.DataFrame({"0": data})
    return pandas.DataFrame(data)


class _Batch:
    """Lines that come into one file."""

    def __init__(self):
        self.lines, self.size, self.moment = [], 0, 0.0

    def add(self, line, moment):
        self.lines.append(line)
        self.size += len(line)
        self.moment = moment


class _Spooler:
    """Writes what is collected into the files that the runner fetches."""

    def __init__(self):
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self):
        """Begin anew: threads and locks do not outlive a fork."""
        self._config, self._thread = None, None
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._waiting, self._cells, self._dropped = collections.deque(), 0, {}
        self._told, self._number = 0.0, 0

    def config(self):
        """Return what the runner says of the collections; {} where nothing is collected."""
        if self._config is None:
            path = os.environ.get("AZUREML_MDC_CONFIG_PATH", "")
            self._config = {}
            if path and os.path.isfile(path):
                with open(path, encoding="utf-8") as file:
                    self._config = json.load(file)
        return self._config

    def add(self, name, data, context, request):
        """Queue a table, and return why it was dropped where it was."""
        cells = getattr(data, "size", None)
        cells = cells if isinstance(cells, int) else 1000
        with self._changed:
            if len(self._waiting) >= _CAPACITY or self._cells + cells > _CELLS:
                self._dropped[name] = self._dropped.get(name, 0) + 1
                return "message queue is full"
        # The script may go on to change it.
        data = data.copy() if hasattr(data, "copy") else data
        with self._changed:
            self._waiting.append((name, data, cells, context, request, time.time()))
            self._cells += cells
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            if len(self._waiting) == 1:
                self._changed.notify()
        return ""

    def flush(self):
        """Write all that waits."""
        with self._writing:
            with self._changed:
                waiting, self._waiting = self._waiting, collections.deque()
            batches = {}
            for name, data, cells, context, request, moment in waiting:
                with self._changed:
                    self._cells -= cells
                line = self._line(name, data, context, request, moment)
                if line is None:
                    continue
                # A file holds what was collected in one minute: no folder is shorter.
                key = (name, int(moment // 60))
                batch = batches.setdefault(key, _Batch())
                batch.add(line, moment)
                if batch.size > _BATCH:
                    self._write(name, batches.pop(key))
            for (name, _), batch in batches.items():
                self._write(name, batch)

    def _run(self):
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
            time.sleep(_PAUSE)  # others come meanwhile, and go into the same file
            try:
                self.flush()
            except Exception as fault:  # it must go on, whatever becomes of one batch
                print(
                    "Collected data could not be written: %s: %s" % (type(fault).__name__, fault), flush=True
                )

    def _line(self, name, data, context, request, moment):
        """Return the event as a line, or None where it was dropped."""
        try:
            frame = _frame(data)
            unwanted = [
                column for column in frame.columns if str(column) in self.config().get("dropColumns", ())
            ]
            if unwanted:
                frame = frame.drop(columns=unwanted)
            rows = frame.to_json(orient="records", date_format="iso")
            kind = type(data)
            event = {
                "specversion": "1.0",
                "id": str(uuid.uuid4()),
                "source": self.config().get("source", ""),
                "type": "azureml.inference." + name,
                "datacontenttype": "application/json",
                "time": _stamp(moment),
                "correlationid": context.get_id(),
                "xrequestid": request or context.get_id(),
                "modelversion": self.config().get("modelVersion", "default"),
                "collectdatatype": "%s.%s" % (kind.__module__, kind.__qualname__),
                "agent": _AGENT,
                "contentrange": "bytes 0-%d/%d" % (len(rows) - 1, len(rows)),
            }
            line = json.dumps(event)[:-1] + ', "data": ' + rows + "}\n"
            line = line.encode("utf-8")
        except Exception as fault:
            self._drop(name, 1, "%s: %s" % (type(fault).__name__, fault))
            return None
        if len(line) > _EVENT:
            self._drop(name, 1, "one has %d bytes" % len(line))
            return None
        return line

    def _write(self, name, batch):
        folder = os.path.join(self.config()["spool"], name)
        if _size(self.config()["spool"]) + batch.size > _SPOOL:
            self._drop(name, len(batch.lines), "the server has not fetched what was collected before")
            return
        with self._changed:
            dropped = self._dropped.pop(name, 0)
            self._number += 1
        whole = "%d-%d-%d-%d.jsonl" % (batch.moment * 1000, os.getpid(), self._number, dropped)
        half = os.path.join(folder, "." + whole)
        try:
            with open(half, "wb") as file:
                file.writelines(batch.lines)
            os.rename(half, os.path.join(folder, whole))
        except OSError as fault:
            with self._changed:
                self._dropped[name] = self._dropped.get(name, 0) + dropped
            self._drop(name, len(batch.lines), str(fault))

    def _drop(self, name, number, why):
        """Count what is not kept, and say so now and then."""
        with self._changed:
            self._dropped[name] = total = self._dropped.get(name, 0) + number
            quiet = time.monotonic() - self._told < 10
            if not quiet:
                self._told = time.monotonic()
        if not quiet:
            print(
                "The collection %s dropped rows (%d so far): %s." % (name, total, why),
                file=sys.stderr,
                flush=True,
            )


def _stamp(moment):
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))
    return "%s.%03dZ" % (text, int(moment * 1000) % 1000)


def _size(folder):
    """Return how many bytes of collected rows wait to be fetched."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.path.getsize(os.path.join(place, name))
            except OSError:  # it was fetched meanwhile
                continue
    return total


_SPOOLER = _Spooler()
