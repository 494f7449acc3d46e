"""Judging trained policies: return matrix, statistics, figures."""
