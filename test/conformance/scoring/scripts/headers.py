"""Asks for the request's headers beside the body."""


def init():
    """Need nothing."""


def run(data, request_headers):
    """Show what the headers are like."""
    names = ("X-Mine", "x-mine", "Content-Type", "Content-Length", "X-Two-Words", "Host", "Accept")
    found = {name: request_headers.get(name) for name in names}
    found["Host"] = bool(found["Host"])
    return {"data": data, "type": type(request_headers).__name__, "found": found}
