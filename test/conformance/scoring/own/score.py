"""Lies beside documents of its own."""


def init():
    """Need nothing."""


def run(data):
    """Answer with the body."""
    return data
