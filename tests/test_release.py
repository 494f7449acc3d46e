"""A release: archives of what is committed and nothing else, bills of materials, a version that stands in one place."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from release.contents import committed, in_sdist, in_wheel, wrong_in_sdist, wrong_in_wheel
from release.versions import version

from policybudget.deployment.materials import installed

ROOT = Path(__file__).parents[1]
JUNK = (
    ".venv/bin/python", "runs/one/manifest.json", "MUJOCO_LOG.TXT", "dist/old.whl", "notes.txt", ".hypothesis/x",
    "src/policybudget/__pycache__/errors.cpython-311.pyc", "tests/__pycache__/conftest.pyc", ".mypy_cache/x.json",
)  # fmt: skip


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str]]:
    """What is committed, as somebody works in it: with what is not."""
    try:
        names = committed(ROOT)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no clone: what is committed is not known")
    place = tmp_path_factory.mktemp("clone")
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, place / name)
    for name in JUNK:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("junk")
    return place, names


def test_a_source_archive_holds_what_is_committed(tree: tuple[Path, set[str]], tmp_path: Path) -> None:
    place, names = tree
    (built,) = SdistBuilder(str(place)).build(directory=str(tmp_path))
    found = in_sdist(Path(built))
    assert wrong_in_sdist(found, names) == []
    assert wrong_in_sdist(found - {"README.md"} | {"runs/x"}, names) == ["lacks README.md", "holds runs/x"]


def test_a_wheel_holds_the_package(tree: tuple[Path, set[str]], tmp_path: Path) -> None:
    place, names = tree
    (built,) = WheelBuilder(str(place)).build(directory=str(tmp_path), versions=["standard"])
    found = in_wheel(Path(built))
    assert wrong_in_wheel(found, names) == []
    assert wrong_in_wheel(found - {"policybudget/py.typed"} | {"tests/x.py"}, names) == [
        "lacks policybudget/py.typed", "holds tests/x.py",
    ]  # fmt: skip
    without = {name for name in found if not name.endswith("/LICENSE")}
    assert wrong_in_wheel(without, names) == ["lacks licenses/LICENSE"]


def test_the_version_stands_in_one_place_and_others_repeat_it(tmp_path: Path) -> None:
    said = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert version(ROOT) == said
    texts = [path.read_text() for path in (ROOT / "src").rglob("*.py")]
    assert not any(f'"{said}"' in text or f"'{said}'" in text for text in texts)
    for name in ("pyproject.toml", "CITATION.cff", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    for name, before in (("CITATION.cff", f"version: {said}"), ("CHANGELOG.md", f"## {said}")):
        text = (ROOT / name).read_text()
        (tmp_path / name).write_text(text.replace(before, before.replace(said, "9.9.9")))
        with pytest.raises(SystemExit, match=f"release: {name} says 9.9.9, pyproject.toml {said}; make them agree"):
            version(tmp_path)
        (tmp_path / name).write_text(text)


def test_the_citation_names_both_papers() -> None:
    record = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= record.keys() and record["cff-version"] == "1.2.0"
    papers = {paper["title"]: [one["family-names"] for one in paper["authors"]] for paper in record["references"]}
    assert papers["Personalized Reinforcement Learning with a Budget of Policies"] == ["Ivanov", "Ben-Porat"]
    committees = papers["Learning Policy Committees for Effective Personalization in MDPs with Diverse Tasks"]
    assert committees == ["Ge", "Lanier", "Sarkar", "Guresti", "Zhang", "Vorobeychik"]


def test_a_bill_of_an_environment_is_valid_and_says_what_needs_what() -> None:
    found = installed(extras=["train"])
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(found)) is None
    assert found["metadata"]["component"]["name"] == "policybudget"
    needs = {one["ref"].split("/")[1].split("@")[0]: one["dependsOn"] for one in found["dependencies"]}
    named = {name: {ref.split("/")[1].split("@")[0] for ref in refs} for name, refs in needs.items()}
    assert {"numpy", "safetensors", "msgspec", "jax", "equinox"} <= named["policybudget"]
    assert not named["policybudget"] & {"onnx", "fastapi", "torch"}, "of extras that were not asked for"
    assert {"jaxlib", "numpy", "scipy"} <= named["jax"]
    bare = next(one for one in installed()["dependencies"] if "pkg:pypi/policybudget@" in one["ref"])
    assert {ref.split("/")[1].split("@")[0] for ref in bare["dependsOn"]} == {"numpy", "safetensors", "msgspec"}
