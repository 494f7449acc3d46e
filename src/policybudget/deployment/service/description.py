"""The service in the format OpenAPI 3.1, with the sizes and units of the bundle at work."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.json import schema_components

from policybudget.deployment.service import schemas
from policybudget.deployment.service.gate import OPEN
from policybudget.deployment.service.serving import LARGEST, Serving
from policybudget.units import Units

LARGEST_FLOAT32 = 3.4e38
REASONS = {
    400: "no request of HTTP, or a body that is no JSON in UTF-8",
    401: "the bearer token is missing or another",
    403: "the policy is not approved, or the client may not ask here",
    404: "there is no such user or policy, or none serves the user",
    405: "another method is expected",
    409: "the policy at work has another hash than was asked for",
    413: "the body is too long",
    415: "the body is not said to be JSON",
    422: "the body is not as described",
    429: "too many requests; the header retry-after has the seconds",
    503: "too many connections",
}
Schema = dict[str, Any]


def description(serving: Serving, version: str, token: bool) -> dict[str, Any]:
    """The document.

    Args:
        serving: the bundle at work.
        version: of this package.
        token: whether clients must show one.

    Returns:
        As JSON takes it.
    """
    answers = (schemas.Assigned, schemas.Policies, schemas.Health, schemas.Error)
    _, components = schema_components(answers, ref_template="#/components/schemas/{name}")
    components |= {"Act": _act(serving), "Assign": _assign(serving), "Acted": _acted(serving)}
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "policybudget", "version": version, "description": _summary(serving)},
        "paths": {
            "/act": {"post": _post("What a policy does for an observation, or for each of several.", "Act", "Acted")},
            "/assign": {"post": _post("Who serves a user, and what may be expected.", "Assign", "Assigned")},
            "/policies": {"get": _get("The policies at work, by their hashes, and who approved them.", "Policies")},
            "/health": {"get": _get("Whether the service is at work.", "Health")},
            "/metrics": {"get": _get("What Prometheus reads.", None)},
        },
        "components": {"schemas": components},
    }
    if token:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            if token and path not in OPEN:
                operation["security"] = [{"token": []}]
            else:
                operation["responses"].pop("401")
    return document


def _summary(serving: Serving) -> str:
    return (
        f"{len(serving.may)} policies of the world {serving.bundle.record.world}, sealed in the bundle with SHA-256 "
        f"{serving.digest}."
    )


def _answer(about: str, name: str | None) -> Schema:
    if name is None:
        return {"description": about, "content": {"text/plain": {"schema": {"type": "string"}}}}
    return {
        "description": about,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}},
    }


def _get(about: str, name: str | None) -> Schema:
    failures = {str(status): _answer(REASONS[status], "Error") for status in (400, 401, 403, 405, 429, 503)}
    return {"summary": about, "responses": {"200": _answer("as asked", name)} | failures}


def _post(about: str, takes: str, gives: str) -> Schema:
    failures = {str(status): _answer(reason, "Error") for status, reason in REASONS.items()}
    body = {"required": True, "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{takes}"}}}}
    return {"summary": about, "requestBody": body, "responses": {"200": _answer("as asked", gives)} | failures}


def _vector(size: int, largest: float) -> Schema:
    number = {"type": "number", "minimum": -largest, "maximum": largest}
    return {"type": "array", "items": number, "minItems": size, "maxItems": size}


def _act(serving: Serving) -> Schema:
    observation = _vector(serving.bundle.record.architecture.observation_size, LARGEST_FLOAT32)
    what = {
        "observation": observation,
        "observations": {
            "type": "array", "items": observation, "minItems": 1, "maxItems": serving.settings.most_observations,
        },
    }  # fmt: skip
    who = {
        "policy": {"type": "integer", "minimum": 0, "maximum": len(serving.may) - 1},
        "user": {"type": "string", "maxLength": 10_000},
    }
    sha256 = {"sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"}}
    return _one_of(({one: who[one], two: what[two]}, sha256) for one in who for two in what)


def _assign(serving: Serving) -> Schema:
    each: dict[str, Schema] = {"user": {"type": "string", "maxLength": 10_000}}
    if serving.takes is not None:
        vector = _vector(len(serving.columns), LARGEST)
        table = {
            "type": "object", "properties": dict.fromkeys(serving.columns, vector["items"]),
            "required": list(serving.columns), "additionalProperties": False,
        }  # fmt: skip
        each[serving.takes] = {"oneOf": [vector, table]}
    return _one_of(({name: schema}, {}) for name, schema in each.items())


def _one_of(kinds: Any) -> Schema:
    """Objects that have all of the first entries, and may have the others."""
    return {
        "oneOf": [
            {"type": "object", "properties": must | may, "required": list(must), "additionalProperties": False}
            for must, may in kinds
        ]
    }


def _acted(serving: Serving) -> Schema:
    _, components = schema_components((schemas.Acted,), ref_template="#/components/schemas/{name}")
    found: Schema = components["Acted"]
    action = _action(Units.from_record(msgspec.to_builtins(serving.bundle.record.architecture.actions)))
    found["properties"] |= {"action": action, "actions": {"type": "array", "items": action}}
    return found


def _action(units: Units) -> Schema:
    """One action, in the units of the environment."""
    number: Schema = {"type": "number"}
    if units.dtype == "bool":
        number = {"type": "boolean"}
    elif "int" in units.dtype:
        number = {"type": "integer"}
    for size in reversed(units.shape if units.kind != "discrete" else ()):
        number = {"type": "array", "items": number, "minItems": size, "maxItems": size}
    return number
