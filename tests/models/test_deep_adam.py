"""Adam without torch's own class: the same weights, states that go on, no compiler loaded."""

from __future__ import annotations

import subprocess
import sys

import torch
from torch.nn import Parameter

from sqlrec.models.deep.adam import Adam


def parameters() -> list[Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [Parameter(torch.randn(shape, generator=generator)) for shape in ((7, 5), (5,), (3,))]


def gradients(step: int) -> list[torch.Tensor | None]:
    """The last parameter gets no gradient in every other step."""
    generator = torch.Generator().manual_seed(step + 1)
    made = [torch.randn(shape, generator=generator) for shape in ((7, 5), (5,), (3,))]
    return [made[0], made[1], made[2] if step % 2 else None]


def stepped(optimizer: Adam | torch.optim.Adam, weights: list[Parameter], steps: range) -> None:
    for step in steps:
        for weight, gradient in zip(weights, gradients(step), strict=True):
            weight.grad = gradient
        optimizer.step()


def torch_adam(weights: list[Parameter], decay: float) -> torch.optim.Adam:
    return torch.optim.Adam(
        weights, lr=0.01, weight_decay=decay, fused=True, decoupled_weight_decay=decay > 0
    )


def test_weights_are_those_of_torchs_adam_bit_for_bit() -> None:
    for decay in (0.0, 0.1):
        ours, theirs = parameters(), parameters()
        adam = Adam(ours, decay=decay)
        adam.lr = 0.01
        stepped(adam, ours, range(5))
        stepped(torch_adam(theirs, decay), theirs, range(5))
        assert all(map(torch.equal, ours, theirs))


def test_a_state_goes_on_where_it_was_taken_whoever_wrote_it() -> None:
    for first in (lambda weights: torch_adam(weights, 0.0), lambda weights: Adam(weights)):
        whole, weights = parameters(), parameters()
        adam, begun = Adam(whole), first(weights)
        adam.lr = 0.01
        if isinstance(begun, Adam):
            begun.lr = 0.01
        stepped(adam, whole, range(6))
        stepped(begun, weights, range(3))
        rest = Adam(weights)
        rest.lr = 0.01
        rest.load_state_dict(begun.state_dict())
        stepped(rest, weights, range(3, 6))
        assert all(map(torch.equal, whole, weights))


def test_a_loaded_state_is_a_copy() -> None:
    weights = parameters()
    adam = Adam(weights)
    adam.lr = 0.01
    stepped(adam, weights, range(1))
    state = adam.state_dict()
    kept = state["state"][0]["exp_avg"].clone()
    other = Adam(parameters())
    other.load_state_dict(state)
    stepped(other, list(other.parameters), range(1, 2))
    assert torch.equal(state["state"][0]["exp_avg"], kept)


def test_zero_grad_forgets_and_a_step_without_gradients_changes_nothing() -> None:
    weights = parameters()
    adam = Adam(weights)
    adam.lr = 0.01
    for weight in weights:
        weight.grad = torch.ones_like(weight)
    adam.zero_grad()
    adam.step()
    assert all(map(torch.equal, weights, parameters()))
    assert adam.state_dict() == {"state": {}}


def test_torchs_compiler_is_not_loaded() -> None:
    code = (
        "import sys, torch; from sqlrec.models.deep.adam import Adam; w = torch.nn.Parameter(torch.ones(2));"
        "a = Adam([w]); w.grad = torch.ones(2); a.step(); a.zero_grad();"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
