"""The best k rows of a table of what each of many policies is worth to each agent."""
