"""Robin's tokenizer: scored pieces in the manner of SentencePiece, encoded exactly as llama.cpp does ("llama" vocabularies).

llama.cpp merges, again and again, the adjacent pair whose joined text is a piece with the highest score (the leftmost on a
tie), and spells what is left over in <0xNN> byte tokens. Pieces here hold a word mark only at their front and never
a line break, so a text can be cut before every mark and every line break without changing the result; that
makes a cache over words exact.
"""

import re
from collections import Counter

SPACE = "\u2581"
UNKNOWN, BEGIN, END = 0, 1, 2
NORMAL_TYPE, UNKNOWN_TYPE, CONTROL_TYPE, BYTE_TYPE = 1, 2, 3, 6
FIRST_BYTE = 3
CHUNK = re.compile(f"\n|{SPACE}?[^{SPACE}\n]*")
# What a learned piece may span: letters or one other sign, with a word mark in front. Digits stand alone.
LEARNABLE = re.compile(f"{SPACE}?[^\\W\\d_]+|\\d|{SPACE}?[^\\w\\s{SPACE}]")


class SentencePieceTokenizer:
    """Pieces with scores; `encode` returns the ids that llama.cpp returns without its <s>."""

    end = END
    begin = BEGIN

    def __init__(self, pieces: list[str]):
        """`pieces` are the ordinary pieces, the first one learned first: that order is their score."""
        self.tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + pieces
        self.types = [UNKNOWN_TYPE, CONTROL_TYPE, CONTROL_TYPE] + [BYTE_TYPE] * 256 + [NORMAL_TYPE] * len(pieces)
        self.scores = [0.0] * (FIRST_BYTE + 256) + [-float(rank) for rank in range(len(pieces))]
        self.ids = {token: index for index, token in enumerate(self.tokens)}
        self.cache: dict[str, list[int]] = {}

    def encode(self, text: str, at_start: bool = True) -> list[int]:
        """The ids of the text; at the start of a document llama.cpp puts a space in front."""
        marked = ((" " if at_start and text else "") + text).replace(" ", SPACE)
        ids: list[int] = []
        for chunk in CHUNK.findall(marked):
            if chunk not in self.cache:
                self.cache[chunk] = self._merge(chunk)
            ids += self.cache[chunk]
        return ids

    def decode(self, ids: list[int]) -> str:
        """The text of the ids, control tokens left out; a space at the front stays."""
        data = b""
        for index in ids:
            if self.types[index] == BYTE_TYPE:
                data += bytes([index - FIRST_BYTE])
            elif self.types[index] == NORMAL_TYPE:
                data += self.tokens[index].replace(SPACE, " ").encode()
        return data.decode("utf-8", "replace")

    def _merge(self, chunk: str) -> list[int]:
        symbols = list(chunk)
        while True:
            joined = [self.ids.get(left + right) for left, right in zip(symbols, symbols[1:])]
            candidates = [(-self.scores[index], position) for position, index in enumerate(joined) if index is not None]
            if not candidates:
                break
            position = min(candidates)[1]
            symbols[position : position + 2] = [symbols[position] + symbols[position + 1]]
        ids: list[int] = []
        for symbol in symbols:
            ids += [self.ids[symbol]] if symbol in self.ids else [FIRST_BYTE + byte for byte in symbol.encode()]
        return ids


def train(texts: list[str], size: int) -> list[str]:
    """The pieces learned by joining the most frequent neighbours until the vocabulary has `size` tokens."""
    words: Counter[str] = Counter()
    for text in texts:
        words.update(LEARNABLE.findall((" " + text).replace(" ", SPACE)))
    printable = {chr(code) for code in range(33, 127)} | {SPACE}
    alphabet = sorted(printable | {letter for word in words for letter in word})
    splits = {word: list(word) for word in words}
    merged: list[str] = []
    known = set(alphabet)
    while FIRST_BYTE + 256 + len(alphabet) + len(merged) < size:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in words.items():
            for pair in zip(splits[word], splits[word][1:]):
                pairs[pair] += count
        left, right = min(pairs, key=lambda pair: (-pairs[pair], pair))
        piece = left + right
        if piece not in known:
            known.add(piece)
            merged.append(piece)
        for symbols in splits.values():
            position = 0
            while position < len(symbols) - 1:
                if symbols[position] == left and symbols[position + 1] == right:
                    symbols[position : position + 2] = [piece]
                position += 1
    return merged + alphabet
