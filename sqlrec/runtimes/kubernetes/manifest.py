"""What objects of the API are here: plain data. Whoever renders them needs no client, and so no HTTP."""

from __future__ import annotations

from typing import Any

Manifest = dict[str, Any]
"""An object of the API, as JSON has it."""
