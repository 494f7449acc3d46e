"""Trainings in run folders of their own: one, or many side by side."""
