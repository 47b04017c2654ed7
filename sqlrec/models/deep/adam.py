"""Adam for the dense weights (Kingma and Ba, 2015), with decoupled decay (Loshchilov and Hutter, 2019).

torch's own class loads torch's compiler when it is made, which takes longer than reading and encoding a
million rows. This one calls the same fused kernel: the weights are the same, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

BETAS, EPSILON = (0.9, 0.999), 1e-8


class Adam:
    """Takes steps of ``parameters`` in place; those without a gradient stay as they are.

    ``lr`` is the learning rate of the next steps, ``decay`` the share of a weight that a step of rate 1
    takes away.
    """

    def __init__(self, parameters: Iterable[Parameter], *, decay: float = 0.0) -> None:
        self.parameters = tuple(parameters)
        self.lr, self.decay = 0.0, decay
        self._state: dict[int, dict[str, Tensor]] = {}

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One step along the gradients."""
        taken = [(i, p, p.grad) for i, p in enumerate(self.parameters) if p.grad is not None]
        if not taken:
            return
        states = [self._state.get(number) or self._started(number) for number, _, _ in taken]
        steps = [state["step"] for state in states]
        torch._foreach_add_(steps, 1)
        torch._fused_adamw_(
            [parameter for _, parameter, _ in taken],
            [gradient for _, _, gradient in taken],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            steps,
            lr=self.lr,
            beta1=BETAS[0],
            beta2=BETAS[1],
            weight_decay=self.decay,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )

    def _started(self, number: int) -> dict[str, Tensor]:
        parameter = self.parameters[number]
        self._state[number] = {
            "step": torch.zeros(()),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }
        return self._state[number]

    def state_dict(self) -> dict[str, Any]:
        """Both means and the number of steps of each parameter, by its place; not copied."""
        return {"state": {number: dict(state) for number, state in sorted(self._state.items())}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a copy of what :meth:`state_dict` gave; that of torch's class will do, too."""
        self._state = {
            number: {name: tensor.clone() for name, tensor in tensors.items()}
            for number, tensors in state["state"].items()
        }
