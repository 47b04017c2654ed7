from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sqlrec.plan.edges import upstream
from sqlrec.plan.plan import QueryMode, QueryStep, Ref, RefKind
from sqlrec.spec.table import Relation


def step(reads: str = "", writes: str = "") -> QueryStep:
    return QueryStep(
        id="",
        line=0,
        sql="",
        mode=QueryMode.SELECT,
        query=Relation(query=""),
        reads=tuple(Ref(RefKind.TABLE, name) for name in reads),
        writes=tuple(Ref(RefKind.TABLE, name) for name in writes),
    )


def test_a_reader_waits_for_the_last_writer() -> None:
    assert upstream([step(writes="a"), step(writes="a"), step("a")]) == [[], [0], [1]]


def test_a_writer_waits_for_the_readers_of_what_it_overwrites() -> None:
    assert upstream([step("a"), step("a"), step(writes="a"), step("a")]) == [[], [], [0, 1], [2]]


def test_independent_steps_wait_for_nothing() -> None:
    assert upstream([step("a", "b"), step("c", "d"), step("bd")]) == [[], [], [0, 1]]


def test_edges_that_follow_from_others_are_left_out() -> None:
    assert upstream([step(writes="a"), step("a", "b"), step("ab", "c"), step("abc")]) == [[], [0], [1], [2]]


def test_a_step_never_waits_for_itself() -> None:
    assert upstream([step("a", "a"), step("a", "a")]) == [[], [0]]


names = st.text("abcd", max_size=3)


@given(st.lists(st.tuples(names, names), max_size=12))
def test_conflicting_steps_are_ordered_and_no_edge_is_redundant(accesses: list[tuple[str, str]]) -> None:
    waits = upstream([step(reads, writes) for reads, writes in accesses])
    before: list[set[int]] = []
    for direct in waits:
        before.append(set(direct).union(*(before[i] for i in direct)))
    for later, (reads, writes) in enumerate(accesses):
        assert waits[later] == sorted(waits[later])
        for earlier in range(later):
            read, written = accesses[earlier]
            conflict = set(writes) & set(read + written) or set(reads) & set(written)
            if conflict:
                assert earlier in before[later]
        for step_before in waits[later]:
            assert not any(step_before in before[other] for other in waits[later])
