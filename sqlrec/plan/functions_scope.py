"""Where a function's body stands when it is put in the place of a call: what its tables are called there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """The body of a function within what calls it.

    A table that the body caches is called ``prefix`` and its name outside, except the one it ``returns``,
    which is called ``result``. ``trace`` are the functions on the way here.
    """

    prefix: str = ""
    returns: str = ""
    result: str = ""
    trace: tuple[str, ...] = ()

    def outer(self, name: str) -> str:
        """What a table of the body is called outside."""
        if self.result and name.casefold() == self.returns.casefold():
            return self.result
        return self.prefix + name

    def inner(self, name: str) -> str:
        """What the body calls a table that it caches."""
        return self.returns if name == self.result else name.removeprefix(self.prefix)
