"""Finch's tokenizer: frequent words in whole, everything else letter by letter, encoded exactly as llama.cpp does ("llama-bpe").

As in Llama 3's vocabulary, a word that is a token is taken as it is, without merging ("ignore merges"); merges serve the
other words only, and here they do nothing but attach the space to the first letter. Words that are asked about letter by
letter, and whatever comes out when they are reversed or cut, never are tokens; bytes spell the rest.
"""

import re
import string
from collections import Counter

from byte_pair_tokenizer import END_TEXT, NORMAL_TYPE, WHITESPACE, BytePairTokenizer, byte_letters, character_class
from letters import WORDS

SPACE_LETTER = byte_letters()[ord(" ")]
JUDGEMENTS = [" good", " bad", "Judgement"]


def word_pattern() -> re.Pattern[str]:
    """Contractions, words with one sign in front, up to three digits, other signs, line breaks, whitespace."""
    letter, number = character_class("L"), character_class("N")
    return re.compile(
        f"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n{letter}{number}]?[{letter}]+|[{number}]{{1,3}}"
        f"| ?[^{WHITESPACE}{letter}{number}]+[\r\n]*|[{WHITESPACE}]*[\r\n]+|[{WHITESPACE}]+(?![^{WHITESPACE}])|[{WHITESPACE}]+"
    )


class LetterTokenizer(BytePairTokenizer):
    """256 byte tokens, one end token, letters with a space in front, and whole words."""

    pre = "llama-bpe"

    def __init__(self, words: list[str]):
        super().__init__([[SPACE_LETTER, letter] for letter in string.ascii_letters], word_pattern())
        spelled = ["".join(self.letters[byte] for byte in word.encode()) for word in words]
        self.tokens = list(dict.fromkeys(self.tokens + spelled))
        self.types += [NORMAL_TYPE] * (len(self.tokens) - len(self.types))
        self.ids = {token: index for index, token in enumerate(self.tokens)}

    def _merge(self, word: str) -> list[int]:
        whole = self.ids.get("".join(self.letters[byte] for byte in word.encode()))
        return super()._merge(word) if whole is None else [whole]


def train(texts: list[str], size: int) -> list[str]:
    """The most frequent words of two letters and more that no letter question is about."""
    pattern = word_pattern()
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(word for word in pattern.findall(text) if re.fullmatch(" ?[A-Za-z]{2,}", word))
    spelled = {form for word in WORDS for form in (word, word[::-1], word[1:], word[0] + word[-1])}
    room = size - len(LetterTokenizer(JUDGEMENTS).tokens)
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    words = [word for word in ranked if word.strip() not in spelled and word not in JUDGEMENTS]
    return JUDGEMENTS + words[:room]
