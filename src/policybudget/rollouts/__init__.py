"""Transitions and whole episodes of k policies, in worlds of either kind."""
