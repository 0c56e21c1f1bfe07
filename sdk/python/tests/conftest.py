"""What the package's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from atelier import Workspace

if TYPE_CHECKING:
    from conftest import Server


@pytest.fixture
def ws(server: Server) -> Iterator[Workspace]:
    with Workspace(server=server.url, token=server.token) as workspace:
        yield workspace
