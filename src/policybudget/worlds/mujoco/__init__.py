"""Robots on MuJoCo's own threads."""
