"""Forms of requests and answers, such as the JSON of ``/predict``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sqlrec.serving.frame import Frame, Outputs

JSON = b"application/json"
Header = Callable[[bytes], str]
"""A request's header by its name in lower case; empty when it has none."""
Headers = tuple[tuple[str, str], ...]


def no_headers() -> Headers:
    """An answer that needs no headers of its own."""
    return ()


@dataclass(frozen=True, slots=True)
class Reading:
    """A request as its form tells it: the rows to score, and how their outputs are written.

    ``headers`` are those of the answer that was written.
    """

    frame: Frame
    write: Callable[[Outputs], bytes]
    content_type: bytes = JSON
    headers: Callable[[], Headers] = no_headers


class Wire(Protocol):
    """One form, for one model. Both ways may be gone in any thread."""

    def read(self, body: bytes, header: Header) -> Reading:
        """The request of a body; raises ``RequestError`` with row and column where they are known."""
