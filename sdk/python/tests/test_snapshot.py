import pytest

from atelier import InvalidError, NotFoundError, SnapshotTooLargeError
from atelier._snapshot import CODE_LIMITS, Limits, scan


def _paths(root, **options):
    return [file.path for file in scan(root, limits=CODE_LIMITS, ignore=True, **options)]


def _write(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def test_the_amlignore_counts_and_the_gitignore_does_not_then(tmp_path):
    _write(
        tmp_path, "train.py", "data/big.csv", "data/keep.csv", "notes.txt", ".git/config", "sub/.gitignore"
    )
    (tmp_path / ".gitignore").write_text("notes.txt\n")
    (tmp_path / ".amlignore").write_text("data/*\n!data/keep.csv\n.*ignore\n")
    assert _paths(tmp_path) == ["data/keep.csv", "notes.txt", "train.py"]


def test_the_gitignore_counts_without_an_amlignore(tmp_path):
    _write(tmp_path, "train.py", "build/out.o", "src/build.py")
    (tmp_path / ".gitignore").write_text("build/\n.gitignore\n")
    assert _paths(tmp_path) == ["src/build.py", "train.py"]


def test_links_are_followed_and_a_circle_ends(tmp_path):
    code, shared = tmp_path / "code", tmp_path / "shared"
    _write(code, "train.py")
    _write(shared, "tools.py")
    (code / "lib").symlink_to(shared)
    (code / "again").symlink_to(code)
    assert _paths(code) == ["lib/tools.py", "train.py"]


def test_too_much_is_refused_with_numbers_and_the_largest(tmp_path):
    _write(tmp_path, "a.py", "b.py")
    (tmp_path / "weights.bin").write_bytes(bytes(2_000_000))
    with pytest.raises(SnapshotTooLargeError) as caught:
        scan(tmp_path, limits=Limits(size=1_000_000, files=2), ignore=True)
    text = str(caught.value)
    assert "2.0 MB in 3 files; the limit is 1 MB and 2 files" in text
    assert "weights.bin (2.0 MB)" in text
    assert ".amlignore" in text


def test_nothing_to_upload(tmp_path):
    with pytest.raises(InvalidError, match="no file to upload"):
        _paths(tmp_path)
    with pytest.raises(NotFoundError, match="no file or folder"):
        _paths(tmp_path / "missing")
