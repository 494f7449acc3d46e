"""Bills of materials in the format CycloneDX 1.6: of a bundle, and of an environment with policybudget alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distributions, metadata, requires, version
from typing import Any

MADE_WITH = ("policybudget", "jax", "jaxlib", "equinox", "optax", "numpy", "scipy", "safetensors", "msgspec")
ACTS_WITH = ("policybudget", "numpy", "safetensors", "msgspec")
"""What loading a bundle and acting import."""
OWN = "policybudget"
FORMAT = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1}


def bill(policies: dict[str, str]) -> dict[str, Any]:
    """The bill.

    Args:
        policies: SHA-256 of each policy by its name.

    Returns:
        A CycloneDX document as JSON takes it: libraries, of which those that acting needs are required, and the
        policies as machine-learning models.
    """
    libraries = [
        found | {"scope": "required" if name in ACTS_WITH else "excluded"}
        for name in MADE_WITH
        if (found := _library(name)) is not None
    ]
    models = [
        {
            "type": "machine-learning-model", "name": name, "bom-ref": f"{name}:{digest}",
            "hashes": [{"alg": "SHA-256", "content": digest}],
        }
        for name, digest in policies.items()
    ]  # fmt: skip
    return FORMAT | {"components": [*libraries, *models]}


def installed(extras: Iterable[str] = ()) -> dict[str, Any]:
    """The bill of all that is installed beside this interpreter: for an environment that has policybudget alone.

    Args:
        extras: of policybudget, that it was installed with.

    Returns:
        A CycloneDX document as JSON takes it: policybudget, the other libraries, and which needs which.
    """
    names = sorted({_normal(one.metadata["Name"]) for one in distributions()})
    found = {name: library for name in names if (library := _library(name)) is not None}
    needs = [
        {"ref": library["bom-ref"], "dependsOn": [found[other]["bom-ref"] for other in _needed(name, extras, found)]}
        for name, library in found.items()
    ]
    own = found.pop(OWN)
    return FORMAT | {"metadata": {"component": own}, "components": list(found.values()), "dependencies": needs}


def _needed(name: str, extras: Iterable[str], known: Iterable[str]) -> list[str]:
    """Installed libraries that a library asks for: always, or, if it is policybudget, by one of the extras."""
    wanted = set(extras) if name == OWN else set()
    found = set()
    for line in requires(name) or ():
        asked = set(re.findall(r"""extra\s*==\s*['"]([^'"]+)""", line))
        if not asked or asked & wanted:
            found.add(_normal(re.split(r"[^\w.-]", line)[0]))
    return sorted(found & set(known) - {name})


def _normal(name: str) -> str:
    """The one way to write the name of a library."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _library(name: str) -> dict[str, Any] | None:
    try:
        found = version(name)
    except PackageNotFoundError:
        return None
    about = metadata(name).json
    expression, text = about.get("license_expression"), about.get("license")
    record: dict[str, Any] = {
        "type": "library", "name": name, "version": found, "bom-ref": f"pkg:pypi/{name}@{found}",
        "purl": f"pkg:pypi/{name}@{found}",
    }  # fmt: skip
    if isinstance(expression, str):
        record["licenses"] = [{"expression": expression}]
    elif isinstance(text, str) and "\n" not in text:
        record["licenses"] = [{"license": {"name": text}}]
    return record
