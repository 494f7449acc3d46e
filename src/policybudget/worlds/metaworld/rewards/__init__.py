"""The rewards of Meta-World's 50 tasks, in NumPy over a batch."""
