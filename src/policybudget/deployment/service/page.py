"""The page at ``/``: one file of HTML that asks the other endpoints. It holds nothing of the bundle itself."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files


@cache
def content() -> bytes:
    """The page."""
    return (files("policybudget.deployment.service") / "page.html").read_bytes()


@cache
def headers() -> dict[str, str]:
    """What it may do: ask this service, and run its own script alone."""
    found = dict.fromkeys(("script", "style"), "'none'")
    for kind in found:
        inside = re.search(rb"<%b>(.*?)</%b>" % (kind.encode(), kind.encode()), content(), re.DOTALL)
        assert inside is not None
        found[kind] = f"'sha256-{base64.b64encode(hashlib.sha256(inside[1]).digest()).decode()}'"
    policy = (
        f"default-src 'none'; connect-src 'self'; script-src {found['script']}; style-src {found['style']}; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {"content-security-policy": policy, "referrer-policy": "no-referrer"}
