"""A change of a set of approved policies, in the shape of a predetermined change control plan.

FDA 2024, "Marketing submission recommendations for a predetermined change control plan for artificial
intelligence-enabled device software functions", asks for three parts: the modifications, the protocol that they follow
with what must hold for them to be accepted, and their impact.
"""

from __future__ import annotations

from typing import Any

from policybudget.assessment.statistics import plus_minus


def change_plan(asked: dict[str, Any], found: dict[str, Any]) -> str:
    """The plan, as text in Markdown.

    Args:
        asked: of the extension: ``run``, ``add``, ``without``, ``transitions``, ``seed``, ``episodes``.
        found: the record of a :class:`policybudget.assessment.compare.Comparison`.

    Returns:
        Three sections.
    """
    return "\n".join([*_modifications(asked, found), *_protocol(asked), *_impact(asked, found), ""])


def _modifications(asked: dict[str, Any], found: dict[str, Any]) -> list[str]:
    rows = [
        f"| {one['policy']} | {_short(one['before'])} | {_short(one['after'])} | {one['what']} |"
        for one in found["policies"]
    ]
    what = f"{asked['add']} to be added" if asked["without"] is None else f"policy {asked['without']} to be replaced"
    if _hashes(found, "before") == _hashes(found, "after"):
        what += "; nothing was changed, for the welfare would have fallen"
    return [
        "# Change of approved policies", "", "## Modifications", "",
        f"{what[0].upper()}{what[1:]}. A policy is known by the SHA-256 of all numbers that it acts by.", "",
        "| policy | before | after | what |", "| --- | --- | --- | --- |", *rows, "",
    ]  # fmt: skip


def _hashes(found: dict[str, Any], when: str) -> list[str]:
    return [one[when] for one in found["policies"] if one[when] is not None]


def _protocol(asked: dict[str, Any]) -> list[str]:
    return [
        "## Protocol", "",
        f"- New policies were trained with {asked['transitions']:,} transitions each (seed {asked['seed']}), for",
        "  users whose option outside is what the best policy that stays gives them.",
        f"- Users were assigned on {asked['episodes']} episodes of every policy. A user moves only if the gain is",
        "  shown: its 95 % interval, paired by episode, is above 0. Users of a replaced policy move to what is best.",
        f"- Both sets were judged on {asked['episodes']} other episodes, paired.",
        "- Accepted, if policies that stay have the same hash, no user is shown to lose (all users together, 5 %), and",
        "  the welfare is not shown to fall.", "",
    ]  # fmt: skip


def _impact(asked: dict[str, Any], found: dict[str, Any]) -> list[str]:
    gain, before, after = found["gain"], _hashes(found, "before"), _hashes(found, "after")
    stay = [digest for policy, digest in enumerate(before) if policy != asked["without"]]
    there = sum(digest in after for digest in stay)
    welfare = f"{found['welfare_before']:.2f} -> {found['welfare_after']:.2f}"
    accepted = [
        ("policies that stay have the same hash", there == len(stay), f"{there} of {len(stay)}"),
        ("no user is shown to lose", found["lost"] == 0, f"{found['lost']} of {found['users']}"),
        ("the welfare is not shown to fall", gain["mean"] + (gain["ci95"] or 0.0) >= 0, welfare),
    ]
    rows = [f"| {what} | {'yes' if holds else 'NO'} | {shown} |" for what, holds, shown in accepted]
    return [
        "## Impact", "", "| criterion | holds | measured |", "| --- | --- | --- |", *rows, "",
        f"- Mean gain of a user {gain['mean']:.2f}{plus_minus(gain['ci95'])} (95 %, {found['episodes']} episodes).",
        f"- {found['moved']} of {found['users']} users moved; {found['gained']} are shown to gain, {found['lost']} to "
        "lose.",
    ]  # fmt: skip


def _short(digest: str | None) -> str:
    return "-" if digest is None else digest[:16]
