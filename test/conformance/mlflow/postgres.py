"""Databases of their own on the PostgreSQL server of the tests."""

import contextlib
import os
import uuid
from collections.abc import Iterator

import psycopg


@contextlib.contextmanager
def fresh_database() -> Iterator[str]:
    """Make a database, yield its URL, and drop it."""
    base = os.environ["ATELIER_TEST_POSTGRES"]
    name = "mlflow_" + uuid.uuid4().hex[:12]
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield base.replace("/postgres?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
