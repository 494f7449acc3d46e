"""One hostile input and what came of it: accepted, refused in one line, or a finding.

An input is refused by an error that the command line explains, and what it prints of it is one printable line of less
than 1000 characters, and nothing on disk has changed. Whatever else happens is a finding.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType
from typing import NoReturn

from policybudget.studies.failures import explained

SECONDS = 10.0
"""An input that takes longer hangs."""
LONGEST = 1000
"""Characters of a refusal."""
ACCEPTED, REFUSED = "accepted", "refused"
FINDINGS = ("traceback", "hang", "exit", "memory", "message", "lost", "valid refused", "crash")
OUTCOMES = (ACCEPTED, REFUSED, *FINDINGS)


class BegunError(BaseException):
    """Raised where the work would begin, in place of it: the input was accepted."""


class WrongExitError(Exception):
    """A command ended otherwise than by doing its work or by status 2 with one line."""


class HangError(BaseException):
    """An input took too long."""


class NoMachineError(Exception):
    """An input was accepted for which no machine has the memory."""


@dataclass(frozen=True)
class Case:
    """A hostile input, its files already written.

    Attributes:
        text: what the input is, in a few words.
        call: reads it.
        valid: whether it must be accepted.
        writes: names, relative to the folder of the reader, of what may change below it although it is read only.
        seconds: that it may take; a longer time is a hang.
    """

    text: str
    call: Callable[[], object]
    valid: bool = False
    writes: tuple[str, ...] = ()
    seconds: float = SECONDS


@dataclass(frozen=True)
class Reader:
    """Something of policybudget that reads what users bring.

    Attributes:
        name: of the reader.
        share: of a thousand inputs, how many it gets.
        open: takes a folder of its own, writes valid files there, and returns what makes a case of random numbers; a
            case does not depend on the cases before it.
    """

    name: str
    share: int
    open: Callable[[Path], Callable[[Random], Case]]


@dataclass(frozen=True)
class Judgement:
    """What came of an input.

    Attributes:
        outcome: one of ``OUTCOMES``.
        what: the input, and what happened, in words; of what was neither accepted nor refused.
    """

    outcome: str
    what: str = ""


def random_of(seed: int, reader: str, index: int) -> Random:
    """The random numbers of one input; they depend on nothing else.

    Args:
        seed: of the suite.
        reader: its name.
        index: of the input.
    """
    return Random(f"{seed}/{reader}/{index}")


def judge(case: Case, folder: Path) -> Judgement:
    """Read an input, and say what came of it.

    Args:
        case: the input.
        folder: of the reader. What is new in it afterwards is removed.
    """
    before = contents(folder)
    outcome, what = _read(case)
    after = contents(folder)
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    unexpected = [name for name in changed if not (case.writes and name.startswith(case.writes))]
    if outcome == ACCEPTED:
        unexpected = [name for name in unexpected if name in before]  # what is new is what was asked for
    elif case.valid and outcome == REFUSED:
        outcome = "valid refused"
    if unexpected and outcome in (ACCEPTED, REFUSED):
        outcome, what = "lost", f"{outcome}, and changed {', '.join(unexpected[:5])}"
    for name in after.keys() - before.keys():
        _remove(folder / name)
    return Judgement(outcome, "" if outcome in (ACCEPTED, REFUSED) else f"{case.text}: {what}")


def contents(folder: Path) -> dict[str, tuple[int, int, int]]:
    """What stands in a folder: by its path, size, time of the last change and number of each file.

    Args:
        folder: to look at.
    """
    found = dict[str, tuple[int, int, int]]()
    waiting = [str(folder)]
    while waiting:
        for entry in os.scandir(waiting.pop()):
            if entry.is_dir(follow_symlinks=False):
                found[os.path.relpath(entry.path, folder)] = (0, 0, 0)
                waiting.append(entry.path)
            else:
                about = entry.stat(follow_symlinks=False)
                found[os.path.relpath(entry.path, folder)] = (about.st_size, about.st_mtime_ns, about.st_ino)
    return found


def _read(case: Case) -> tuple[str, str]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            with warnings.catch_warnings(), limited(case.seconds) as late:
                warnings.simplefilter("ignore")
                case.call()
        except BaseException as error:
            outcome = _raised(error)
        else:
            outcome = (ACCEPTED, "")
    return ("hang", f"took more than {case.seconds:g} s") if late() else outcome


def _raised(error: BaseException) -> tuple[str, str]:
    """The outcome of an input that raised."""
    if isinstance(error, BegunError):
        return ACCEPTED, ""
    if isinstance(error, SystemExit):
        return (ACCEPTED, "") if error.code in (None, 0) else ("exit", f"SystemExit: {error.code!a}"[:200])
    if isinstance(error, HangError):
        return "hang", "took too long"
    if isinstance(error, MemoryError | NoMachineError) or "RESOURCE_EXHAUSTED" in ascii(error)[:1000]:
        return "memory", shown(error)
    if isinstance(error, WrongExitError):
        return "exit", ascii(error)[:300]
    text = explained(error) if isinstance(error, Exception) else None
    return ("traceback", shown(error)) if text is None else _refusal(text)


def _refusal(text: str) -> tuple[str, str]:
    if not 0 < len(text) < LONGEST:
        return "message", f"a refusal of {len(text)} characters: {text[:100]!a}"
    if not text.isprintable():
        return "message", f"a refusal that cannot be printed: {text!a}"[:300]
    return REFUSED, text


def shown(error: BaseException) -> str:
    """An error as its class, its text and where it was raised, the innermost place in policybudget last.

    Args:
        error: that was raised.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [one for one in frames if "policybudget" in one.filename and "robustness" not in one.filename] or frames
    places = " < ".join(f"{Path(one.filename).name}:{one.lineno}" for one in reversed(own[-3:]))
    try:
        text = str(error)
    except Exception:
        text = "no text"
    return f"{type(error).__name__}: {ascii(text)[1:-1][:150]} ({places})"


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[Callable[[], bool]]:
    """Raise HangError in a block that takes too long.

    Args:
        seconds: that it may take.

    Yields:
        Tells whether it took too long, also where somebody swallowed the error.
    """
    late = False

    def end(number: int, frame: FrameType | None) -> NoReturn:
        nonlocal late
        late = True
        raise HangError

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield lambda: late
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
