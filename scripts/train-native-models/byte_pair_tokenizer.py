"""Wren's tokenizer: byte-level byte-pair encoding with GPT-2's word pattern, encoded exactly as llama.cpp does ("gpt-2")."""

import re
import sys
import unicodedata
from collections import Counter

NORMAL_TYPE, CONTROL_TYPE = 1, 3
END_TEXT = "<|endoftext|>"
# Unicode's White_Space property; Python's \s counts four control characters more.
WHITESPACE = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


def character_class(initial: str) -> str:
    """The ranges of a regular-expression class for a Unicode main category ("L" letters, "N" numbers)."""
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code))[0] == initial:
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


def word_pattern() -> re.Pattern[str]:
    """Contractions, words, numbers and other signs, each with one space in front, and runs of whitespace."""
    letter, number = character_class("L"), character_class("N")
    return re.compile(
        f"'s|'t|'re|'ve|'m|'ll|'d| ?[{letter}]+| ?[{number}]+| ?[^{WHITESPACE}{letter}{number}]+"
        f"|[{WHITESPACE}]+(?![^{WHITESPACE}])|[{WHITESPACE}]+"
    )


def byte_letters() -> list[str]:
    """A printable letter for every byte: printable Latin-1 stays itself, the others follow from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in printable}
    for byte in range(256):
        letters.setdefault(byte, chr(256 + len(letters) - len(printable)))
    return [letters[byte] for byte in range(256)]


class BytePairTokenizer:
    """256 byte tokens, one end token and the merges in order of rank."""

    begin = None
    end = 0
    pre = "gpt-2"

    def __init__(self, merges: list[list[str]], pattern: re.Pattern[str] | None = None):
        self.letters = byte_letters()
        self.bytes = {letter: byte for byte, letter in enumerate(self.letters)}
        self.merges = [(left, right) for left, right in merges]
        self.tokens = list(dict.fromkeys([END_TEXT, *self.letters, *(left + right for left, right in self.merges)]))
        self.types = [CONTROL_TYPE] + [NORMAL_TYPE] * (len(self.tokens) - 1)
        self.ids = {token: index for index, token in enumerate(self.tokens)}
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.pattern = pattern or word_pattern()
        self.cache: dict[str, list[int]] = {}

    def encode(self, text: str, at_start: bool = True) -> list[int]:
        """The ids of the text; the start of a document is nothing special here."""
        ids: list[int] = []
        for word in self.pattern.findall(text):
            if word not in self.cache:
                self.cache[word] = self._merge(word)
            ids += self.cache[word]
        return ids

    def decode(self, ids: list[int]) -> str:
        """The text of the ids, the end token left out."""
        letters = "".join(self.tokens[index] for index in ids if index != self.end)
        return bytes(self.bytes[letter] for letter in letters).decode("utf-8", "replace")

    def _merge(self, word: str) -> list[int]:
        symbols = [self.letters[byte] for byte in word.encode()]
        while len(symbols) > 1:
            ranked = [(self.ranks.get(pair, len(self.ranks)), place) for place, pair in enumerate(zip(symbols, symbols[1:]))]
            rank, position = min(ranked)
            if rank == len(self.ranks):
                break
            symbols[position : position + 2] = [symbols[position] + symbols[position + 1]]
        return [self.ids[symbol] for symbol in symbols]


def train(texts: list[str], size: int) -> list[list[str]]:
    """The merges of the most frequent neighbours that give a vocabulary of `size` tokens; digits stay alone."""
    pattern, letters = word_pattern(), byte_letters()
    words: Counter[str] = Counter()
    for text in texts:
        words.update(word for word in pattern.findall(text) if not any(letter.isdigit() for letter in word))
    splits = {word: [letters[byte] for byte in word.encode()] for word in words}
    merges: list[tuple[str, str]] = []
    tokens = {END_TEXT, *letters}
    while len(tokens) < size:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in words.items():
            for pair in zip(splits[word], splits[word][1:]):
                pairs[pair] += count
        left, right = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append((left, right))
        tokens.add(left + right)
        for symbols in splits.values():
            position = 0
            while position < len(symbols) - 1:
                if symbols[position] == left and symbols[position + 1] == right:
                    symbols[position : position + 2] = [left + right]
                position += 1
    return [list(pair) for pair in merges]
