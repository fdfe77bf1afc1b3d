"""The weights of a model under llama.cpp's names and under PyTorch's."""

import json
import re
from pathlib import Path

import numpy
import torch
from torch import Tensor

import gguf_reader

SHIPPED = Path(__file__).parent / "../../native-models"
OUTER_NAMES = {"embedding": "token_embd", "output_norm": "output_norm"}
LAYER_NAMES = {
    "attention_norm": "attn_norm", "query": "attn_q", "key": "attn_k", "value": "attn_v",
    "attention_output": "attn_output", "feed_forward_norm": "ffn_norm", "gate": "ffn_gate", "up": "ffn_up",
    "down": "ffn_down",
}
OURS = {theirs: ours for ours, theirs in (OUTER_NAMES | LAYER_NAMES).items()}


def to_gguf(weights: dict[str, Tensor]) -> dict[str, numpy.ndarray]:
    """Every weight by its name in a GGUF file; the output matrix is the embedding, so it is not there twice."""
    named = {}
    for name, weight in weights.items():
        theirs = re.sub(r"(\w+)\.weight$", lambda match: f"{(OUTER_NAMES | LAYER_NAMES)[match[1]]}.weight", name)
        named[theirs.replace("blocks.", "blk.")] = weight.detach().numpy()
    return named


def from_gguf(tensors: dict[str, numpy.ndarray]) -> dict[str, Tensor]:
    """The reverse of to_gguf."""
    named = {}
    for name, tensor in tensors.items():
        ours = re.sub(r"(\w+)\.weight$", lambda match: f"{OURS[match[1]]}.weight", name)
        named[ours.replace("blk.", "blocks.")] = torch.from_numpy(tensor)
    return named


def shipped(name: str) -> dict[str, Tensor]:
    """The weights of a model as the package holds it, rounded to F16."""
    return from_gguf(gguf_reader.read(SHIPPED / f"{name}.gguf")[1])


def manifest_entry(name: str) -> dict:
    """What the manifest says of a shipped model."""
    models = json.loads((SHIPPED / "manifest.json").read_text(encoding="utf-8"))["models"]
    return next(entry for entry in models if entry["name"] == name)
