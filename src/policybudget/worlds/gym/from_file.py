"""A function of a Python file by ``FILE.py:NAME``. Loading a file runs it: it is for files that the user names."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from policybudget.errors import PolicyBudgetError
from policybudget.worlds.gym.copies import line, origin


def split(reference: str) -> tuple[Path, str]:
    """File and name.

    Args:
        reference: ``FILE.py:NAME``.

    Returns:
        The path as given, and the name.

    Raises:
        PolicyBudgetError: it is not of this form.
    """
    file, _, name = reference.rpartition(":")
    if not file.endswith(".py") or not name.isidentifier():
        raise PolicyBudgetError(
            "python: must be followed by FILE.py:NAME, a Python file and a function in it that makes an environment, "
            f"got {reference!r}"
        )
    return Path(file), name


def function_in(reference: str) -> Callable[..., Any]:
    """A function of a file, which is run for it, and which finds the modules beside it.

    Args:
        reference: ``FILE.py:NAME``.

    Returns:
        The function; while it works, the folder of the file is where modules are imported from first.

    Raises:
        PolicyBudgetError: there is no such file or name, it cannot be called, or the file raised.
    """
    path, name = split(reference)
    if not path.is_file():
        raise PolicyBudgetError(f"world python:{reference}: file not found: {path}; give the path of a Python file")
    folder = path.absolute().parent
    module = _load(path, reference)
    if not hasattr(module, name):
        known = [key for key, value in vars(module).items() if callable(value) and _home(value) == module.__name__]
        has = f"its functions are {', '.join(known)}" if known else "it has no functions"
        raise PolicyBudgetError(f"world python:{reference}: {path} has no {name}; {has}")
    found = getattr(module, name)
    if not callable(found):
        raise PolicyBudgetError(
            f"world python:{reference}: expected {name} in {path} to be a function that makes an environment, "
            f"got {type(found).__name__}"
        )

    @functools.wraps(found, updated=())
    def make(*arguments: Any) -> Any:
        try:
            with importable(folder):
                return found(*arguments)
        except PolicyBudgetError:
            raise
        except Exception as error:
            raise PolicyBudgetError(
                f"world python:{reference}: {name} raised {line(error)} ({origin(error)}); correct the file"
            ) from error

    return make


@contextlib.contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Modules of a folder are found by ``import``, as in a script that stands there.

    Args:
        folder: to look in first.
    """
    before = str(folder)
    sys.path.insert(0, before)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(before)


def _load(path: Path, reference: str) -> ModuleType:
    """The file as a module of its own name, run afresh."""
    whole = path.absolute()
    name = f"policybudget_world_{whole.stem}_{sha256(str(whole).encode()).hexdigest()[:12]}"
    spec = spec_from_file_location(name, whole)
    assert spec is not None  # the name of the file ends with .py
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look for their module there
    try:
        with importable(whole.parent):
            spec.loader.exec_module(module)
    except PolicyBudgetError:
        raise
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        where = f", line {number}" if (number := _line_in(error, whole)) else ""
        raise PolicyBudgetError(
            f"world python:{reference}: {path}{where} raised {line(error)} while it was loaded; correct the file"
        ) from error
    return module


def _line_in(error: BaseException, path: Path) -> int | None:
    """The last line of the file that an error came through, if it did."""
    found, trace = None, error.__traceback__
    while trace is not None:
        found = trace.tb_lineno if trace.tb_frame.f_code.co_filename == str(path) else found
        trace = trace.tb_next
    return found


def _home(value: Any) -> str | None:
    return getattr(value, "__module__", None)
