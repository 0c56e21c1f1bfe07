"""Writes what run() returned as rows, as Azure Machine Learning's append_row does.

There is no line of names. The fields of a table's row are parted by one blank; what
is no table has a line for each of its items.
"""

import csv
import io

from atelier_serving.batch_journal import MAX_ROWS


class CannotWrite(Exception):
    """run() returned something that is no rows."""


class Rows:
    """Rows that are text already."""

    def __init__(self, text, count):
        self.text, self.count = text, count


def write_rows(result, action):
    """Return how many rows a result has, and their bytes."""
    if action == "summary_only":
        return _count(result), b""
    if isinstance(result, Rows):
        count, text = result.count, result.text
    elif hasattr(result, "to_csv") and hasattr(result, "columns"):
        count, text = len(result), result.to_csv(sep=" ", header=False, index=False)
    else:
        count, text = _lines(result)
    rows = text.encode("utf-8", "backslashreplace")
    if len(rows) > MAX_ROWS:
        raise CannotWrite(
            "run() returned %d bytes of rows, which is more than a mini batch can have" % len(rows)
        )
    return count, rows


def _count(result):
    """Return how many items a result has that nobody keeps. A generator has to be run through."""
    try:
        return len(result)
    except TypeError:
        return sum(1 for _ in result) if hasattr(result, "__next__") else 0


def _lines(result):
    """Return how many items a list, an array or the like has, and a line for each."""
    if (
        isinstance(result, (str, bytes, bytearray, dict))
        or not hasattr(result, "__iter__")
        or _is_scalar(result)
    ):
        kind = type(result).__name__
        raise CannotWrite(
            "run() must return a DataFrame, a list or an array, one item for each file, and returned %s"
            % kind
        )
    target, count = io.StringIO(), 0
    fields = csv.writer(target, delimiter=" ", lineterminator="\n")
    for item in result:
        count += 1
        if isinstance(item, dict):
            fields.writerow(item.values())
        elif _is_row(item):
            fields.writerow(item)
        elif "\n" in str(item) or "\r" in str(item):
            fields.writerow([item])  # in quotes, so that it stays one row
        else:
            target.write("%s\n" % item)
    return count, target.getvalue()


def _is_scalar(value):
    """Whether a value is an array without dimensions, which cannot be gone through."""
    return getattr(value, "shape", None) == ()


def _is_row(item):
    return isinstance(item, (list, tuple)) or (
        hasattr(item, "tolist") and not _is_scalar(item) and hasattr(item, "__iter__")
    )
