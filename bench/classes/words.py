"""Words drawn as often as a language uses them, and what is made of them: sentences, names, dates."""

import functools

import numpy as np
import wordfreq

VOCABULARY = 3000
# The letters of a language's own script: the lists have loan words in Latin letters.
SCRIPTS = {"en": ("a", "z"), "ru": ("Ѐ", "ӿ"), "el": ("Ͱ", "Ͽ"), "zh": ("一", "鿿"), "ar": ("ء", "ۓ"), "hi": ("ऀ", "ॿ")}


class Words:
    """The commonest words of a language with their frequencies."""

    def __init__(self, language, least_letters=1, count=VOCABULARY):
        first, last = SCRIPTS[language]
        words = [w for w in wordfreq.top_n_list(language, count) if len(w) >= least_letters]
        words = [w for w in words if all(first <= letter <= last for letter in w.replace("'", "")) and not w.isdigit()]
        frequency = wordfreq.get_frequency_dict(language)
        weights = np.array([frequency[w] for w in words])
        if language == "el":
            # wordfreq folds the final sigma.
            words = [w[:-1] + "ς" if w.endswith("σ") else w for w in words]
        self.words = words
        self.bounds = np.cumsum(weights / weights.sum())

    def draw(self, rng, count):
        """`count` words by frequency."""
        at = np.searchsorted(self.bounds, rng.random(count), side="right")
        return [self.words[min(int(i), len(self.words) - 1)] for i in at]

    def any(self, rng):
        """One word, all alike likely."""
        return self.words[int(rng.integers(len(self.words)))]


@functools.lru_cache(maxsize=None)
def words(language, least_letters=1):
    return Words(language, least_letters)


def sentences(rng, source, stop=".", comma=","):
    """Endless words with capitals and punctuation."""
    while True:
        length = int(rng.integers(6, 22))
        sentence = source.draw(rng, length)
        sentence = ["I" if w == "i" else w for w in sentence]
        sentence[0] = sentence[0][:1].upper() + sentence[0][1:]
        for at in range(2, length - 2):
            if rng.random() < 0.09:
                sentence[at] += comma
        sentence[-1] += stop if rng.random() < 0.9 else ("?" if stop != "。" else "？")
        yield from sentence


def phrase(rng, count, language="en", least_letters=4):
    """Some words with capitals, as in a title or a name."""
    source = words(language, least_letters)
    return " ".join(source.any(rng).capitalize() for _ in range(count))


def number(rng, digits):
    return "".join(str(int(d)) for d in rng.integers(0, 10, digits))


def amount(rng, low=1, high=3000):
    value = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    return round(value, 2)


def date(rng):
    return f"{rng.integers(1, 29):02d}.{rng.integers(1, 13):02d}.{rng.integers(2009, 2026)}"
