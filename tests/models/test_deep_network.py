"""The head: wide part, deep part, columns of different widths, export."""

from __future__ import annotations

import pytest
import torch

from sqlrec.models.deep.head import new_head
from sqlrec.models.deep.heads.wide_and_deep import WideAndDeep
from sqlrec.models.deep.layout import Column, Layout
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import Schema


def wide_and_deep(
    dims: tuple[int, ...], dense_width: int, hidden: tuple[int, ...], seed: int = 0
) -> tuple[WideAndDeep, Layout]:
    model = ModelSpec(
        name=ModelName.of("m"),
        type="tzrec.wide_and_deep",
        columns=Schema(),
        outputs=Schema(),
        options={"hidden_units": ",".join(map(str, hidden))},
    )
    columns = tuple(Column(name=f"c{i}", dim=dim) for i, dim in enumerate(dims))
    layout = Layout(columns=columns, dense_width=dense_width)
    head = new_head(model, layout, seed)
    assert isinstance(head, WideAndDeep)
    return head, layout


def _manual(head: WideAndDeep, embedded: torch.Tensor, dense: torch.Tensor) -> torch.Tensor:
    """Row by row, from the definition of Wide & Deep."""
    logits = []
    for row, numbers in zip(embedded, dense, strict=True):
        vectors = [row[i, :dim] for i, dim in enumerate(head.layout.dims)]
        logit = head.deep(torch.cat([*vectors, numbers]))[0] + row[:, -1].sum()
        if head.wide is not None:
            logit = logit + head.wide(numbers)[0]
        logits.append(logit)
    return torch.stack(logits).unsqueeze(1)


@pytest.mark.parametrize(
    ("dims", "dense_width", "hidden"),
    [((4, 4), 3, (8,)), ((4, 2, 3), 0, (8, 4)), ((), 2, (4,)), ((2,), 0, ())],
)
def test_logits_are_the_wide_sum_and_the_deep_stack(
    dims: tuple[int, ...], dense_width: int, hidden: tuple[int, ...]
) -> None:
    head, layout = wide_and_deep(dims, dense_width, hidden, seed=1)
    generator = torch.Generator().manual_seed(0)
    embedded = torch.randn(5, len(dims), layout.row_width, generator=generator)
    dense = torch.randn(5, dense_width, generator=generator)
    torch.testing.assert_close(head(embedded, dense), _manual(head, embedded, dense))


def test_a_batch_may_be_empty() -> None:
    head, _ = wide_and_deep((4, 4), 1, (8,))
    assert head(torch.zeros(0, 2, 5), torch.zeros(0, 1)).shape == (0, 1)


def test_initial_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again, other = (wide_and_deep((4,), 1, (8,), seed=s)[0] for s in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.deep[0].get_parameter("weight"), again.deep[0].get_parameter("weight"))
    assert not torch.equal(first.deep[0].get_parameter("weight"), other.deep[0].get_parameter("weight"))


def test_unused_entries_of_a_narrow_column_do_not_matter() -> None:
    head, _ = wide_and_deep((4, 2), 0, (8,))
    embedded = torch.randn(3, 2, 5, generator=torch.Generator().manual_seed(0))
    changed = embedded.clone()
    changed[:, 1, 2:4] = 99.0
    torch.testing.assert_close(head(embedded, torch.zeros(3, 0)), head(changed, torch.zeros(3, 0)))
