"""Meta-World's 50 manipulation tasks."""
