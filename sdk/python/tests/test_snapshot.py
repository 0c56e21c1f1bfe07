import pytest

from atelier import InvalidError, NotFoundError, SnapshotTooLargeError
from atelier._snapshot import Limits, scan_code, scan_data
from atelier._spec import _without_credentials


def _paths(root):
    return [file.path for file in scan_code(root)]


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


def test_a_file_comes_back_out_of_an_ignored_folder_as_in_azure(tmp_path):
    _write(tmp_path, "train.py", "data/big.csv", "data/keep.csv")
    (tmp_path / ".amlignore").write_text("data/\n.amlignore\n!data/keep.csv\n")
    assert _paths(tmp_path) == ["data/keep.csv", "train.py"]


def test_links_are_followed_inside_and_not_out(tmp_path):
    code = tmp_path / "code"
    _write(code, "train.py", "shared/tools.py")
    (code / "lib").symlink_to(code / "shared")
    assert _paths(code) == ["lib/tools.py", "shared/tools.py", "train.py"]
    (code / "keys").symlink_to(tmp_path)
    with pytest.raises(InvalidError, match=r"leads back to|leads outside"):
        _paths(code)
    (code / ".amlignore").write_text("keys\n.amlignore\n")
    assert _paths(code) == ["lib/tools.py", "shared/tools.py", "train.py"]


def test_a_circle_of_links_is_refused(tmp_path):
    _write(tmp_path, "a/train.py")
    (tmp_path / "a" / "again").symlink_to(tmp_path / "a")
    with pytest.raises(InvalidError, match="leads back"):
        _paths(tmp_path)


def test_data_is_taken_whole(tmp_path):
    _write(tmp_path, "x.csv", "__pycache__/y", "z.tmp")
    (tmp_path / ".gitignore").write_text("*.tmp\n")
    assert [file.path for file in scan_data(tmp_path)] == [".gitignore", "__pycache__/y", "x.csv", "z.tmp"]
    assert [file.path for file in scan_data(tmp_path / "x.csv")] == ["x.csv"]


def test_too_much_is_refused_with_numbers_and_the_largest(tmp_path):
    _write(tmp_path, "a.py", "lib/b.py", "lib/c.py")
    (tmp_path / "weights.bin").write_bytes(bytes(2_000_000))
    with pytest.raises(SnapshotTooLargeError) as caught:
        scan_code(tmp_path, limits=Limits(size=1_000_000, files=9))
    text = str(caught.value)
    assert "2.0 MB in 4 files, and the limit is 1.0 MB and 9 files" in text
    assert "largest entries are weights.bin (2.0 MB), lib/ (0.0 MB, 2 files)" in text
    with pytest.raises(SnapshotTooLargeError, match=r"largest entries are lib/ \(0.0 MB, 2 files\)"):
        scan_code(tmp_path, limits=Limits(size=10_000_000, files=3))


def test_nothing_to_upload(tmp_path):
    with pytest.raises(InvalidError, match="has no files"):
        _paths(tmp_path)
    with pytest.raises(NotFoundError, match="no file or folder"):
        _paths(tmp_path / "missing")


@pytest.mark.parametrize(
    ("remote", "kept"),
    [
        ("https://ada:secret@git.example/a.git", "https://git.example/a.git"),
        ("ssh://git:secret@git.example/a.git", "ssh://git@git.example/a.git"),
        ("git@git.example:a.git", "git@git.example:a.git"),
    ],
)
def test_git_addresses_lose_their_passwords(remote, kept):
    assert _without_credentials(remote) == kept
