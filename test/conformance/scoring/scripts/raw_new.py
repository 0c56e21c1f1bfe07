"""Takes the newer names of the same things, and the response of Flask itself."""

import flask
from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse

assert AMLRequest
assert AMLResponse


def init():
    """Need nothing."""


@rawhttp
def run(request):
    """Answer with Flask's own response."""
    if request.method == "GET":
        status = int(request.args.get("status", 200))
        return flask.Response("from flask", status=status, mimetype="text/plain")
    response = flask.Response(b"posted", status=200)
    response.headers["X-List"] = "a,b"
    return response
