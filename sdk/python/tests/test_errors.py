import re
from pathlib import Path

import atelier
from atelier import AtelierError, ExhaustedError, InternalError, InvalidError, UnavailableError
from atelier._errors import error_from_response


def test_there_is_one_class_for_each_code_of_the_server():
    source = (Path(__file__).parents[3] / "error.go").read_text()
    codes = set(re.findall(r'Code = "(\w+)"', source))
    assert len(codes) == 10
    assert {kind.code for kind in AtelierError.__subclasses__()} == codes
    assert {kind.__name__ for kind in AtelierError.__subclasses__()} <= set(atelier.__all__)


def test_the_servers_words_are_kept():
    body = {
        "error": {
            "code": "invalid",
            "message": "Two places are wrong.",
            "field": "body",
            "hint": "See the guide.",
            "request_id": "r1",
            "details": [{"location": "body.command", "message": "It is required."}],
        }
    }
    error = error_from_response(400, body)
    assert type(error) is InvalidError
    assert str(error) == "body: Two places are wrong.\n  body.command: It is required. See the guide."
    assert error.request_id == "r1"


def test_an_answer_without_a_code_goes_by_its_status():
    assert type(error_from_response(503, None)) is UnavailableError
    assert type(error_from_response(413, {"message": "too large"})) is ExhaustedError
    assert type(error_from_response(500, "<html>")) is InternalError
    assert type(error_from_response(400, {"error": {"code": "brand_new", "message": "x"}})) is InvalidError
