from typing import Any

class Block:
    """The values of one body."""

    @property
    def rows(self) -> int: ...
    @property
    def unknown(self) -> int: ...
    @property
    def nulls(self) -> dict[str, int]: ...

class Scanner:
    """Reads bodies of one model. ``kinds`` has a letter a column: ``i``, ``b``, ``f`` or ``s``."""

    def __init__(
        self, names: tuple[str, ...], kinds: str, *, missing_as_null: bool, max_rows: int
    ) -> None: ...
    def scan(self, body: bytes, /) -> Block | None: ...
    def put(self, blocks: list[Block], integers: Any, reals: Any, /) -> tuple[list[str], ...]: ...
