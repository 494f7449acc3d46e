"""Gymnasium and MO-Gymnasium environments as worlds."""
