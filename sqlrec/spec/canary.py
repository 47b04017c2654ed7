"""A canary: a second checkpoint that gets a share of a service's requests, until PROMOTE or ROLLBACK.

``ALTER SERVICE … SET CHECKPOINT = 'v2_export' WITH (canary = '10%')`` begins one. The option is no part of
what the service is: it says how a statement is carried out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlrec.errors import OptionError
from sqlrec.spec.options import OptionValue

CANARY = "canary"
LEAST, MOST = 0.01, 0.9
_SHARE = re.compile(r"(?P<number>\d+(?:\.\d*)?|\.\d+)\s*(?P<percent>%?)")


def canary_share(options: Mapping[str, OptionValue]) -> float | None:
    """The share of requests that options, by canonical key, give to a canary; None: it is none.

    ``'10%'`` and ``0.1`` mean the same. Raises ``OptionError`` SR270.
    """
    if CANARY not in options:
        return None
    found = _SHARE.fullmatch(str(options[CANARY]).strip())
    share = float(found["number"]) / (100 if found["percent"] else 1) if found else -1.0
    if not LEAST <= share <= MOST:
        raise OptionError(
            "SR270",
            f"option {CANARY!r} is {options[CANARY]}, which is no share from {LEAST:.0%} to {MOST:.0%}",
            hint="write WITH (canary = '10%')",
        )
    return share


def without_canary(options: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
    """What the options say of the service itself."""
    return {key: value for key, value in options.items() if key != CANARY}


def pods_of_canary(share: float, stable: int) -> int:
    """How many pods beside ``stable`` ones come nearest to a share of the requests; at least one."""
    about = int(stable * share / (1 - share))
    return min((max(about, 1), about + 1), key=lambda pods: abs(pods / (stable + pods) - share))
