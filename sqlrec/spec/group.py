"""Several models behind one service: who of them is asked, and whose answer counts.

``CREATE SERVICE … ON MODELS (a, b) WITH (routing = …)``: the options, what they mean together, and what the
models of a group must have in common. Checked when a script is compiled, when it runs and when the server
loads the models, each time with what is known by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from sqlrec.spec.options import Option, OptionKind, OptionSet, OptionValue, Scope

DECIDERS = "sqlrec.deciders"
"""Entry points of deciders made elsewhere."""
TIMEOUT = 0.15
THRESHOLD = 0.5


class Routing(StrEnum):
    """What becomes of a request to a service of several models."""

    SPECULATIVE = "speculative"
    """All are asked at once; the decider picks from the answers that came in time."""
    SHADOW = "shadow"
    """The first answers; the others get the request, too, and their answers are compared with the first's."""
    SPLIT = "split"
    """One is asked, by weight; the same key is always given to the same one."""


class Decider(StrEnum):
    """The deciders that sqlrec has itself."""

    FIRST = "first"
    """The answer that came first."""
    VOTE = "vote"
    """What most models say: a class, or a probability's side of the threshold."""
    MEAN = "mean"
    """The mean of the answers."""
    MAX_CONFIDENCE = "max_confidence"
    """Row by row, the answer of the model that is surest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """How the models of a service work together.

    ``timeout`` is in seconds from a request's arrival, ``threshold`` what a probability must reach to be a
    yes. ``weights`` are those of the models, in their order, for SPLIT; empty: equal ones.
    """

    routing: Routing = Routing.SPECULATIVE
    decider: str = Decider.FIRST
    timeout: float = TIMEOUT
    threshold: float = THRESHOLD
    weights: tuple[int, ...] = ()


_SERVICE = frozenset({Scope.SERVICE})

GROUP_OPTIONS = OptionSet(
    (
        Option(
            key="routing",
            kind=OptionKind.STRING,
            doc="Who is asked: all models, and the decider picks; the first, and the others are compared;"
            " or one of them, by weight.",
            scopes=_SERVICE,
            default=str(Routing.SPECULATIVE),
            choices=tuple(map(str, Routing)),
        ),
        Option(
            key="decider",
            kind=OptionKind.STRING,
            doc="What the answer is, with routing speculative: first, vote, mean, max_confidence, or the name"
            f" of an entry point in the group {DECIDERS}.",
            scopes=_SERVICE,
            default=str(Decider.FIRST),
        ),
        Option(
            key="timeout",
            kind=OptionKind.DURATION,
            doc="How long after a request's arrival answers count, with routing speculative.",
            scopes=_SERVICE,
            default=TIMEOUT,
            minimum=0.001,
            maximum=600,
        ),
        Option(
            key="threshold",
            kind=OptionKind.DOUBLE,
            doc="The probability from which a model votes yes, with decider vote.",
            scopes=_SERVICE,
            default=THRESHOLD,
            minimum=0,
            maximum=1,
        ),
        Option(
            key="weights",
            kind=OptionKind.INT_LIST,
            doc="Shares of the models in their order, with routing split; unset: equal ones.",
            scopes=_SERVICE,
            minimum=0,
        ),
    )
)
"""Options of CREATE SERVICE … ON MODELS, beside those of the first model's type."""

ROUTING_OF = {
    "decider": Routing.SPECULATIVE,
    "timeout": Routing.SPECULATIVE,
    "threshold": Routing.SPECULATIVE,
    "weights": Routing.SPLIT,
}
"""The routing that an option is about."""


def is_group_option(key: str) -> bool:
    """Whether an option is about several models."""
    return GROUP_OPTIONS.find(key) is not None


def with_group(options: OptionSet) -> OptionSet:
    """The options of a model type's services, and those of several models."""
    return OptionSet((*options.options, *GROUP_OPTIONS.options), options.prefixes)


def group_of(options: Mapping[str, OptionValue]) -> Group:
    """What the options of a service, as written, say of its models; other options are passed over.

    Raises ``OptionError`` SR302 and SR303 for values that cannot be read.
    """
    found = {key: o.value for key, o in GROUP_OPTIONS.effective(Scope.SERVICE, statement=options).items()}
    return Group(
        routing=Routing(cast(str, found["routing"])),
        decider=str(found["decider"]).strip(),
        timeout=cast(float, found["timeout"]),
        threshold=cast(float, found["threshold"]),
        weights=cast(tuple[int, ...], found["weights"] or ()),
    )
