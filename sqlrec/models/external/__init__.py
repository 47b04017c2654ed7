"""Models that run elsewhere, behind a URL that speaks the protocol of services."""
