"""Writes minilm.json beside this file: sentence embeddings by all-MiniLM-L6-v2, computed in numpy from its own numbers.

    python3 test/real/golden/embed.py FOLDER      (pip install numpy tokenizers)

FOLDER is the model as Hugging Face keeps it: config.json, tokenizer.json, model.safetensors. BERT as published (post-norm,
erf GELU), the mean of the last layer's states, length 1.
"""

import json
import math
import struct
import sys
from pathlib import Path

import numpy
from tokenizers import Tokenizer

TEXTS = [
    "A kitten sleeps on the sofa.",
    "The young cat is napping on the couch.",
    "Interest rates rose again, said the central bank in Zürich.",
]
erf = numpy.vectorize(math.erf)


def load(file):
    data = file.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    body = 8 + length
    arrays = {}
    for name, entry in header.items():
        if entry.get("dtype") == "F32":
            start, end = entry["data_offsets"]
            arrays[name] = numpy.frombuffer(data[body + start : body + end], "<f4").reshape(entry["shape"]).astype(float)
    return arrays


def embed(ids, weights, config):
    def linear(x, name):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / numpy.sqrt((centred**2).mean(-1, keepdims=True) + config["layer_norm_eps"])
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    heads = config["num_attention_heads"]
    size = config["hidden_size"] // heads
    x = weights["embeddings.word_embeddings.weight"][ids]
    x = x + weights["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}"
        q, k, v = (
            linear(x, f"{at}.attention.self.{part}").reshape(len(ids), heads, size).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = q @ k.swapaxes(1, 2) / math.sqrt(size)
        scores = numpy.exp(scores - scores.max(-1, keepdims=True))
        mixed = ((scores / scores.sum(-1, keepdims=True)) @ v).swapaxes(0, 1).reshape(len(ids), -1)
        x = norm(x + linear(mixed, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
        inner = linear(x, f"{at}.intermediate.dense")
        inner = inner * 0.5 * (1 + erf(inner / math.sqrt(2)))
        x = norm(x + linear(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
    mean = x.mean(0)
    return mean / numpy.linalg.norm(mean)


folder = Path(sys.argv[1])
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.no_truncation()
weights, config = load(folder / "model.safetensors"), json.loads((folder / "config.json").read_text())
cases = []
for text in TEXTS:
    ids = tokenizer.encode(text).ids
    vector = embed(ids, weights, config)
    cases.append({"text": text, "ids": ids, "first": [round(float(value), 6) for value in vector[:16]], "vector": vector})
for case in cases:
    case["cosines"] = [round(float(case["vector"] @ other["vector"]), 6) for other in cases]
for case in cases:
    del case["vector"]
found = {"source": "numpy, from the weights of sentence-transformers/all-MiniLM-L6-v2; tokenizers", "cases": cases}
Path(__file__).with_name("minilm.json").write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
