"""Scorers that pass groups on, and measures of symbol prediction."""

from ._scorers import (
    mean_log_likelihood_scorer,
    neg_bits_per_symbol_scorer,
    neg_perplexity_scorer,
    next_step_r2_scorer,
)
from ._symbols import bits_per_symbol, perplexity

__all__ = [
    "bits_per_symbol",
    "mean_log_likelihood_scorer",
    "neg_bits_per_symbol_scorer",
    "neg_perplexity_scorer",
    "next_step_r2_scorer",
    "perplexity",
]
