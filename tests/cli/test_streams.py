"""Standard streams that are closed, full, or lack letters."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from policybudget.cli.streams import Forgiving

COMMAND = [sys.executable, "-m", "policybudget"]
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")


@needs_full
def test_what_cannot_be_written_is_dropped_and_remembered() -> None:
    with open("/dev/full", "wb", buffering=0) as full:
        stream = Forgiving(full.fileno())
        assert stream.failed is None and not stream.isatty() and stream.writable()
        assert stream.write(b"abc") == 3
        assert stream.failed is not None and stream.failed.errno == errno.ENOSPC
        assert stream.write(b"more") == 4


def test_a_closed_descriptor() -> None:
    read, write = os.pipe()
    os.close(read)
    os.close(write)
    stream = Forgiving(write)
    assert stream.write(b"abc") == 3 and stream.failed is not None and stream.failed.errno == errno.EBADF


@needs_full
def test_a_command_whose_output_is_lost_says_so() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([*COMMAND, "--version"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "policybudget: cannot write to standard output: no space left on device\n"


def test_a_reader_that_stops_is_no_error() -> None:
    with subprocess.Popen([*COMMAND, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait() == 0


def test_letters_that_a_locale_lacks() -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [*COMMAND, "fl\u00fcgel"], capture_output=True, check=False, env=os.environ | ascii_only, timeout=60
    )
    assert done.returncode == 2 and done.stderr.startswith(b"policybudget: command must be one of train")
