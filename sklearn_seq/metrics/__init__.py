"""Scorers that tell sequences apart, and measures of symbol prediction."""

from ._per_step import (
    flatten_steps,
    neg_next_step_mae_scorer,
    neg_next_step_rmse_scorer,
    per_step_scorer,
)
from ._scorers import (
    mean_log_likelihood_scorer,
    neg_bits_per_symbol_scorer,
    neg_perplexity_scorer,
    next_step_r2_scorer,
)
from ._symbols import bits_per_symbol, perplexity

__all__ = [
    "bits_per_symbol",
    "flatten_steps",
    "mean_log_likelihood_scorer",
    "neg_bits_per_symbol_scorer",
    "neg_next_step_mae_scorer",
    "neg_next_step_rmse_scorer",
    "neg_perplexity_scorer",
    "next_step_r2_scorer",
    "per_step_scorer",
    "perplexity",
]
