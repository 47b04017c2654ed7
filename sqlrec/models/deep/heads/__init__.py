"""Dense halves of the deep models, one module an architecture."""
