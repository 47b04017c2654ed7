"""Script text → statements: the dialect, by composition on sqlglot."""
