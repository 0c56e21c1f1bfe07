"""The journal's format and its writer, without any server."""

import json
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import atelier._journal as journal_module
from atelier import ExhaustedError, InvalidError
from atelier._journal import Journal, Lock, Place, read_entries, segments

GOLDEN = Path(__file__).parents[3] / "internal" / "runlog" / "testdata" / "whole"

RUN = {
    "format": 1,
    "id": "0123456789abcdef0123456789abcdef",
    "start": "new",
    "ends": True,
    "server": "http://127.0.0.1:8700",
    "workspace": "default",
    "experiment": "diabetes",
    "name": "première",
    "tags": {"team": "blue"},
    "started_at": 1700000000000,
    "host": "machine",
    "process": 4711,
}
RECORDS = [
    {"type": "params", "values": {"alpha": "0.5", "quote": 'a "b" \\ \n\t'}},
    {
        "type": "metrics",
        "time": 1700000000001,
        "step": 0,
        "values": {"loss": 0.1, "nan": "NaN", "up": "Infinity"},
    },
    {"type": "metrics", "time": 1700000000002, "step": -7, "values": {"loss": 1e-300}},
    {"type": "tags", "values": {"note": "日本語 😀", "empty": ""}},
    {
        "type": "artifact",
        "path": "model/a b.txt",
        "file": "000001",
        "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        "size": 5,
    },
    {"type": "end", "status": "FINISHED", "time": 1700000000003},
]


def write(root: Path, records=RECORDS, **options) -> Journal:
    journal = Journal(root, RUN, **options)
    for record in records:
        journal.append(record)
    journal.close()
    return journal


def read(folder: Path, start: Place = Place()) -> list[dict]:  # noqa: B008 - frozen
    return [entry.record for entry in read_entries(folder, start)]


def test_the_bytes_are_those_that_the_other_reader_reads_too(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_module, "SEGMENT", 700)
    folder = write(tmp_path).folder
    names = [journal_module.segment_name(number) for number in segments(folder)]
    assert names == sorted(path.name for path in GOLDEN.glob("*.journal"))
    for name in names:
        assert (folder / name).read_bytes() == (GOLDEN / name).read_bytes()
    noted = [
        {"segment": e.begin.segment, "offset": e.begin.offset, "record": e.record}
        for e in read_entries(GOLDEN, Place())
    ]
    assert noted == json.loads((GOLDEN / "records.json").read_text())
    assert [entry["record"] for entry in noted if entry["record"]["type"] != "run"] == RECORDS


def test_a_torn_end_is_no_record(tmp_path):
    folder = write(tmp_path).folder
    whole = (folder / "000001.journal").read_bytes()
    ends = [entry.end.offset for entry in read_entries(folder, Place())]
    for size in range(len(whole)):
        (folder / "000001.journal").write_bytes(whole[:size])
        assert len(read(folder)) == sum(end <= size for end in ends)


def test_what_is_behind_damage_is_read(tmp_path):
    folder = write(tmp_path).folder
    entries = list(read_entries(folder, Place()))
    whole = bytearray((folder / "000001.journal").read_bytes())
    for place in range(entries[2].begin.offset, entries[2].end.offset):
        damaged = whole.copy()
        damaged[place] ^= 0x41
        (folder / "000001.journal").write_bytes(damaged)
        assert read(folder) == [entry.record for entry in entries[:2] + entries[3:]]
    assert read(folder, entries[3].end) == [entry.record for entry in entries[4:]]


def test_a_journal_has_one_writer(tmp_path):
    journal = Journal(tmp_path, RUN)
    second = Journal(tmp_path, RUN)
    assert second.folder.name.startswith(RUN["id"] + "-")
    take = "from pathlib import Path; from atelier._journal import Lock; Lock(Path({!r}))"
    held = take.format(str(journal.folder))
    assert subprocess.run([sys.executable, "-c", held], stderr=subprocess.DEVNULL).returncode != 0
    journal.close()
    assert subprocess.run([sys.executable, "-c", held]).returncode == 0
    with pytest.raises(InvalidError, match="closed"):
        journal.append(RECORDS[0])
    second.close()


def test_a_child_does_not_inherit_the_lock(tmp_path):
    journal = Journal(tmp_path, RUN)
    read_end, write_end = os.pipe()
    if (child := os.fork()) == 0:
        os.close(write_end)
        os.read(read_end, 1)  # until the parent has looked
        os._exit(0)
    os.close(read_end)
    journal.close()
    Lock(journal.folder).close()
    os.close(write_end)
    os.waitpid(child, 0)


def test_threads_do_not_mix_their_records(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_module, "SEGMENT", 10_000)
    journal = Journal(tmp_path, RUN)

    def log(name: str) -> None:
        for step in range(500):
            journal.append({"type": "metrics", "time": 1, "step": step, "values": {name: float(step)}})

    threads = [threading.Thread(target=log, args=(f"m{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    seen: dict[str, list[int]] = {}
    for record in read(journal.folder):
        for name in record.get("values", {}):
            seen.setdefault(name, []).append(record["step"])
    assert seen == {f"m{number}": list(range(500)) for number in range(4)}
    assert len(segments(journal.folder)) > 5


def test_what_does_not_fit_on_the_disk_is_refused_whole(tmp_path):
    script = tmp_path / "fill.py"
    script.write_text(
        "import resource, sys, json\n"
        "from pathlib import Path\n"
        "from atelier import ExhaustedError\n"
        "from atelier._journal import Journal\n"
        f"journal = Journal(Path(sys.argv[1]), {RUN!r})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))\n"
        "kept = 0\n"
        "try:\n"
        "    while True:\n"
        "        journal.append({'type': 'metrics', 'time': 1, 'step': kept, 'values': {'loss': 0.5}})\n"
        "        kept += 1\n"
        "except ExhaustedError as fault:\n"
        "    assert 'not kept' in str(fault), fault\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "    journal.append({'type': 'metrics', 'time': 1, 'step': kept, 'values': {'loss': 0.5}})\n"
        "    print(kept + 1)\n"
    )
    out = subprocess.run([sys.executable, script, tmp_path / "j"], check=True, capture_output=True, text=True)
    steps = [record["step"] for record in read(tmp_path / "j" / RUN["id"]) if record["type"] == "metrics"]
    assert steps == list(range(int(out.stdout)))


def test_a_folder_that_cannot_be_written_is_said_at_once(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ExhaustedError, match="cannot be written"):
        Journal(tmp_path / "file", RUN)


def test_a_copy_that_does_not_fit_leaves_nothing(tmp_path):
    journal = Journal(tmp_path / "j", RUN)
    (tmp_path / "big").write_bytes(b"x" * 100_000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(ExhaustedError):
            journal.keep(tmp_path / "big")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((journal.folder / "files").iterdir()) == []
    with pytest.raises(InvalidError, match="cannot be read"):
        journal.keep(tmp_path / "missing")
    assert journal.keep(tmp_path / "big")["size"] == 100_000
    journal.close()
