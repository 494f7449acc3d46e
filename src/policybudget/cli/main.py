"""The command line. Commands are imported when they are called, so that help is there at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from policybudget.cli import interrupts, streams
from policybudget.errors import check_choice

COMMANDS = {
    "train": "train a budget of policies for a population of users",
    "resume": "go on with a training that was stopped",
    "evaluate": "play fresh episodes of a trained run: welfare and return matrix",
    "study": "many trainings as one plan: what is missing is run",
    "reproduce": "a figure of the paper, made again: what is missing is run",
    "curve": "what k policies are worth, for every k: how many to approve",
    "assess": "the evidence for each policy of a run, as a page to approve it by",
    "compare": "two runs for the same users: what changed, who gained, who lost",
    "choose": "the best k of the policies of several runs, as a run",
    "extend": "add policies to a run, those that it has stay as they are",
    "generalise": "what a run is worth to tasks held out from its training, and a certificate",
    "export": "seal the policies of a run as a bundle: NumPy and ONNX, hashes, evidence",
    "verify": "is a bundle what it was when it was sealed?",
    "approve": "write into a bundle who approved which policies",
    "sign": "sign a bundle with a key of your own",
    "enrol": "who serves new users, without training",
    "reassign": "who moves to another policy, now that users have changed",
    "serve": "policies of a bundle over HTTP: who serves whom, and what to do",
    "monitor": "is what is realised inside what was promised?",
    "check": "does a world do what training relies on?",
    "optimum": "the best that a budget of k policies can do, without training",
    "cover": "K prototypes within a radius of as many tasks as possible",
}


def usage() -> str:
    """The text of ``--help``."""
    lines = [
        "usage: policybudget [--version] COMMAND [OPTIONS]",
        "",
        "Train k policies to serve n users, each with a reward function of their own.",
        "",
        "commands:",
        *(f"  {name:<10} {text}" for name, text in COMMANDS.items()),
        "",
        "policybudget COMMAND --help lists the options of a command.",
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: as typed, the command first; those of the process if None.

    Returns:
        The exit status: 2 for bad input, with one line on standard error.
    """
    if arguments is not None:
        return _run(list(arguments))
    words = sys.argv[1:]
    out, training = (
        streams.forgive(),
        words[:1] in (["train"], ["resume"], ["curve"], ["extend"], ["study"], ["reproduce"]),
    )
    interrupts.end_at_once("nothing was begun" if training else "")
    try:
        status = _run(words)
        if reason := streams.lost(out):
            print(f"policybudget: cannot write to standard output: {reason}", file=sys.stderr)
            return status if training else status or 2
        return status
    finally:
        interrupts.end_at_once()


def _run(words: Sequence[str]) -> int:
    """The exit status of a command; whatever goes wrong is one line."""
    try:
        if not words or words[0] in ("-h", "--help"):
            print(usage())
            return 0 if words else 2
        if words[0] == "--version":
            from importlib.metadata import version

            print(f"policybudget {version('policybudget')}")
            return 0
        command = check_choice("command", words[0], COMMANDS)
        status = import_module(f"policybudget.cli.{command}").run(words[1:])
        return 0 if status is None else int(status)
    except KeyboardInterrupt as stopped:
        return interrupts.say(str(stopped))
    except Exception as error:
        from policybudget.studies.failures import explained

        if (text := explained(error)) is None:
            raise
        print(f"policybudget: {text}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
