from __future__ import annotations

import os

import pytest

from policybudget import highs


def test_what_the_solver_prints_goes_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    print("before", flush=True)
    with highs.quiet():
        os.write(1, b"from the solver\n")
    print("after", flush=True)
    out, err = capfd.readouterr()
    assert out == "before\nafter\n" and err == "from the solver\n"


def test_standard_output_is_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError), highs.quiet():
        raise ValueError
    os.write(1, b"here\n")
    assert capfd.readouterr().out == "here\n"


def test_a_closed_standard_output_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: int) -> int:
        raise OSError("bad file descriptor")

    monkeypatch.setattr(os, "dup", closed)
    with highs.quiet():
        pass
