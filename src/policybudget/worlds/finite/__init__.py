"""Worlds given by tables of transitions."""
