"""A software bill of materials in the format CycloneDX 1.6: what a bundle was made with, and what it needs to act."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, metadata, version
from typing import Any

MADE_WITH = ("policybudget", "jax", "jaxlib", "equinox", "optax", "numpy", "scipy", "safetensors", "msgspec")
ACTS_WITH = ("policybudget", "numpy", "safetensors", "msgspec")
"""What loading a bundle and acting import."""


def bill(policies: dict[str, str]) -> dict[str, Any]:
    """The bill.

    Args:
        policies: SHA-256 of each policy by its name.

    Returns:
        A CycloneDX document as JSON takes it: libraries, of which those that acting needs are required, and the
        policies as machine-learning models.
    """
    libraries = [found for name in MADE_WITH if (found := _library(name)) is not None]
    models = [
        {
            "type": "machine-learning-model", "name": name, "bom-ref": f"{name}:{digest}",
            "hashes": [{"alg": "SHA-256", "content": digest}],
        }
        for name, digest in policies.items()
    ]  # fmt: skip
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [*libraries, *models]}


def _library(name: str) -> dict[str, Any] | None:
    try:
        found = version(name)
    except PackageNotFoundError:
        return None
    about = metadata(name).json
    expression, text = about.get("license_expression"), about.get("license")
    record: dict[str, Any] = {
        "type": "library", "name": name, "version": found, "bom-ref": f"pkg:pypi/{name}@{found}",
        "purl": f"pkg:pypi/{name}@{found}", "scope": "required" if name in ACTS_WITH else "excluded",
    }  # fmt: skip
    if isinstance(expression, str):
        record["licenses"] = [{"expression": expression}]
    elif isinstance(text, str) and "\n" not in text:
        record["licenses"] = [{"license": {"name": text}}]
    return record
