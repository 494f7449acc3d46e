"""Policies that were trained elsewhere: functions, ONNX files, Stable-Baselines3 archives."""
