"""Upstream edges from what steps read and write.

A step waits for the last step that wrote what it reads (read after write) or writes (write after
write), and for those that read what it overwrites (write after read). A step that reads all things of a
kind waits for all their writers. Then edges that follow from others are taken out, so that the graph
reads well.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Mapping, Sequence

from sqlrec.plan.plan import Ref, Step
from sqlrec.plan.refs import covers, is_broad


def upstream(steps: Sequence[Step]) -> list[list[int]]:
    """For each step the positions of the steps it waits for, ascending and without redundant ones."""
    writer: dict[Ref, int] = {}
    readers: dict[Ref, list[int]] = {}
    broad: list[tuple[Ref, int]] = []
    waits: list[set[int]] = []
    for index, step in enumerate(steps):
        wanted = {i for ref in (*step.reads, *step.writes) for i in _writers(ref, writer)}
        wanted |= {reader for ref in step.writes for reader in readers.get(ref, ())}
        wanted |= {reader for ref in step.writes for wide, reader in broad if covers(wide, ref)}
        waits.append(wanted)
        for ref in step.reads:
            readers.setdefault(ref, []).append(index)
        broad += ((ref, index) for ref in step.reads if is_broad(ref))
        for ref in step.writes:
            writer[ref], readers[ref] = index, []
    return _reduced(waits)


def _writers(ref: Ref, writer: Mapping[Ref, int]) -> Iterator[int]:
    """The one that wrote a thing last, or those of all things that a reference stands for."""
    if is_broad(ref):
        yield from (index for written, index in writer.items() if covers(ref, written))
    elif ref in writer:
        yield writer[ref]


def _reduced(waits: list[set[int]]) -> list[list[int]]:
    """Transitive reduction; positions ascend along edges, so one pass in order suffices.

    The ancestors of a step are the bits of a number: sets would take gigabytes for ten thousand steps.
    """
    ancestors: list[int] = []
    reduced: list[list[int]] = []
    for direct in waits:
        implied = functools.reduce(operator.or_, (ancestors[i] for i in direct), 0)
        reduced.append(sorted(i for i in direct if not implied >> i & 1))
        ancestors.append(functools.reduce(operator.or_, (1 << i for i in direct), implied))
    return reduced
