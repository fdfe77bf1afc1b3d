"""Muon (Jordan et al. 2024): momentum whose matrix is made orthogonal before every update."""

import torch
from torch import Tensor

MOMENTUM = 0.95
# The quintic that pulls singular values to 1 quickly, and how often it is applied.
COEFFICIENTS, ITERATIONS = (3.4445, -4.7750, 2.0315), 5


def orthogonal(matrices: Tensor, product_type: torch.dtype) -> Tensor:
    """Newton-Schulz on a stack of matrices (count, rows, columns), rows <= columns."""
    a, b, c = COEFFICIENTS
    x = (matrices / (matrices.flatten(1).norm(dim=1)[:, None, None] + 1e-7)).to(product_type)
    for _ in range(ITERATIONS):
        square = x @ x.transpose(1, 2)
        x = a * x + (b * square + c * square @ square) @ x
    return x.to(matrices.dtype)


class Muon(torch.optim.Optimizer):
    """For the matrices inside the layers; embeddings and norms stay with AdamW. Products are taken in `product_type`."""

    def __init__(self, matrices: list[Tensor], lr: float, weight_decay: float, product_type: torch.dtype):
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay})
        self.product_type = product_type

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            by_shape: dict[tuple[int, ...], list[tuple[Tensor, Tensor]]] = {}
            for weight in group["params"]:
                momentum = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
                momentum.lerp_(weight.grad, 1 - MOMENTUM)
                update = weight.grad.lerp(momentum, MOMENTUM)
                wide = update if update.shape[0] <= update.shape[1] else update.T
                by_shape.setdefault(tuple(wide.shape), []).append((weight, wide))
            for entries in by_shape.values():
                updates = orthogonal(torch.stack([wide for _, wide in entries]), self.product_type)
                for (weight, _), update in zip(entries, updates, strict=True):
                    rows, columns = weight.shape
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.add_(update if rows <= columns else update.T, alpha=-group["lr"] * max(1.0, rows / columns) ** 0.5)
