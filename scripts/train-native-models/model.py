"""The llama architecture in PyTorch: RMS norm, rotary positions, SwiGLU, tied embeddings.

Rotary pairs are (2i, 2i+1) inside a head, as llama.cpp's "llama" graphs expect, so weights go into GGUF unchanged.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from native_models import Sizes

NORM_EPSILON = 1e-5
ROTARY_BASE = 10_000.0


class RootMeanSquareNorm(nn.Module):
    """x / sqrt(mean(x^2) + epsilon), scaled per channel."""

    def __init__(self, size: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + NORM_EPSILON) * self.weight


class Block(nn.Module):
    """One layer: attention and feed-forward, each behind a norm and added to its input."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        width = sizes.embedding
        self.heads = sizes.heads
        self.attention_norm = RootMeanSquareNorm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.attention_output = nn.Linear(width, width, bias=False)
        self.feed_forward_norm = RootMeanSquareNorm(width)
        self.gate = nn.Linear(width, sizes.feed_forward, bias=False)
        self.up = nn.Linear(width, sizes.feed_forward, bias=False)
        self.down = nn.Linear(sizes.feed_forward, width, bias=False)

    def forward(self, x: Tensor, rotation: Tensor, mask: Tensor) -> Tensor:
        x = x + self.attend(self.attention_norm(x), rotation, mask)
        normed = self.feed_forward_norm(x)
        return x + self.down(functional.silu(self.gate(normed)) * self.up(normed))

    def attend(self, x: Tensor, rotation: Tensor, mask: Tensor) -> Tensor:
        """Causal multi-head attention. Shapes: x (batch, time, width), rotation (time, head width / 2)."""
        batch, time, width = x.shape
        head_width = width // self.heads
        shape = (batch, time, self.heads, head_width)
        query = rotate(self.query(x).view(shape).transpose(1, 2), rotation) / math.sqrt(head_width)
        key = rotate(self.key(x).view(shape).transpose(1, 2), rotation)
        value = self.value(x).view(shape).transpose(1, 2)
        weights = torch.softmax(query @ key.transpose(2, 3) + mask, dim=-1)
        return self.attention_output((weights @ value).transpose(1, 2).reshape(batch, time, width))


def rotate(x: Tensor, rotation: Tensor) -> Tensor:
    """Turns every pair of neighbouring channels by its position's angle (complex multiplication)."""
    pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * rotation).flatten(-2)


class LlamaModel(nn.Module):
    """Token ids (batch, time) to logits (batch, time, vocabulary)."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        self.sizes = sizes
        self.embedding = nn.Embedding(sizes.vocabulary, sizes.embedding)
        self.blocks = nn.ModuleList(Block(sizes) for _ in range(sizes.layers))
        self.output_norm = RootMeanSquareNorm(sizes.embedding)
        head_width = sizes.embedding // sizes.heads
        speeds = ROTARY_BASE ** (-torch.arange(0, head_width, 2).float() / head_width)
        angles = torch.outer(torch.arange(sizes.context).float(), speeds)
        self.register_buffer("rotation", torch.polar(torch.ones_like(angles), angles), persistent=False)
        mask = torch.full((sizes.context, sizes.context), -math.inf).triu(1)
        self.register_buffer("mask", mask, persistent=False)
        self.apply(self.initialise)

    def initialise(self, module: nn.Module) -> None:
        """Small normal weights; those that write to the residual stream are divided by sqrt(2 * layers)."""
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.03)
        if isinstance(module, Block):
            for layer in (module.attention_output, module.down):
                nn.init.normal_(layer.weight, std=0.03 / math.sqrt(2 * self.sizes.layers))

    def forward(self, tokens: Tensor) -> Tensor:
        time = tokens.shape[1]
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, self.rotation[:time], self.mask[:time, :time])
        return functional.linear(self.output_norm(x), self.embedding.weight)
