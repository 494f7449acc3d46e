"""Options from dataclasses: a field with ``option(default, help)`` is a flag of the same name."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, NoReturn, TypeVar

from policybudget.errors import PolicyBudgetError

Settings = TypeVar("Settings")


class _Defaults(argparse.ArgumentDefaultsHelpFormatter):
    """Tells defaults, where there are some."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        switch = action.nargs == 0 and len(action.option_strings) == 1  # no --no-
        return action.help if action.default is None or switch else super()._get_help_string(action)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def __init__(self, command: str, description: str, **details: Any) -> None:
        super().__init__(
            prog=f"policybudget {command}",
            description=description,
            allow_abbrev=False,
            formatter_class=_Defaults,
            **details,
        )

    def error(self, message: str) -> NoReturn:
        """Say what is wrong; the caller prints it and exits with status 2."""
        raise PolicyBudgetError(f"{message} (see {self.prog} --help)")


def add(parser: argparse.ArgumentParser, title: str, settings: Any) -> None:
    """A flag for every simple field of a settings dataclass, its value the default."""
    group = parser.add_argument_group(title)
    for field in fields(settings):
        if "help" not in field.metadata:
            continue
        value = getattr(settings, field.name)
        group.add_argument(
            "--" + field.name.replace("_", "-"),
            default=value,
            help=field.metadata["help"],
            **_kind(value, str(field.type)),
        )


def _kind(value: Any, annotation: str) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"action": argparse.BooleanOptionalAction}
    if isinstance(value, tuple):
        pair = isinstance(value[0], float)
        return {"type": type(value[0]), "nargs": 2 if pair else "+", "metavar": ("START", "END") if pair else "SIZE"}
    blank = {"int | None": int, "str | None": str, "float | None": float}
    kind = type(value) if value is not None else blank[annotation]
    return {"type": kind, "metavar": {int: "N", float: "X", str: "NAME"}[kind]}


def read(settings: Settings, parsed: argparse.Namespace) -> Settings:
    """The settings with the values that were given."""
    changes = {}
    for field in fields(settings):  # type: ignore[arg-type]
        if "help" in field.metadata:
            value = getattr(parsed, field.name)
            changes[field.name] = tuple(value) if isinstance(value, list) else value
    return replace(settings, **changes)  # type: ignore[type-var]


def peek(arguments: Sequence[str], **defaults: str | None) -> argparse.Namespace:
    """A few options ahead of the rest, for what the others' defaults depend on."""
    parser = Parser("train", "", add_help=False)
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", default=default)
    return parser.parse_known_args(arguments)[0]
