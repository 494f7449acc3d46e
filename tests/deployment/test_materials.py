"""The bill of materials, judged by the official schema of CycloneDX 1.6."""

from __future__ import annotations

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from policybudget.deployment.materials import ACTS_WITH, bill

POLICIES = {"policy 0": "a" * 64, "policy 1": "b" * 64, "policy 2": "a" * 64}


def test_a_bill_is_valid() -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill(POLICIES))) is None


@pytest.mark.parametrize("change", [{"bomFormat": "x"}, {"components": [{"name": "x"}]}, {"more": 1}])
def test_the_schema_refuses_what_is_none(change: dict) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill(POLICIES) | change)) is not None


def test_what_is_in_it() -> None:
    parts = bill(POLICIES)["components"]
    references = [one["bom-ref"] for one in parts]
    assert len(set(references)) == len(references), "also where two policies are alike"
    assert {one["name"] for one in parts if one.get("scope") == "required"} == set(ACTS_WITH)
    models = [one for one in parts if one["type"] == "machine-learning-model"]
    assert {one["name"]: one["hashes"][0]["content"] for one in models} == POLICIES
    numpy = next(one for one in parts if one["name"] == "numpy")
    assert numpy["purl"] == f"pkg:pypi/numpy@{numpy['version']}" and "BSD" in numpy["licenses"][0]["expression"]
