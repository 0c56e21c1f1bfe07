"""The tables of a walk, as Markdown."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import Any

OPENING = """# What of Azure's examples runs

Made by `make conformance-azureml EXAMPLES=PATH`, from a checkout of Azure's public `azureml-examples`. Each
YAML file is read by `atelier validate`; each command job that needs neither Azure nor a GPU runs on a server
and has to complete. What a job needs is read from its YAML and its code. See [coming from
Azure](../guide/coming-from-azure.md).

"""

_VERDICTS = ["understood", "refused", "broken", "unknown", "foreign"]
_QUOTED = re.compile(r'"[^"]*"')


def wrong(one: dict[str, Any], excepted: dict[str, str]) -> bool:
    """Whether a job that has to run here did not."""
    return one["kind"] == "command job" and not (
        one["result"] == "Completed" or one["result"].startswith("needs ") or one["file"] in excepted
    )


def tables(files: list[dict[str, Any]], hidden: int, excepted: dict[str, str]) -> str:
    """All tables."""
    return "\n".join([_summary(files, hidden), _kinds(files), _reasons(files), _jobs(files, excepted)])


def _summary(files: list[dict[str, Any]], hidden: int) -> str:
    verdicts = Counter(one["verdict"] for one in files)
    jobs = [one for one in files if one["kind"] == "command job"]
    ran = [one for one in jobs if one["result"] == "Completed"]
    able = [one for one in jobs if not one["result"].startswith("needs ")]
    broken, unknown = verdicts["broken"], verdicts["unknown"]
    stood_in = sum(one["stand_in"] for one in ran)
    return f"""\
- Of {len(files)} files, {verdicts["understood"]} are understood and {verdicts["refused"]} refused by \
name, with the line. {verdicts["foreign"]} belong to other tools, of {unknown} nothing says what they \
describe (settings of scripts), and {broken} are no YAML (templates whose placeholders nobody has filled in).
- {hidden} more lie in hidden folders, such as GitHub's workflows, and are not read.
- Of {len(jobs)} command jobs, {len(able)} need nothing that is not here; {len(ran)} of these ran to \
Completed, {stood_in} with a stand-in for data that Azure keeps.
"""


def _kinds(files: list[dict[str, Any]]) -> str:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in files:
        count = counts[one["kind"] or "(nothing says it)"]
        count["files"] += 1
        count[one["verdict"]] += 1
        count["created"] += one.get("created", False) or one.get("result") == "Completed"
    columns = ["files", *_VERDICTS, "created"]
    rows = [
        [kind, *(str(count[column] or "") for column in columns)]
        for kind, count in sorted(counts.items(), key=lambda pair: (-pair[1]["files"], pair[0]))
    ]
    return "## By kind\n\nCreated: made on the server, or run.\n\n" + _table(["kind", *columns], rows)


def _reasons(files: list[dict[str, Any]]) -> str:
    """Refused files by their first fault, names left out."""
    counts = Counter()
    for one in files:
        if one["verdict"] == "refused":
            first = one["faults"][0]["message"].partition(". ")[0].rstrip(".")
            if "leads nowhere" in first:
                first = '"path" leads nowhere'
            keys = re.match(r'(?:The key|Unknown key) "([^"]*)"', first)
            counts[first if keys else _QUOTED.sub('"…"', first)] += 1
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    rows = [[_cell(reason), str(count)] for reason, count in ordered]
    return "## Why files are refused\n\nBy the first fault of each.\n\n" + _table(["reason", "files"], rows)


def _jobs(files: list[dict[str, Any]], excepted: dict[str, str]) -> str:
    rows = []
    for one in files:
        if one["kind"] != "command job":
            continue
        result = one["result"] + (" with a stand-in" if one.get("stand_in") else "")
        said = [fault["message"].partition(". ")[0] for fault in one["faults"]]
        if one["result"] != "Completed" and one["file"] in excepted:
            said = [excepted[one["file"]]]
        rows.append([f"`{one['file']}`", result, _cell("; ".join(dict.fromkeys(said)))])
    return "## The command jobs\n\n" + _table(["file", "result", "what is refused in it"], rows)


def _cell(text: str) -> str:
    text = re.sub(r"/\S*/(?=[^/\s]+)", "", text) if "leads nowhere" in text else text
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _table(header: list[str], rows: list[list[str]]) -> str:
    columns = list(zip(*rows, strict=True))
    numbers = [any(column) and all(cell.isdigit() or not cell for cell in column) for column in columns]
    lines = [header, ["---:" if number else "---" for number in numbers], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
