"""Suites that try to break policybudget: hostile input (``fuzz``), kills and crashes (``kill``)."""
