from __future__ import annotations

import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.worlds.savers.returns import joined, years


def test_known_months() -> None:
    known = years()
    assert (known.begins[0], known.ends[0], known.ends[-1]) == (1957, 1958, 2018)
    assert known.gross.shape == (742 - 11, 2) and (known.gross > 0).all()
    # February 1957 to January 1958 from the files themselves: core prices rose from 28.5 to 29.3
    assert known.gross[0, 0] == pytest.approx(1.0033, abs=2e-3)
    crash = known.gross[(known.begins == 2007) & (known.ends == 2008)]
    assert crash[:, 1].min() < 0.65 and np.isclose(known.gross[:, 0].mean(), 1.008, atol=1e-3)


def test_runs_of_twelve_months() -> None:
    gross = np.linspace(0.9, 1.1, 2 * 14).reshape(14, 2)
    found = joined(np.array([2000] * 13 + [2001]), gross)
    np.testing.assert_allclose(found.gross, [gross[i : i + 12].prod(axis=0) for i in range(3)])
    assert found.begins.tolist() == [2000, 2000, 2000] and found.ends.tolist() == [2000, 2000, 2001]
    assert found.within(2000, 2000) == (0, 2) and found.within(0, 3000) == (0, 3)
    with pytest.raises(PolicyBudgetError, match="known from 2000 to 2001, got first_year 2001 and last_year 2001"):
        found.within(2001, 2001)


def test_training_and_testing_share_no_month() -> None:
    known = years()
    first, count = known.within(0, 1989)
    later, more = known.within(1990, 2018)
    assert (first, count, later, more) == (0, 384, 395, 336)
    assert later - (first + count - 1) >= 12
