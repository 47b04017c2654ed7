"""Checkpoint files: layout, digests, signature."""
