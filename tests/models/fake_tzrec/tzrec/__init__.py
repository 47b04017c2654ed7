"""Stands for TorchEasyRec: its programs, arguments, checks and files, without learning anything."""
