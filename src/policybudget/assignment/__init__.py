"""Who is represented by whom: the assignment rules."""
