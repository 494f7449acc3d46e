"""What a user wrote in a Python file, by ``python:FILE.py:NAME``: an environment, a rule, a search, policies.

Loading a file runs it: it is for files that the user names. A run folder has copies of such files (docs/using.md).
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import Any, TypeVar

from policybudget.errors import PolicyBudgetError

Kind = TypeVar("Kind")

PYTHON = "python:"
"""What such a name begins with."""
_MODULE = "policybudget_file_"


def named(reference: str) -> bool:
    """Whether a name is one of something in a Python file.

    Args:
        reference: such as ``python:FILE.py:NAME``.
    """
    return reference.startswith(PYTHON)


def split(reference: str) -> tuple[Path, str]:
    """File and name.

    Args:
        reference: ``python:FILE.py:NAME``.

    Returns:
        The path as given, and the name.

    Raises:
        PolicyBudgetError: it is not of this form.
    """
    file, _, name = reference.removeprefix(PYTHON).rpartition(":")
    if not file.endswith(".py") or not name.isidentifier():
        raise PolicyBudgetError(
            f"{PYTHON} must be followed by FILE.py:NAME, a Python file and a name in it, "
            f"got {reference.removeprefix(PYTHON)!r}"
        )
    return Path(file), name


def located(reference: str) -> str:
    """The reference with the whole path of its file, or any other name as it is.

    Args:
        reference: such as ``python:FILE.py:NAME``.

    Raises:
        PolicyBudgetError: it is ``python:`` and not FILE.py:NAME.
    """
    if not named(reference):
        return reference
    file, name = split(reference)
    return f"{PYTHON}{file.absolute()}:{name}"


def found(reference: str, expected: str) -> Any:
    """What a file has under a name; the file is run for it, and finds the modules beside it.

    Args:
        reference: ``python:FILE.py:NAME``.
        expected: what is looked for, in words.

    Raises:
        PolicyBudgetError: there is no such file or name, or the file raised.
    """
    path, name = split(reference)
    if not path.is_file():
        raise PolicyBudgetError(f"{reference}: file not found: {path}; give the path of a Python file")
    module = _load(path, reference)
    if not hasattr(module, name):
        known = [key for key, value in vars(module).items() if callable(value) and _home(value) == module.__name__]
        has = f"its functions are {', '.join(known)}" if known else "it has no functions"
        raise PolicyBudgetError(f"{reference}: {path} has no {name}; {has} (expected {expected})")
    return getattr(module, name)


def function_in(reference: str, expected: str) -> Callable[..., Any]:
    """A function of a file.

    Args:
        reference: ``python:FILE.py:NAME``.
        expected: what is looked for, in words.

    Returns:
        The function; while it works, the folder of the file is where modules are imported from first.

    Raises:
        PolicyBudgetError: there is no such file or name, it cannot be called, or the file raised.
    """
    path, name = split(reference)
    function = found(reference, expected)
    if not callable(function):
        raise PolicyBudgetError(
            f"{reference}: expected {name} in {path} to be {expected}, got {type(function).__name__}"
        )
    folder = path.absolute().parent

    @functools.wraps(function, updated=())
    def call(*arguments: Any) -> Any:
        try:
            with importable(folder):
                return function(*arguments)
        except (PolicyBudgetError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise PolicyBudgetError(
                f"{reference}: {name} raised {line(error)} ({origin(error)}); correct the file"
            ) from error

    return call


def class_in(reference: str, base: type[Kind], example: str) -> type[Kind]:
    """A class of a file.

    Args:
        reference: ``python:FILE.py:NAME``.
        base: what it must be a kind of.
        example: a file that has one, for the error.

    Returns:
        The class; :func:`reference_of` gives the reference back.

    Raises:
        PolicyBudgetError: there is no such file or class, it lacks something, or the file raised.
    """
    _, name = split(reference)
    expected, remedy = f"a subclass of policybudget.{base.__name__}", f"see {example}"
    kind: Any = found(reference, expected)
    if not isinstance(kind, type) or not issubclass(kind, base):
        got = getattr(kind, "__name__", type(kind).__name__)
        raise PolicyBudgetError(f"{reference}: expected {name} to be {expected}, got {got}; {remedy}")
    if inspect.isabstract(kind):
        lacking = ", ".join(sorted(getattr(kind, "__abstractmethods__", ())))
        raise PolicyBudgetError(f"{reference}: {name} lacks {lacking}; {remedy}")
    if not isinstance(getattr(kind, "name", None), str):
        raise PolicyBudgetError(f'{reference}: {name} lacks a name: name: ClassVar[str] = "..."; {remedy}')
    try:
        kind()
    except PolicyBudgetError:
        raise
    except Exception as error:
        raise PolicyBudgetError(
            f"{reference}: {name}() raised {line(error)}; every field needs a default; {remedy}"
        ) from error
    found_kind: type[Kind] = kind
    return found_kind


def reference_of(kind: type) -> str | None:
    """Where a class was found.

    Args:
        kind: a class.

    Returns:
        ``python:FILE.py:NAME`` with a whole path; None for a class that came from elsewhere.
    """
    if not kind.__module__.startswith(_MODULE):
        return None
    return f"{PYTHON}{sys.modules[kind.__module__].__file__}:{kind.__name__}"


def culprit(error: BaseException) -> str | None:
    """The file of a user that an exception came through.

    Args:
        error: the exception.

    Returns:
        The file and the last line of it that it came through; None if it came through none.
    """
    files = {module.__file__ for name, module in list(sys.modules.items()) if name.startswith(_MODULE)}
    own = [(file, number) for file, number in _passed(error) if file in files]
    return f"{own[-1][0]}, line {own[-1][1]}" if own else None


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


def origin(error: BaseException) -> str:
    """Where an exception was raised.

    Args:
        error: the exception.

    Returns:
        File and line.
    """
    passed = _passed(error)
    return f"{passed[-1][0]}, line {passed[-1][1]}" if passed else "no line known"


def line(error: BaseException) -> str:
    """An exception as one line.

    Args:
        error: the exception.

    Returns:
        Its class and its message, at most 300 characters.
    """
    try:
        text = str(error)
    except Exception as failed:  # of a class whose own text cannot be made
        text = f"its text cannot be made, {type(failed).__name__}"
    return " ".join(f"{type(error).__name__}: {text}".split())[:300]


def brief(value: Any) -> str:
    """A value in a few words.

    Args:
        value: anything, also what has no text.

    Returns:
        At most 80 characters.
    """
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    if getattr(value, "ndim", 0) and hasattr(value, "shape"):
        return f"an array of shape {value.shape}"
    try:
        text = repr(value)
    except Exception:
        text = f"something of type {type(value).__name__}"
    return " ".join(text.split())[:80]


def _load(path: Path, reference: str) -> ModuleType:
    """The file as a module of its own name, run afresh."""
    whole = path.absolute()
    name = f"{_MODULE}{whole.stem}_{sha256(str(whole).encode()).hexdigest()[:12]}"
    spec = spec_from_file_location(name, whole)
    assert spec is not None  # the name of the file ends with .py
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look for their module there
    try:
        with importable(whole.parent):
            spec.loader.exec_module(module)
    except (PolicyBudgetError, KeyboardInterrupt):
        raise
    except BaseException as error:
        del sys.modules[name]
        lines = [number for file, number in _passed(error) if file == str(whole)]
        where = f", line {lines[-1]}" if lines else ""
        raise PolicyBudgetError(
            f"{reference}: {path}{where} raised {line(error)} while it was loaded; correct the file"
        ) from error
    return module


def _passed(error: BaseException) -> list[tuple[str, int]]:
    """Files and lines that an exception came through, where it was raised last."""
    return [(frame.f_code.co_filename, number) for frame, number in walk_tb(error.__traceback__)]


def _home(value: Any) -> str | None:
    return getattr(value, "__module__", None)
