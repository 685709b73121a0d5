"""Example sequences: loaders of real data and makers of synthetic data."""

from ._loaders import load_japanese_vowels, load_lynx, load_nile, load_sunspots
from ._processes import make_ar_process, make_markov_chain
from ._signals import make_mackey_glass, make_sines
from ._tasks import make_adding_problem, make_binary_addition, make_copy_memory
from ._text import load_python_topics

__all__ = [
    "load_japanese_vowels",
    "load_lynx",
    "load_nile",
    "load_python_topics",
    "load_sunspots",
    "make_adding_problem",
    "make_ar_process",
    "make_binary_addition",
    "make_copy_memory",
    "make_mackey_glass",
    "make_markov_chain",
    "make_sines",
]
