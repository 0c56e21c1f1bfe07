"""What the documents tell people to type is understood by the program; their Python compiles."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [
        ROOT / "README.md",
        *ROOT.glob("examples/**/README.md"),
        *ROOT.glob("docs/**/*.md"),
        ROOT / "sdk" / "python" / "README.md",
    ]
)


def _blocks(path, language):
    return re.findall(
        rf"^```{language}\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def _commands(path):
    for block in _blocks(path, "(?:sh|bash)"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.replace("$(", " ").rstrip(")"), comments=True)
            if words and Path(words[0]).name == "atelier":
                yield words[1:]


def test_there_are_commands_to_check():
    assert sum(len(list(_commands(path))) for path in DOCUMENTS) > 40


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_are_understood(path, binary):
    """With --help after all, the program reads the whole line and does nothing."""
    wrong = []
    for words in _commands(path):
        own = words.index("--") if "--" in words else len(words)  # what follows is for another program
        done = subprocess.run([binary, *words[:own], "--help"], capture_output=True, text=True, check=False)
        if done.returncode != 0 or "Usage:" not in done.stdout:
            wrong.append(f"atelier {shlex.join(words)}\n{done.stderr}")
    assert wrong == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_python_compiles(path):
    for block in _blocks(path, "python"):
        compile(block, str(path), "exec")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    links = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []
