"""The OpenAPI document of a deployment: the user's own file, or a generated one."""

import json
import os


class Unsupported(Exception):
    """There is no document of the version that was asked for: 404."""


def document(version, app_root, script):
    """Return the document of OpenAPI version 2, 3 or 3.1."""
    version = {None: "2", "2.0": "2", "3.0": "3"}.get(version, version)
    if version not in ("2", "3", "3.1"):
        raise Unsupported("Swagger version [%s] is not valid. Supported versions: [2, 3, 3.1]." % version)
    own = {
        "2": ("swagger.json", "swagger2.json"),
        "3": ("swagger3.json",),
        "3.1": ("swagger3.1.json",),
    }
    for name in own[version]:
        path = os.path.join(app_root, name)
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                return json.load(file)
    given, returned = script.schemas() or ({"type": "object", "example": {}},) * 2
    return _version2(given, returned) if version == "2" else _version3(version, given, returned)


def _info():
    name = os.environ.get("SERVICE_NAME", "ML service")
    return {
        "title": name,
        "description": "API specification for the Azure Machine Learning service %s" % name,
        "version": os.environ.get("SERVICE_VERSION", "1.0"),
    }


def _path(name):
    prefix = os.environ.get("SERVICE_PATH_PREFIX", "").strip("/")
    return "/%s%s" % (prefix, name) if prefix else name


_FAILURE = {"type": "object", "properties": {"message": {"type": "string"}}}
_HEALTHY = "If service is up and running, this response will be returned with the content 'Healthy'"
_RESULT = "The service processed the input correctly and provided a result prediction, if applicable."
_FAILED = "The service failed to execute due to an error."
_BEARER = {
    "type": "apiKey",
    "name": "Authorization",
    "in": "header",
    "description": "For example: Bearer abc123",
}


def _version2(given, returned):
    failed = {"description": _FAILED, "schema": {"$ref": "#/definitions/ErrorResponse"}}
    health = {
        "description": _HEALTHY,
        "schema": {"type": "string"},
        "examples": {"text/plain": "Healthy"},
    }
    result = {"description": _RESULT, "schema": {"$ref": "#/definitions/ServiceOutput"}}
    body = {
        "name": "serviceInputPayload",
        "in": "body",
        "schema": {"$ref": "#/definitions/ServiceInput"},
    }
    score = {
        "operationId": "RunMLService",
        "security": [{"Bearer": []}],
        "parameters": [body],
        "responses": {"200": result, "default": failed},
    }
    probe = {
        "operationId": "ServiceHealthCheck",
        "responses": {"200": health, "default": failed},
    }
    return {
        "swagger": "2.0",
        "info": _info(),
        "schemes": ["https"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": {"Bearer": _BEARER},
        "paths": {_path("/"): {"get": probe}, _path("/score"): {"post": score}},
        "definitions": {
            "ServiceInput": given,
            "ServiceOutput": returned,
            "ErrorResponse": _FAILURE,
        },
    }


def _version3(version, given, returned):
    def answer(description, schema, kind="application/json"):
        return {"description": description, "content": {kind: {"schema": schema}}}

    failed = answer(_FAILED, {"$ref": "#/components/schemas/ErrorResponse"})
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/ServiceInput"}}}
    score = {
        "operationId": "RunMLService",
        "security": [{"Bearer": []}],
        "requestBody": {"content": content},
        "responses": {
            "200": answer(_RESULT, {"$ref": "#/components/schemas/ServiceOutput"}),
            "default": failed,
        },
    }
    health = answer(_HEALTHY, {"type": "string", "example": "Healthy"}, "text/plain")
    probe = {
        "operationId": "ServiceHealthCheck",
        "responses": {"200": health, "default": failed},
    }
    return {
        "openapi": "3.1.0" if version == "3.1" else "3.0.3",
        "info": _info(),
        "security": [{"Bearer": []}],
        "paths": {_path("/"): {"get": probe}, _path("/score"): {"post": score}},
        "components": {
            "schemas": {
                "ServiceInput": given,
                "ServiceOutput": returned,
                "ErrorResponse": _FAILURE,
            },
            "securitySchemes": {"Bearer": _BEARER},
        },
    }
