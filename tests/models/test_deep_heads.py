"""Every head: its logits row by row from its definition, alone as in a batch, in torch as in ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sqlrec.models.deep.flat import flat_form
from sqlrec.models.deep.graph import export_head
from sqlrec.models.deep.head import new_head
from sqlrec.models.deep.heads.dcn_v2 import DCNv2
from sqlrec.models.deep.heads.deepfm import DeepFM
from sqlrec.models.deep.heads.din import DIN, Attention
from sqlrec.models.deep.heads.dlrm import DLRM
from sqlrec.models.deep.heads.mmoe import MMoE
from sqlrec.models.deep.layout import Column, History, Layout
from sqlrec.models.exporting.session import open_session
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue
from sqlrec.spec.schema import Schema

pytestmark = pytest.mark.ml

DIM, DENSE, LENGTH = 3, 2, 4
COLUMNS = tuple(Column(name=f"c{i}", dim=DIM) for i in range(3))
PLAIN = Layout(columns=COLUMNS, dense_width=DENSE)
SEEN = History(name="seen", targets=(2, 0))
LIKED = History(name="liked", targets=(1,))


@dataclass(frozen=True)
class Case:
    """A head with options that make it small; each with another style, so that all of them are tried."""

    type: str
    options: Mapping[str, OptionValue]
    layout: Layout = field(default=PLAIN)


CASES = {
    "wide_and_deep": Case("tzrec.wide_and_deep", {"hidden_units": "5,4", "activation": "leaky_relu"}),
    "deepfm": Case("tzrec.deepfm", {"hidden_units": "5", "activation": "gelu", "normalization": "layer"}),
    "dcn_v2": Case("tzrec.dcn_v2", {"hidden_units": "5,4", "cross_num": 2, "activation": "silu"}),
    "dcn_v2 stacked": Case(
        "tzrec.dcn_v2", {"hidden_units": "4", "cross_rank": 2, "structure": "stacked", "activation": "tanh"}
    ),
    "dlrm": Case("tzrec.dlrm", {"hidden_units": "5", "bottom_hidden_units": "4", "activation": "sigmoid"}),
    "din": Case(
        "tzrec.din",
        {
            "hidden_units": "5",
            "attention_hidden_units": "4,3",
            "normalization": "batch",
            "dropout_ratio": 0.5,
        },
        Layout(columns=COLUMNS, dense_width=DENSE, histories=(SEEN, LIKED)),
    ),
    "mmoe": Case(
        "tzrec.mmoe",
        {"num_expert": 3, "expert_hidden_units": "5", "tower_hidden_units": "4", "activation": "prelu"},
        Layout(columns=COLUMNS, dense_width=DENSE, outputs=2),
    ),
}


def head_of(case: Case, layout: Layout | None = None) -> nn.Module:
    spec = ModelSpec(
        name=ModelName.of("m"), type=case.type, columns=Schema(), outputs=Schema(), options=case.options
    )
    return new_head(spec, layout or case.layout, seed=1).eval()


def inputs_of(layout: Layout, rows: int, seed: int = 0) -> tuple[Tensor, ...]:
    """Random inputs; histories end at random places, some at once."""
    random = torch.Generator().manual_seed(seed)
    parts = [
        torch.randn(rows, len(layout.columns), layout.row_width, generator=random),
        torch.randn(rows, layout.dense_width, generator=random),
    ]
    for history in layout.histories:
        lengths = torch.randint(0, LENGTH + 1, (rows, 1), generator=random)
        present = (torch.arange(LENGTH) < lengths).float()
        events = torch.randn(rows, LENGTH, len(history.targets), layout.row_width, generator=random)
        parts += [events * present[:, :, None, None], present]
    return tuple(parts)


@pytest.mark.parametrize("name", CASES)
def test_a_row_alone_scores_as_in_a_batch_and_a_batch_may_be_empty(name: str) -> None:
    case = CASES[name]
    head, inputs = head_of(case), inputs_of(case.layout, 6)
    with torch.inference_mode():
        together = head(*inputs)
        assert together.shape == (6, case.layout.outputs)
        assert len(set(together[:, 0].tolist())) == 6
        for row in range(6):
            alone = head(*(part[row : row + 1] for part in inputs))
            torch.testing.assert_close(alone[0], together[row], rtol=0, atol=1e-6)
        assert head(*(part[:0] for part in inputs)).shape == (0, case.layout.outputs)


@pytest.mark.parametrize("name", CASES)
def test_every_parameter_learns_from_a_batch_of_any_size(name: str) -> None:
    case = CASES[name]
    head = head_of(case).train()
    for rows in (8, 1):
        head.zero_grad()
        loss = head(*inputs_of(case.layout, rows)).square().sum()
        loss.backward()
        for key, parameter in head.named_parameters():
            assert parameter.grad is not None, key
            assert parameter.grad.isfinite().all(), key


UNEQUAL = Layout(columns=tuple(Column(name=f"u{dim}", dim=dim) for dim in (1, DIM, 2)), dense_width=DENSE)


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("wide_and_deep", PLAIN),
        ("wide_and_deep", UNEQUAL),
        ("wide_and_deep", Layout(columns=COLUMNS, dense_width=0)),
        ("wide_and_deep", Layout(columns=(), dense_width=DENSE)),
        ("deepfm", PLAIN),
    ],
)
@pytest.mark.parametrize("units", ["5,4", ""])
def test_the_form_for_graphs_gives_the_same_logits(name: str, layout: Layout, units: str) -> None:
    head = head_of(replace(CASES[name], options={**CASES[name].options, "hidden_units": units}), layout)
    flat, inputs = flat_form(head), inputs_of(layout, 5)
    assert flat is not head
    with torch.inference_mode():
        torch.testing.assert_close(flat(*inputs), head(*inputs), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["deepfm", "din"])
def test_onnx_gives_the_same_logits_for_any_batch_and_length(name: str) -> None:
    case = CASES[name]
    head, layout = head_of(case), case.layout
    widths = [len(history.targets) for history in layout.histories]
    session = open_session(
        export_head(
            head, len(layout.columns), layout.row_width, layout.dense_width, widths
        ).SerializeToString()
    )
    names = [node.name for node in session.get_inputs()]
    for rows, length in ((1, LENGTH), (5, LENGTH), (5, 1)):
        inputs = inputs_of(layout, rows)
        inputs = (*inputs[:2], *(part[:, :length] for part in inputs[2:]))
        (found,) = session.run(None, dict(zip(names, (part.numpy() for part in inputs), strict=True)))
        with torch.inference_mode():
            np.testing.assert_allclose(found, head(*inputs).numpy(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in CASES if name != "din"])
def test_numbers_alone_are_enough(name: str) -> None:
    layout = Layout(columns=(), dense_width=DENSE, outputs=CASES[name].layout.outputs)
    with torch.inference_mode():
        found = head_of(CASES[name], layout)(*inputs_of(layout, 4))
    assert found.shape == (4, layout.outputs)
    assert len(set(found[:, 0].tolist())) == 4


def test_onnx_of_numbers_alone() -> None:
    layout = Layout(columns=(), dense_width=DENSE)
    head, inputs = head_of(CASES["dlrm"], layout), inputs_of(layout, 4)
    session = open_session(export_head(head, 0, 1, DENSE).SerializeToString())
    (found,) = session.run(None, {"dense": inputs[1].numpy()})
    with torch.inference_mode():
        np.testing.assert_allclose(found, head(*inputs).numpy(), rtol=0, atol=1e-5)


def row_of(layout: Layout) -> tuple[list[Tensor], Tensor, Tensor, tuple[Tensor, ...]]:
    """Vectors, wide weights and numbers of one row, and the inputs it came from."""
    inputs = inputs_of(layout, 1, seed=3)
    embedded, dense = inputs[0][0], inputs[1][0]
    return [row[:-1] for row in embedded], embedded[:, -1], dense, inputs


def test_deepfm_adds_the_products_of_all_pairs() -> None:
    head = head_of(CASES["deepfm"])
    assert isinstance(head, DeepFM)
    assert head.linear is not None
    vectors, wide, dense, inputs = row_of(PLAIN)
    pairs = sum(a @ b for a, b in combinations(vectors, 2))
    expected = wide.sum() + pairs + head.linear(dense) + head.deep(torch.cat([*vectors, dense]))
    torch.testing.assert_close(head(*inputs)[0], expected)


def test_dcn_v2_crosses_its_input_with_itself() -> None:
    head = head_of(CASES["dcn_v2"])
    assert isinstance(head, DCNv2)
    vectors, _, dense, inputs = row_of(PLAIN)
    first = crossed = torch.cat([*vectors, dense])
    for layer in head.crosses:
        assert isinstance(layer, nn.Linear)
        crossed = first * (layer.weight @ crossed + layer.bias) + crossed
    torch.testing.assert_close(head(*inputs)[0], head.logit(torch.cat([crossed, head.deep(first)])))


def test_dcn_v2_of_low_rank_and_stacked() -> None:
    head = head_of(CASES["dcn_v2 stacked"])
    assert isinstance(head, DCNv2)
    vectors, _, dense, inputs = row_of(PLAIN)
    first = crossed = torch.cat([*vectors, dense])
    assert len(head.crosses) == 3
    for layer in head.crosses:
        assert isinstance(layer, nn.Sequential)
        down, up = layer[0].get_parameter("weight"), layer[1].get_parameter("weight")
        assert (down.shape, up.shape) == ((2, 11), (11, 2))
        crossed = first * (up @ (down @ crossed) + layer[1].get_parameter("bias")) + crossed
    torch.testing.assert_close(head(*inputs)[0], head.logit(head.deep(crossed)))


def test_dlrm_compares_all_pairs_of_columns_and_numbers() -> None:
    head = head_of(CASES["dlrm"])
    assert isinstance(head, DLRM)
    assert head.bottom is not None
    vectors, _, dense, inputs = row_of(PLAIN)
    vectors.append(head.bottom(dense))
    pairs = torch.stack([a @ b for a, b in combinations(vectors, 2)])
    torch.testing.assert_close(head(*inputs)[0], head.top(torch.cat([*vectors, pairs])))


def test_din_weighs_each_event_by_its_target() -> None:
    case = CASES["din"]
    head = head_of(case)
    assert isinstance(head, DIN)
    vectors, _, dense, inputs = row_of(case.layout)
    parts = [*vectors, dense]
    for place, (attention, history) in enumerate(zip(head.attentions, case.layout.histories, strict=True)):
        assert isinstance(attention, Attention)
        target = torch.cat([vectors[t] for t in history.targets])
        total = torch.zeros(len(target))
        rows, present = inputs[2 + 2 * place][0], inputs[3 + 2 * place][0]
        for event in rows[present > 0]:
            vector = event[:, :-1].flatten()
            hidden = attention.event(torch.cat([vector, vector * target])) + attention.target(target)
            total = total + attention.weight(hidden) * vector
        parts.append(total)
    torch.testing.assert_close(head(*inputs)[0], head.deep(torch.cat(parts)[None])[0])


def test_din_does_not_see_what_fills_a_history() -> None:
    case = CASES["din"]
    head, inputs = head_of(case), inputs_of(case.layout, 5)
    longer = [torch.cat([part, torch.zeros_like(part)], dim=1) for part in inputs[2:]]
    torch.testing.assert_close(head(*inputs[:2], *longer), head(*inputs))


def test_mmoe_mixes_experts_for_each_task() -> None:
    case = CASES["mmoe"]
    head = head_of(case)
    assert isinstance(head, MMoE)
    vectors, _, dense, inputs = row_of(case.layout)
    whole = torch.cat([*vectors, dense])
    said, logits = [expert(whole) for expert in head.experts], []
    for task, tower in enumerate(head.towers):
        shares = torch.softmax(head.gate(whole)[3 * task : 3 * task + 3], dim=0)
        logits.append(tower(sum(share * words for share, words in zip(shares, said, strict=True))))
    torch.testing.assert_close(head(*inputs)[0], torch.cat(logits))
