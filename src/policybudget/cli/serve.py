"""``policybudget serve``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from policybudget.cli.options import parse
from policybudget.deployment.service.settings import Settings
from policybudget.settings import argument, check_options, option

DESCRIPTION = "Serve the policies of a bundle over HTTP: who serves whom, and what to do."


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        bundle: folder of the bundle.
        host: that is listened on.
        port: that is listened on.
        settings: what is served, and how much of it.
    """

    bundle: Path = argument("folder of a bundle", "BUNDLE")
    host: str = option("127.0.0.1", "address to listen on; others need POLICYBUDGET_TOKEN", metavar="ADDRESS")
    port: int = option(8000, "port to listen on; 0 for any that is free")
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        check_options(self)


def run(arguments: Sequence[str]) -> None:
    """Serve until a signal ends it.

    Args:
        arguments: as typed.
    """
    options = parse("serve", DESCRIPTION, Options, arguments)
    from policybudget.deployment.service.app import make_app
    from policybudget.deployment.service.serve import serve

    serve(make_app(options.bundle, options.settings), options.host, options.port, lambda line: print(line, flush=True))
