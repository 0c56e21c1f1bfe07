"""The OpenAPI document of a deployment: the user's own file, or a generated one."""

import json
import os


class Unsupported(Exception):
    """There is no document of the version that was asked for: 404."""


def document(version, app_root, script):
    """Return the document of OpenAPI version 2, 3 or 3.1."""
    version = {None: "2", "2.0": "2", "3.0": "3"}.get(version, version)
    if version not in ("2", "3", "3.1"):
        raise Unsupported(
            "Swagger version [%s] is not valid. Supported versions: [%s]."
            % (version, ", ".join(script.schema_versions()))
        )
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
    if version not in script.schema_versions():
        raise Unsupported(
            "Swagger version [%s] is not supported for the scoring script. Supported swagger versions: [%s]."
            % (version, ", ".join(script.schema_versions()))
        )
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
_GIVEN = "The input payload for executing the real-time machine learning service."
_PROBE = {
    "operationId": "ServiceHealthCheck",
    "description": "Simple health check endpoint to ensure the service is up at any given point.",
}
_SCORE = {
    "operationId": "RunMLService",
    "description": "Run web service's model and get the prediction output",
    "security": [{"Bearer": []}],
}
_DOCUMENT = {"operationId": "GetSwaggerSpec", "description": "Get the Swagger specification."}
_VERSION = {"name": "version", "in": "query", "required": False}
_VERSIONS = {"type": "integer", "enum": [2, 3]}
_BEARER = {
    "type": "apiKey",
    "name": "Authorization",
    "in": "header",
    "description": "For example: Bearer abc123",
}


def _paths(probe, score, document):
    """The three operations, each with what is the same in all versions."""
    return {
        _path("/"): {"get": dict(_PROBE, **probe)},
        _path("/score"): {"post": dict(_SCORE, **score)},
        _path("/swagger.json"): {"get": dict(_DOCUMENT, **document)},
    }


def _version2(given, returned):
    def answers(description, schema, **more):
        failed = {"description": _FAILED, "schema": {"$ref": "#/definitions/ErrorResponse"}}
        return {"200": dict({"description": description, "schema": schema}, **more), "default": failed}

    text = {"type": "string"}
    body = {
        "name": "serviceInputPayload",
        "in": "body",
        "description": _GIVEN,
        "schema": {"$ref": "#/definitions/ServiceInput"},
    }
    return {
        "swagger": "2.0",
        "info": _info(),
        "schemes": ["https"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": {"Bearer": _BEARER},
        "paths": _paths(
            {"responses": answers(_HEALTHY, text, examples={"application/json": "Healthy"})},
            {"parameters": [body], "responses": answers(_RESULT, {"$ref": "#/definitions/ServiceOutput"})},
            {
                "parameters": [dict(_VERSION, **_VERSIONS)],
                "responses": answers("The Swagger specification.", text),
            },
        ),
        "definitions": {
            "ServiceInput": given,
            "ServiceOutput": returned,
            "ErrorResponse": _FAILURE,
        },
    }


def _version3(version, given, returned):
    def answer(description, schema, kind="application/json"):
        return {"description": description, "content": {kind: {"schema": schema}}}

    def answers(*good):
        failed = answer(_FAILED, {"$ref": "#/components/schemas/ErrorResponse"})
        return {"200": answer(*good), "default": failed}

    content = {"application/json": {"schema": {"$ref": "#/components/schemas/ServiceInput"}}}
    return {
        "openapi": "3.1.0" if version == "3.1" else "3.0.3",
        "info": _info(),
        "security": [{"Bearer": []}],
        "paths": _paths(
            {"responses": answers(_HEALTHY, {"type": "string", "example": "Healthy"}, "text/plain")},
            {
                "requestBody": {"description": _GIVEN, "content": content},
                "responses": answers(_RESULT, {"$ref": "#/components/schemas/ServiceOutput"}),
            },
            {
                "parameters": [dict(_VERSION, schema=_VERSIONS)],
                "responses": answers("The Swagger specification.", {"type": "string"}, "text/plain"),
            },
        ),
        "components": {
            "schemas": {
                "ServiceInput": given,
                "ServiceOutput": returned,
                "ErrorResponse": _FAILURE,
            },
            "securitySchemes": {"Bearer": _BEARER},
        },
    }
