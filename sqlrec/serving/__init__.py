"""The predict server."""
