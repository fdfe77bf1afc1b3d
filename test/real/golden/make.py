"""Writes llama-cpp.json beside this file: what llama.cpp's own programs make of the real models.

    python3 test/real/golden/make.py MODELS PROGRAMS WIKITEXT      (pip install jinja2==3.1.6)

MODELS has smollm2.gguf and gemma3.gguf (scripts/get-real-models.sh), PROGRAMS has llama-tokenize, llama-completion and
llama-perplexity of the llama.cpp release that is pinned, WIKITEXT is wikitext-2's test split. The programs can be built from
node_modules/node-llama-cpp/llama/gitRelease.bundle (`git clone` it; cmake targets of these names), or, as these were, from
its tools/*/*.cpp alone, linked with the shared libraries that node-llama-cpp installs.
"""

import hashlib
import importlib.util
import json
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

MEMBERS = ("smollm2", "gemma3")
WIKITEXT_BYTES = 20_000
ANSWER_TOKENS = 48
CONTEXT = 512
# Tokens that a member scores in one decode (READ_AT_ONCE in src). It matters: llama.cpp's kernels for few and for many tokens at
# once round differently, by up to 1 % of the perplexity of one window.
READ_AT_ONCE = 16
ENDED = b" [end of text]\n"

QUESTION = "A farmer has 17 sheep and buys 5 more. How many sheep does he have?"
CONVERSATIONS = [
    [{"role": "user", "content": QUESTION}],
    [{"role": "system", "content": "Answer in one word."}, {"role": "user", "content": "What is the capital of France?"}],
    [
        {"role": "user", "content": "  Grüße aus Zürich! 🙂\n\n"},
        {"role": "assistant", "content": "Hello — 你好, Ünal. \tWhat's up?"},
        {"role": "user", "content": "def f(x):\n    return x**2  # 日本語\n"},
    ],
]
TEXTS = [
    "The history of the town begins in",
    " leading space, and  two  inside\n\n\n\ttab",
    "naïve café 👩‍👩‍👧 12345.678 ﷽ don't",
    "<|im_start|>user\nHi<|im_end|>\n<start_of_turn>",
]
PROMPTS = {"smollm2": ["The history of the town begins in"], "gemma3": ["The history of the town begins in", "Question: What is 7 times 8?\nAnswer:"]}


def renderer():
    """render-templates.py's own function; the file serves standard input when it is run, and that is empty here."""
    file = Path(__file__).parents[3] / "scripts" / "render-templates.py"
    spec = importlib.util.spec_from_file_location("render_templates", file)
    module = importlib.util.module_from_spec(spec)
    stdin, sys.stdin = sys.stdin, ()
    spec.loader.exec_module(module)
    sys.stdin = stdin
    return module.render


def chat_template(file):
    """The metadata value tokenizer.chat_template, or None."""
    sizes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
    with open(file, "rb") as stream:
        stream.seek(16)

        def number(code):
            return struct.unpack(code, stream.read(struct.calcsize(code)))[0]

        def value(kind):
            if kind == 8:
                return stream.read(number("<Q")).decode()
            if kind != 9:
                return stream.read(sizes[kind])
            element, count = number("<I"), number("<Q")
            for _ in range(count):
                value(element)

        for _ in range(number("<Q")):
            key = value(8)
            found = value(number("<I"))
            if key == "tokenizer.chat_template":
                return found
    return None


def main(models, programs, wikitext):
    def run(program, model, text, *options):
        with tempfile.NamedTemporaryFile(suffix=".txt") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
            file.flush()
            command = [programs / program, "-m", models / f"{model}.gguf", options[0], file.name, *options[1:]]
            return subprocess.run(command, check=True, capture_output=True)

    def ids(model, text):
        return json.loads(run("llama-tokenize", model, text, "-f", "--ids", "--log-disable").stdout)

    def answer(model, prompt):
        """The text, and how many tokens were chosen, the end too: the first one is read out of the prompt's decode."""
        options = "-bf -n %d --temp 0 -no-cnv --no-display-prompt --no-escape -t 1 -c %d" % (ANSWER_TOKENS, CONTEXT)
        told = run("llama-completion", model, prompt, *options.split())
        # Two line breaks are the program's own.
        said = told.stdout.removesuffix(b"\n\n")
        text = said.removesuffix(ENDED)
        decodes = int(re.search(rb" eval time = .* / +(\d+) runs", told.stderr)[1])
        return {
            "prompt": prompt,
            "tokens": ANSWER_TOKENS,
            "text": text.decode(),
            "ended": text != said,
            "chosen": decodes + 1,
        }

    def perplexities(model, *options):
        """After each chunk, of all chunks until then."""
        options = ["-f", *f"-c {CONTEXT} -b {CONTEXT} --no-escape -t 1".split(), *options]
        told = run("llama-perplexity", model, wikitext.read_bytes()[:WIKITEXT_BYTES], *options)
        return [float(value) for value in re.findall(rb"\[\d+\](\d+\.\d+),", told.stdout + told.stderr)]

    render = renderer()
    template = chat_template(models / "smollm2.gguf")
    now = "2026-03-07T09:05:03"
    chats = []
    for messages in CONVERSATIONS:
        variables = {"messages": messages, "add_generation_prompt": True, "bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}
        text = render({"template": template, "now": now, "variables": variables})["text"]
        chats.append({"messages": messages, "text": text, "ids": ids("smollm2", text)})
    found = {
        "source": "llama-tokenize, llama-completion and llama-perplexity of llama.cpp v0.4.0; jinja2 3.1.6",
        "sha256": {name: hashlib.sha256((models / f"{name}.gguf").read_bytes()).hexdigest() for name in MEMBERS},
        "chats": chats,
        "texts": {name: [{"text": text, "ids": ids(name, text)} for text in TEXTS] for name in MEMBERS},
        "answers": {
            "smollm2": [answer("smollm2", prompt) for prompt in [chats[0]["text"], *PROMPTS["smollm2"]]],
            "gemma3": [answer("gemma3", prompt) for prompt in PROMPTS["gemma3"]],
        },
        "perplexities": {
            name: {"fewAtOnce": perplexities(name, "-ub", str(READ_AT_ONCE)), "default": perplexities(name)}
            for name in MEMBERS
        },
        "wikitext": {"bytes": WIKITEXT_BYTES, "context": CONTEXT},
    }
    out = Path(__file__).with_name("llama-cpp.json")
    out.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")


main(*map(Path, sys.argv[1:4]))
