"""Makes a release in dist/ and tries it, step by step; the first thing that is wrong ends it.

::

    version   pyproject.toml, CITATION.cff and CHANGELOG.md agree; everything is committed
    build     source archive; the wheel from it, and once more from the tree: the same bytes
    contents  each archive has what is committed, and nothing else; metadata as an index would want it
    train     the wheel with its extra train in a fresh environment: train, assess, seal a bundle
    core      the wheel alone in a fresh environment: verify that bundle, act
    bills     what each of the two environments has, as CycloneDX
    sums      SHA256SUMS

Run by the interpreter of .venv, which has the tools. Packages come from where pip gets them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from release import contents, versions

ROOT = Path(__file__).parents[1]
HERE, DIST = ROOT / "release", ROOT / "dist"
CONSTRAINTS = ROOT / "constraints.txt"


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command without what the environment says of Python; returns what it prints.

    Raises:
        SystemExit: it failed.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    clean |= {"PIP_CONSTRAINT": str(CONSTRAINTS), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"release: {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def build(tree: set[str]) -> tuple[Path, Path]:
    """Both archives, below dist/.

    Args:
        tree: files that are committed.

    Returns:
        The source archive and the wheel.
    """
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", DIST)
    (sdist,), (wheel,) = DIST.glob("*.tar.gz"), DIST.glob("*.whl")
    with tempfile.TemporaryDirectory() as scratch:
        run(sys.executable, "-m", "build", "--wheel", "--outdir", scratch)
        if (Path(scratch) / wheel.name).read_bytes() != wheel.read_bytes():
            raise SystemExit("release: the wheel of the source archive differs from that of the tree")
    wrong = contents.wrong_in_sdist(contents.in_sdist(sdist), tree)
    wrong += contents.wrong_in_wheel(contents.in_wheel(wheel), tree)
    if wrong:
        raise SystemExit("release: the archives are wrong:\n" + "\n".join(wrong))
    run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel)
    return sdist, wheel


def environment(folder: Path, requirement: str) -> Path:
    """A fresh environment that has a requirement and what it asks for, not even pip; returns its interpreter."""
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", requirement)
    return python


def bill(python: Path, name: str, *extras: str) -> None:
    """The bill of materials of an environment, judged by the schema, below dist/."""
    text = run(python, "-I", HERE / "materials.py", *extras)
    if (wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)) is not None:
        raise SystemExit(f"release: {name} is no bill of materials: {wrong}")
    (DIST / name).write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Make it."""
    version = versions.version(ROOT)
    if changed := run("git", "status", "--porcelain").strip():
        raise SystemExit(f"release: a release is made of what is committed; commit or remove\n{changed}")
    sdist, wheel = build(contents.committed(ROOT))
    print(f"built     {sdist.name}, {wheel.name}: as committed, the same bytes twice", flush=True)
    with tempfile.TemporaryDirectory(prefix="policybudget-release-") as scratch:
        place, bundle = Path(scratch), Path(scratch) / "bundle"
        train = environment(place / "train", f"{wheel}[train]")
        run(train, "-I", HERE / "smoke_train.py", bundle, cwd=place)
        print("train     trained, assessed and sealed a bundle", flush=True)
        core = environment(place / "core", str(wheel))
        said = run(core.parent / "policybudget", "--version").strip()
        if said != f"policybudget {version}":
            raise SystemExit(f"release: policybudget --version says {said!r}, pyproject.toml {version}")
        run(core, "-I", HERE / "smoke_core.py", bundle, cwd=place)
        print(f"core      {said}: verified the bundle and acted, without JAX", flush=True)
        bill(train, f"policybudget-{version}-train.cdx.json", "train")
        bill(core, f"policybudget-{version}.cdx.json")
    files = sorted(path for path in DIST.iterdir() if path.name != "SHA256SUMS")
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
    (DIST / "SHA256SUMS").write_text(sums, encoding="utf-8")
    print(f"dist/     SHA256SUMS of {len(files)} files\n{sums}", end="")


if __name__ == "__main__":
    main()
