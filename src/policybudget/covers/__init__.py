"""Covers of task parameters: at most K prototypes within a radius of most tasks."""

from __future__ import annotations

from policybudget.covers.cover import METHODS, Cover, cover
from policybudget.covers.descriptions import ENCODERS, embed, encoder, read_described
from policybudget.covers.plan import CoverPlan
from policybudget.covers.report import CoverReport, cover_file, cover_tasks
from policybudget.covers.sweep import by_budget, by_radius
from policybudget.covers.tasks import Tasks, read_tasks

__all__ = [
    "ENCODERS",
    "METHODS",
    "Cover",
    "CoverPlan",
    "CoverReport",
    "Tasks",
    "by_budget",
    "by_radius",
    "cover",
    "cover_file",
    "cover_tasks",
    "embed",
    "encoder",
    "read_described",
    "read_tasks",
]
