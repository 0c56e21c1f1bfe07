"""What an example needs that a machine without a GPU, without Azure and offline does not have.

All of it is read from the example: what the program understood of its YAML, and the words of its code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

GPU = "a GPU"
AZURE = "a service of Azure"
INTERNET = "data from the internet"
ELSEWHERE = "data that is not in the checkout"
IMAGE = "an image that its Dockerfile builds"
SYSTEM = "a system package on the machine"
PYTHON = "a Python that is not on the machine"
FILLING = "somebody to fill in its placeholders"
FILES = "files that are not in the checkout"

_GPU_MACHINE = re.compile(r"gpu|cuda|(?<![a-z])n[cd]\d|[vah]100|bloom", re.IGNORECASE)
_GPU_COMMAND = re.compile(r"--cuda\b|nvidia-smi|\bnccl|\bnhc\b|deepspeed", re.IGNORECASE)
_AZURE_CODE = re.compile(r"^\s*(?:from|import)\s+azure(?:ml)?\b", re.MULTILINE)
_DOWNLOAD = re.compile(
    r"torchvision\.datasets|keras\.datasets|\bload_dataset\(|from_pretrained\(|urlretrieve|download=True"
    r"|https?://[\w.-]+\.blob\.core\.windows\.net/"
)
_REASONS = [  # what the program says of a file that cannot run anywhere but in its own place
    ("still holds the placeholder", FILLING),
    ("leads nowhere", FILES),
    ("only pip, conda and apt-get install are read", IMAGE),
    ("RUN holds ", IMAGE),
    ("only what installs packages is read from a Dockerfile", IMAGE),
    ("The Dockerfile installs no packages", IMAGE),
    ("is a system package", SYSTEM),
]


def needs(said: dict[str, Any], assets: set[str]) -> str | None:
    """What a command job needs before anything else, or None: then it has to run here.

    `said` is what `atelier validate` says of its file; `assets` are the data assets of the checkout.
    """
    job = said.get("value") or {}
    machine = [job.get("compute"), (job.get("resources") or {}).get("instance_type"), _environment(job)]
    if any(_GPU_MACHINE.search(word) for word in machine if word):
        return GPU
    if _GPU_COMMAND.search(job.get("command", "")):
        return GPU
    for fault in said["faults"]:
        for word, reason in _REASONS:
            if word in fault["message"]:
                return reason
    code = _code(job)
    if _AZURE_CODE.search(code):
        return AZURE
    if _DOWNLOAD.search(code):
        return INTERNET
    for _, place in places(job):
        if place.startswith("azureml:") and not place.startswith("azureml://"):
            if re.split("[:@]", place)[1] not in assets:
                return ELSEWHERE
        elif place.startswith("azureml://datastores/"):
            return ELSEWHERE
        elif "://" in place:
            return INTERNET
    return None


def lacks(error: str) -> str | None:
    """What a job that failed turned out to need before anything else, or None: then the failure counts."""
    return PYTHON if re.search(r"asks for Python \S+ This machine has Python", error) else None


def places(job: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The inputs that are read from somewhere: what to set to read them elsewhere, and where they lie."""
    for name, given in (job.get("inputs") or {}).items():
        if isinstance(given, dict):
            if ":" in given.get("path", ""):
                yield f"inputs.{name}.path", given["path"]
        elif isinstance(given, str) and "://" in given:
            yield f"inputs.{name}", given


def stand_in(place: str) -> str | None:
    """Where a folder of stand-ins keeps what lies at `place`.

    A blob has one place, whichever way it is addressed: HOST/CONTAINER/PATH.
    """
    address = urlsplit(place)
    if address.scheme in ("http", "https"):
        return f"{address.hostname}{address.path}".rstrip("/")
    if address.scheme in ("wasbs", "wasb", "abfss"):
        return f"{address.hostname}/{address.username}{address.path}".rstrip("/")
    if found := re.match(r"azureml://datastores/([^/]+)/paths/(.*)", place):
        return f"datastores/{found[1]}/{found[2]}".rstrip("/")
    if found := re.match(r"azureml:([^:@/]+)", place):
        return f"data/{found[1]}"
    return None


def _environment(job: dict[str, Any]) -> str:
    written = job.get("environment", "")
    return written if isinstance(written, str) else written.get("image", "")


def _code(job: dict[str, Any]) -> str:
    """The code that the command names; a folder of examples has the code of others, too."""
    folder = Path(job.get("code") or "/nowhere")
    named = re.findall(r"[\w./-]+\.(?:py|ipynb|sh)\b", job.get("command", ""))
    files = [folder / name for name in named]
    return "\n".join(file.read_text(errors="replace") for file in files if file.is_file())
