"""What all tests share: shapes checked at run time, one compilation cache for the session, small trainings."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

_CACHE = "JAX_COMPILATION_CACHE_DIR"
_made = None
if "PYTEST_XDIST_WORKER" not in os.environ:  # workers and the command line inherit the folder of the session
    _made = os.environ[_CACHE] = tempfile.mkdtemp(prefix="policybudget-tests-")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["MPLBACKEND"] = "Agg"
FLAGS = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"  # halve the time to compile
os.environ.setdefault("XLA_FLAGS", FLAGS)
QUICK = {  # compiling takes most of the time, in processes of the tests, too
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "true",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
os.environ |= QUICK

# Every room that computes with arrays. Settings stay out: what they say to a wrong value is theirs to test.
EXACT = ("enumeration", "planning", "objectives", "em", "brute_force", "intervals", "tours")
ROOMS = (
    "covers",
    "welfare",
    "objective",
    "population",
    "policies",
    "rollouts",
    "assignment",
    "search",
    "selection",
    "assessment",
    "runs",
)
FILES = ("learning.advantages", "learning.ppo", "learning.optimiser", "training.state", "training.train")
FILES += ("training.events", "training.finish")
FILES += ("training.iteration", "worlds.finite", *(f"exact.{name}" for name in EXACT))
FILES += ("training.step", "training.checkpoint", "training.listeners", "training.method", "worlds.interface")
FILES += ("worlds.grid.resource_gathering", "streams")
install_import_hook([f"policybudget.{name}" for name in ROOMS + FILES], "beartype.beartype")

settings.register_profile("policybudget", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("policybudget")
gc.set_threshold(100_000, 20, 100)  # tracing makes many objects that stay: to look for garbage cost a twentieth

import jax  # noqa: E402

MOST_MAPS = 40_000
"""Memory maps of a process; Linux allows 65 530, every compiled function takes some, and one too many is a crash."""


@pytest.fixture(autouse=True, scope="module")
def forget_compiled_functions() -> None:
    """Forget them before there are too many; the cache on disk still has them."""
    if memory_maps() > MOST_MAPS:
        jax.clear_caches()


@pytest.fixture(autouse=True)
def no_figure_stays_open() -> Iterator[None]:
    """Matplotlib keeps figures until they are closed, and warns of the twenty-first."""
    yield
    if (pyplot := sys.modules.get("matplotlib.pyplot")) is not None:
        left = pyplot.get_fignums()
        pyplot.close("all")
        assert left == [], "figures that were not closed"


def memory_maps() -> int:
    """Of this process; 0 where the system does not tell."""
    try:
        with open("/proc/self/maps", "rb") as file:
            return sum(1 for _ in file)
    except OSError:
        return 0


def pytest_unconfigure() -> None:
    """Remove the cache of the session."""
    if _made is not None:
        shutil.rmtree(_made, ignore_errors=True)


@pytest.fixture
def empty_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of a tiny training; do not change it (see ``run_copy``)."""
    from policybudget.cli.main import main

    folder = tmp_path_factory.mktemp("finished") / "run"
    assert main(["train", *SMALL, "--transitions", "512", "--out", str(folder), "--quiet"]) == 0
    return folder


@pytest.fixture
def run_copy(finished_run: Path, tmp_path: Path) -> Path:
    """A finished run folder to break."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


SMALL = ("--copies", "4", "--steps", "32", "--minibatch", "64", "--epochs", "2", "--hidden", "8", "--warm-start", "1")


@pytest.fixture(scope="session")
def small() -> tuple[str, ...]:
    """Options of a tiny EM training from the command line."""
    return SMALL


@pytest.fixture
def one_line(capsys: pytest.CaptureFixture[str]) -> Callable[[list[str]], str]:
    """Run a command that must fail with status 2 and one line on standard error; returns the line."""
    from policybudget.cli.main import main

    def run(arguments: list[str]) -> str:
        capsys.readouterr()
        assert main(arguments) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("policybudget: ")
        assert err.endswith("\n") and err.count("\n") == 1
        assert "Traceback" not in err
        return err

    return run
