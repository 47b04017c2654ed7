"""Errors as a command shows them."""

from __future__ import annotations

from sqlrec.errors import ScriptError, SqlRecError


def error_text(error: SqlRecError) -> str:
    """The findings of a script at their places; of another error its code, message and help."""
    if isinstance(error, ScriptError):
        return str(error)
    help_line = f"\n  = help: {error.hint}" if error.hint else ""
    return f"error[{error.code}]: {error.message}{help_line}"
