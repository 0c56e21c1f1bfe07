import math
from datetime import datetime, timezone

from atelier import Job, Run


def test_unknown_fields_are_kept_and_null_is_absent():
    job = Job.from_json({"name": "a", "error": None, "usage": {"cpu_seconds": 2, "gpu": 1}, "colour": "blue"})
    assert job.error is None
    assert job.extra == {"colour": "blue"}
    assert job.usage.cpu_seconds == 2.0
    assert job.usage.extra == {"gpu": 1}


def test_times_of_any_precision_are_utc():
    times = ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.1Z", "2026-01-02T04:04:05.123456789+01:00"]
    read = [Job.from_json({"name": "a", "created_at": text}).created_at for text in times]
    assert read == [
        datetime(2026, 1, 2, 3, 4, 5, micros, tzinfo=timezone.utc) for micros in (0, 100000, 123456)
    ]


def test_metrics_that_json_has_no_word_for():
    values = {"a": 1, "b": "NaN", "c": "Infinity", "d": "-Infinity"}
    run = Run.from_json({"id": "r", "metrics": {key: {"value": value} for key, value in values.items()}})
    assert run.metrics["a"].value == 1.0
    assert math.isnan(run.metrics["b"].value)
    assert (run.metrics["c"].value, run.metrics["d"].value) == (math.inf, -math.inf)
