"""TorchEasyRec-style deep recommendation models (``tzrec.*``)."""
