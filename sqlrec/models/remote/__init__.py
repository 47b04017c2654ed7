"""Models that somebody else runs: ``WITH (provider = …)``. What is here describes them; it calls nothing."""
