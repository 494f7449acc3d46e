"""Options from dataclasses: a field with ``option(default, help)`` is a flag of the same name."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from types import UnionType
from typing import Any, Literal, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from policybudget.errors import PolicyBudgetError, check_choice, did_you_mean

Settings = TypeVar("Settings")
Kind = TypeVar("Kind")
COLUMNS = 80
METAVARS = {int: "N", float: "X", str: "NAME", Path: "FILE"}


class _Short(argparse.ArgumentDefaultsHelpFormatter):
    """A usage of one line; defaults, where there are some, in at most 80 columns."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=min(shutil.get_terminal_size().columns, COLUMNS) - 2)

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        """What must be given, and that there are options.

        Args:
            usage: nothing.
            actions: all arguments.
            groups: of arguments that exclude each other.
            prefix: before the usage.
        """
        flags = [each for each in actions if each.option_strings]
        forms = {"?": "[{0}]", "+": "{0} [{0} ...]"}
        words = [forms.get(each.nargs, "{0}").format(each.metavar) for each in actions if each not in flags]
        words += [f"{each.option_strings[0]} {each.metavar}" for each in flags if each.required]
        super().add_usage(" ".join([self._prog, *words, "[OPTIONS]"]), actions, groups, prefix)

    def _get_help_string(self, action: argparse.Action) -> str | None:
        switch = action.nargs == 0 and len(action.option_strings) == 1  # no --no-
        return action.help if action.default is None or switch else super()._get_help_string(action)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line.

    Args:
        command: whose options are parsed.
        description: what the command does.
        **details: more arguments of ``argparse.ArgumentParser``.
    """

    def __init__(self, command: str, description: str, **details: Any) -> None:
        super().__init__(
            prog=f"policybudget {command}",
            description=description,
            allow_abbrev=False,
            formatter_class=_Short,
            **details,
        )

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The values of arguments; what is unknown is an error, with a hint at the option that was meant.

        Args:
            args: as typed.
            namespace: gets the values; a new one if None.

        Returns:
            The namespace.

        Raises:
            PolicyBudgetError: the arguments are wrong.
        """
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            known = [flag for action in self._actions for flag in action.option_strings]
            hints = (did_you_mean(word.partition("=")[0], known) for word in unknown if word.startswith("--"))
            self.error(f"unrecognized arguments: {' '.join(unknown)}{next(filter(None, hints), '')}")
        return parsed

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The values of known arguments, and the others.

        Args:
            args: as typed.
            namespace: gets the values; a new one if None.

        Raises:
            PolicyBudgetError: the arguments are wrong. (argparse takes ``--option=--`` for an option without a value.)
        """
        for word in args or ():
            if word.startswith("--") and word.endswith("=--"):
                self.error(f"argument {word[:-3]}: expected a value, got --")
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong; the caller prints it and exits with status 2.

        Args:
            message: what is wrong.

        Raises:
            PolicyBudgetError: always.
        """
        raise PolicyBudgetError(f"{message} (see {self.prog} --help)")


def parse(command: str, description: str, kind: type[Kind], arguments: Sequence[str]) -> Kind:
    """The options of a command as a value.

    Args:
        command: whose options they are.
        description: what the command does.
        kind: a dataclass. Fields declared with ``option`` and ``argument`` are options; a field that is a dataclass of
            that kind itself gives its options to the same command.
        arguments: as typed, without the name of the command.

    Returns:
        A ``kind`` with the values that were given, and defaults for all others.

    Raises:
        PolicyBudgetError: the arguments are wrong.
    """
    parser = Parser(command, description)
    declare(parser, kind)
    return filled(kind, parser.parse_args(arguments))


def declare(parser: Parser, kind: Any) -> None:
    """Flags for the fields of a dataclass that are options.

    Args:
        parser: gets the flags.
        kind: the dataclass.
    """
    _declare(parser, kind, {})


def _declare(parser: Parser, kind: Any, groups: dict[str, Any]) -> None:
    hints = get_type_hints(kind)
    for field in fields(kind):
        if is_dataclass(hints[field.name]):
            _declare(parser, hints[field.name], groups)
            continue
        details = {"help": field.metadata["help"], **_details(field, hints[field.name])}
        if field.metadata.get("positional"):
            parser.add_argument(field.name, **details)
            continue
        title = field.metadata["group"]
        if title is not None and title not in groups:
            groups[title] = parser.add_argument_group(title)
        place = parser if title is None else groups[title]
        place.add_argument("--" + field.name.replace("_", "-"), dest=field.name, **details)


def _details(field: Field[Any], hint: Any) -> dict[str, Any]:
    """The arguments of ``add_argument`` for a field, by its type."""
    required = field.default is MISSING
    default = {} if required else {"default": field.default}
    optional = get_origin(hint) is UnionType
    hint = next(one for one in get_args(hint) if one is not type(None)) if optional else hint
    metavar, read = field.metadata["metavar"], field.metadata.get("read")
    if field.metadata.get("positional"):
        if get_origin(hint) is tuple:
            return default | {"type": get_args(hint)[0], "metavar": metavar, "nargs": "+"}
        return default | {"type": hint, "metavar": metavar} | ({} if required else {"nargs": "?"})
    default |= {"required": True} if required else {}
    if hint is bool:
        return default | {"action": "store_true"}
    if read is not None:
        return default | {"type": read, "metavar": metavar}
    if get_origin(hint) is Literal:
        chosen = partial(check_choice, field.name, choices=get_args(hint))
        return default | {"type": chosen, "metavar": metavar or METAVARS[str]}
    if get_origin(hint) is tuple:
        kinds = get_args(hint)
        many: Any = "+" if kinds[1] is ... else len(kinds)
        return default | {"type": kinds[0], "nargs": many, "metavar": metavar or METAVARS[kinds[0]]}
    return default | {"type": hint, "metavar": metavar or METAVARS[hint]}


def filled(kind: type[Kind], parsed: argparse.Namespace) -> Kind:
    """A dataclass with the values that were given.

    Args:
        kind: the dataclass.
        parsed: by a parser with its flags (:func:`declare`).
    """
    hints, values = get_type_hints(kind), dict[str, Any]()
    for field in fields(kind):  # type: ignore[arg-type]
        nested = is_dataclass(hints[field.name])
        value = filled(hints[field.name], parsed) if nested else getattr(parsed, field.name)
        values[field.name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def names(settings: Any) -> tuple[str, ...]:
    """The fields of a settings dataclass that are options.

    Args:
        settings: a dataclass.
    """
    return tuple(field.name for field in fields(settings) if "help" in field.metadata)


def add(group: Any, settings: Any, chosen: Sequence[str]) -> None:
    """Flags for fields of a settings dataclass, their values the defaults.

    Args:
        group: gets the flags.
        settings: a dataclass with the defaults.
        chosen: names of the fields.
    """
    for field in fields(settings):
        if field.name not in chosen:
            continue
        value = getattr(settings, field.name)
        flag = "--" + field.name.replace("_", "-")
        try:
            group.add_argument(flag, default=value, help=field.metadata["help"], **_kind(value, str(field.type)))
        except argparse.ArgumentError:
            raise PolicyBudgetError(
                f"{type(settings).__name__}.{field.name}: there is an option {flag} already; give it another name"
            ) from None


def _kind(value: Any, annotation: str) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"action": argparse.BooleanOptionalAction}
    if isinstance(value, tuple):
        if not value:
            return {"type": str, "nargs": "+", "metavar": "NAME"}
        pair = isinstance(value[0], float)
        return {"type": type(value[0]), "nargs": 2 if pair else "+", "metavar": ("START", "END") if pair else "SIZE"}
    blank = {"int | None": int, "str | None": str, "float | None": float}
    kind = type(value) if value is not None else blank[annotation]
    return {"type": kind, "metavar": {int: "N", float: "X", str: "NAME"}[kind]}


def read(settings: Settings, parsed: argparse.Namespace) -> Settings:
    """The settings with the values that were given.

    Args:
        settings: a dataclass with the defaults.
        parsed: by a parser with the flags of these settings.

    Returns:
        A copy with the values that were given.
    """
    changes = {}
    for name in names(settings):
        value = getattr(parsed, name)
        changes[name] = tuple(value) if isinstance(value, list) else value
    return replace(settings, **changes)  # type: ignore[type-var]


def peek(arguments: Sequence[str], **defaults: str | None) -> argparse.Namespace:
    """A few options ahead of the rest: the defaults of the others depend on them.

    Args:
        arguments: as typed.
        **defaults: names of the options, with their defaults.

    Returns:
        Their values; all other arguments are left out.
    """
    parser = Parser("train", "", add_help=False)
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", default=default)
    found: argparse.Namespace = parser.parse_known_args(arguments)[0]
    return found
