"""Running one step, and a whole plan in this process."""
