"""Files of comma-separated values that users bring: a header and a row per user, or per policy."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from policybudget.errors import PolicyBudgetError


@dataclass(frozen=True)
class Table:
    """A file of comma-separated values: its header, the numbers of its lines that are not empty, and its columns.

    Columns, not rows: a million small lists would keep the garbage collector busy.
    """

    path: Path
    header: list[str]
    lines: list[int]
    columns: list[list[str]]


def read_table(path: Path, what: str, one: str, several: str) -> Table:
    """Read a file in UTF-8.

    Args:
        what: the file is, such as "population".
        one: of what a row is about, such as "user".
        several: of these.

    Raises:
        PolicyBudgetError: the file is missing, is no such table, or has no rows.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # a byte-order mark is no part of the header
            reader = csv.reader(file)
            header = [cell.strip() for cell in next(reader, [])]
            lines, cells = list[int](), list[str]()
            for row in reader:
                if not any(row) or not "".join(row).strip():
                    continue
                if len(row) != len(header):
                    raise PolicyBudgetError(
                        f"{path}, line {reader.line_num}: expected {len(header)} columns, got {len(row)}"
                    )
                lines.append(reader.line_num)
                cells.extend(row)
    except FileNotFoundError:
        raise PolicyBudgetError(f"{what} file not found: {path}") from None
    except UnicodeDecodeError:
        raise PolicyBudgetError(f"cannot read {path}: expected a table of comma-separated values in UTF-8") from None
    except (OSError, csv.Error) as error:
        reason = error.strerror.lower() if isinstance(error, OSError) and error.strerror else error
        raise PolicyBudgetError(f"cannot read {path}: {reason}") from None
    if not lines:
        raise PolicyBudgetError(f"{path} has no {several}: expected a header and a row per {one}")
    return Table(path, header, lines, [cells[i :: len(header)] for i in range(len(header))])
