"""Hostile values, and ways to damage what is valid: records, bytes, tables, words of a command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

NUMBERS = (
    *("0", "1", "2", "3", "7", "-1", "0.5", "-0.0", "1e-320", "1e308", "-1e308", "1e400", "-1e400"),
    *("100000000000", "2147483647", "2147483648", "-2147483649", "4294967295", "4294967296", "999999999999999"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551616"),
    *("3e38", "1e39", "NaN", "Infinity", "-Infinity", "1" + "0" * 400, "1" + "0" * 5000),
)
TEXTS = (
    *('""', '" "', '"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"x\\udfffy"', '"\\u202e\\u0007"', '"a\\nb\\r\\tc"'),
    *('"../x"', '"/"', '"/x/../y"', '"/dev/null"', '"/dev/zero"', '"/etc/passwd"', '"."', '"inputs/../x"'),
    *('"python:/nowhere.py:f"', '"python:x.py"', '"python:"', '"gym:"', '"gym:x:y-v0"', '"gym:CartPole-v1"'),
    *('"nan"', '"-5"', '"1_0"', '"=cmd()"', '"[red]x[/]"', '"{0}%s%n"', '"é ü 漢"', '"em"', '"plain"', '"none"'),
    '"' + "x" * 300 + '"', '"' + "x" * 5000 + '"', '"' + "/x" * 2500 + '"',
)  # fmt: skip
SHAPES = (
    *("null", "true", "false", "[]", "{}", "[[]]", "[null]", "[1,[2]]", '{"name":null}', '{"name":"x"}', "[-1,0]"),
    *("[1e400]", '["x"]', '{"":{}}', "[" + "0," * 3000 + "0]"),
)
NESTED = ("[" * 10_000 + "]" * 10_000, '{"a":' * 2_000 + "1" + "}" * 2_000, "[" * 900 + "]" * 900)
NO_JSON = ("", "'x'", "undefined", "01", "+1", "1 2", "[", "{", '"\\x"', '"', "\ufeff1", "//")
VALUES = (*NUMBERS, *TEXTS, *SHAPES)
NAMES = ("x", "", "../x", "self", "__class__", "\u0000", "name", "format", "x" * 5000, "rule", "world", "é\n")
WORDS = (
    *(text for text in NUMBERS if len(text) < 500),
    *("inf", "-inf", "nan", "1e5", "1_000", "", " ", "x", "../x", "/dev/null", "/dev/null/x", "/dev/zero", "."),
    *("x\x1b[31m", "a\nb", "a,b", "1,2", "1:2:3", "0.1:1:5", "1-5", "3-1", "-", "--", "%s{0}", "[red]", "\udc80"),
    *("é", "=cmd()", "x" * 300, "x" * 5000, "/x" * 2500, "9" * 400, "python:x.py:f", "python:", "gym:", "sb3:x"),
    *("onnx:x", "true", "None", "1-999999999", "0:1e308:1000"),
)
CELLS = (
    *WORDS,
    *("1,5", '"', '""', '"a', "a\rb", "\x00", "١٢", "1e-50", "0x10", "=1+1", "\ufeff", "\u2028", "a" * 140_000),
)


def record_text(rng: Random, record: Any, times: int) -> bytes:
    """A record with damage, as JSON.

    Args:
        rng: decides the damage.
        record: valid, as ``json.loads`` gives it; it is not changed.
        times: how often something of it is changed.

    Returns:
        UTF-8, now and then no JSON.
    """
    record, texts = json.loads(json.dumps(record)), dict[str, str]()

    def token(text: str) -> str:
        texts[f"@@{len(texts)}@@"] = text
        return f"@@{len(texts) - 1}@@"

    for _ in range(times):
        record = _changed(rng, record, token)
    out = json.dumps(record, indent=rng.choice([None, 2]))
    for name, text in texts.items():
        out = out.replace(f'"{name}"', text)
    return out.encode("utf-8", "surrogatepass")


def _changed(rng: Random, record: Any, token: Callable[[str], str]) -> Any:
    """One change somewhere in a record."""
    places = [(None, None, record), *_places(record)]
    holder, key, value = rng.choice(places[1:] or places)
    if holder is None:
        return token(rng.choice(VALUES))
    kind = rng.random()
    if kind < 0.6:
        holder[key] = token(_value(rng, value))
    elif kind < 0.7:
        del holder[key]
    elif kind < 0.8 and isinstance(holder, dict):
        holder[rng.choice(NAMES)] = token(rng.choice(VALUES))
    elif kind < 0.87 and isinstance(holder, dict):
        holder[token(json.dumps(key))] = token(_value(rng, value))  # the same key again
    elif kind < 0.92 and isinstance(holder, dict):
        holder[rng.choice(NAMES)] = holder.pop(key)
    else:
        other, where, content = rng.choice(places[1:])
        if isinstance(other, dict) and where in other and not isinstance(content, dict | list):
            holder[key] = content
        else:
            holder[key] = [value, value]
    return record


def _value(rng: Random, value: Any) -> str:
    """A hostile value; of half of the numbers another number, of half of the texts another text."""
    kind = rng.random()
    if kind < 0.03:
        return rng.choice(NESTED)
    if kind < 0.05:
        return rng.choice(NO_JSON)
    if kind < 0.5 and isinstance(value, int | float) and not isinstance(value, bool):
        return rng.choice(NUMBERS)
    if kind < 0.5 and isinstance(value, str):
        return rng.choice(TEXTS)
    return rng.choice(VALUES)


def _places(value: Any) -> list[tuple[Any, Any, Any]]:
    """Every (container, key, value) below a value."""
    if isinstance(value, dict):
        items: list[tuple[Any, Any]] = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value[:50]))
    else:
        return []
    return [place for key, part in items for place in [(value, key, part), *_places(part)]]


def damaged(rng: Random, content: bytes) -> bytes:
    """Bytes with damage: flipped, cut off, doubled, put elsewhere, or others altogether.

    Args:
        rng: decides the damage.
        content: to be damaged.
    """
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        at, kind = rng.randrange(len(data) + 1), rng.randrange(8)
        end = min(len(data), at + rng.choice([1, 1, 4, 16, 300]))
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(data):
            data[at] = rng.choice([0, 10, 34, 44, 255, 127, rng.randrange(256)])
        elif kind == 2:
            del data[at:]
        elif kind == 3:
            del data[at:end]
        elif kind == 4:
            data[at:at] = data[at:end]
        elif kind == 5:
            data[at:at] = rng.randbytes(rng.choice([1, 8, 100]))
        elif kind == 6:
            part, to = data[at:end], rng.randrange(len(data) + 1)
            data[to : to + len(part)] = part
        elif rng.random() < 0.3:
            data = bytearray(rng.choice([b"", b"\x00" * 100, b"\xff" * 20, rng.randbytes(200), b"{}", b"\n" * 50]))
    return bytes(data)


def table_text(rng: Random, header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """A table of comma-separated values with damage.

    Args:
        rng: decides the damage.
        header: of the valid table.
        rows: of the valid table.
    """
    cells = [list(header), *(list(row) for row in rows)]
    for _ in range(rng.choice([1, 1, 2, 3])):
        kind = rng.random()
        row = rng.choice(cells) if cells and kind > 0.2 else cells[0] if cells else []
        at = rng.randrange(len(row)) if row else 0
        if kind < 0.65 and row:
            row[at] = rng.choice(CELLS)
        elif kind < 0.75 and row:
            del row[at]
        elif kind < 0.8:
            row.insert(at, rng.choice(CELLS))
        elif kind < 0.85 and len(cells) > 1:
            cells.remove(row)
        elif kind < 0.9:
            cells.append(list(row))
        elif kind < 0.93:
            cells = cells[: rng.randrange(2)]
        elif kind < 0.97 or len(cells) > 100:  # once many rows is enough
            for each in cells:
                each.append(rng.choice(CELLS)[: None if len(cells) <= 100 else 100])
        else:
            cells = [list(each) for each in cells * 200]
    text = rng.choice(["\n", "\n", "\r\n", "\r"]).join(rng.choice([",", ",", ",", ";"]).join(row) for row in cells)
    content = (rng.choice(["", "", "\ufeff"]) + text).encode("utf-8", "surrogatepass")
    if rng.random() < 0.05:
        return text.encode(rng.choice(["utf-16", "utf-32", "latin-1"]), "replace")
    return damaged(rng, content) if rng.random() < 0.2 else content
