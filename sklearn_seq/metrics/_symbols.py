"""Metrics of symbol prediction: bits per symbol and perplexity."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils.validation import check_consistent_length


def bits_per_symbol(log_proba, *, sample_weight=None) -> float:
    """Mean number of bits that a model needs for a symbol.

    An ideal code built on the model's probabilities spends ``-log2 p`` bits on a
    symbol of probability p: 0 if the model was sure of it, ``log2(n)`` for a uniform
    choice among n symbols. This is the cross-entropy to base 2.

    Parameters
    ----------
    log_proba : array-like
        Log probabilities, in nats, of the symbols that occurred, as `score_samples`
        of a classifier gives them. Of shape (n_symbols,), (n_sequences, n_timesteps)
        or a list of arrays; all symbols count alike, whatever sequence they are in.

    sample_weight : array-like, default=None
        Weights of the symbols, in the layout of `log_proba`.

    Returns
    -------
    bits : float
        Not negative; infinite if a symbol occurred that had probability 0.

    Raises
    ------
    ValueError
        If there is no symbol, if `log_proba` contains NaN, or if it is positive
        somewhere, which no log probability is.

    See Also
    --------
    perplexity : The same on the scale of numbers of symbols.
    neg_bits_per_symbol_scorer : The scorer, for cross-validation.

    References
    ----------
    Shannon, C. E. (1951). Prediction and entropy of printed English. Bell System
    Technical Journal, 30, 50-64.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_seq.metrics import bits_per_symbol
    >>> round(bits_per_symbol(np.log([0.5, 0.25, 0.125, 0.125])), 6)
    2.25
    >>> bits_per_symbol([0.5, 0.25])
    Traceback (most recent call last):
    ...
    ValueError: log_proba contains 0.5, but the logarithm of a probability is at ...
    """
    return mean_surprise(log_proba, sample_weight) / float(np.log(2.0))


def perplexity(log_proba, *, sample_weight=None) -> float:
    """Number of equally likely symbols among which a model is as uncertain.

    The inverse of the geometric mean of the symbols' probabilities,
    ``exp(-mean(log_proba))``, and 2 to the power of `bits_per_symbol`.

    Parameters
    ----------
    log_proba : array-like
        Log probabilities, in nats, of the symbols that occurred, as `score_samples`
        of a classifier gives them. Of shape (n_symbols,), (n_sequences, n_timesteps)
        or a list of arrays; all symbols count alike, whatever sequence they are in.

    sample_weight : array-like, default=None
        Weights of the symbols, in the layout of `log_proba`.

    Returns
    -------
    perplexity : float
        At least 1; infinite if a symbol occurred that had probability 0.

    Raises
    ------
    ValueError
        If there is no symbol, if `log_proba` contains NaN, or if it is positive
        somewhere, which no log probability is.

    See Also
    --------
    bits_per_symbol : The same on the scale of information.
    neg_perplexity_scorer : The scorer, for cross-validation.

    References
    ----------
    Jelinek, F., Mercer, R. L., Bahl, L. R. and Baker, J. K. (1977). Perplexity: a
    measure of the difficulty of speech recognition tasks. Journal of the Acoustical
    Society of America, 62, S63.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_seq.metrics import perplexity
    >>> round(perplexity(np.log([[0.25, 0.25], [0.25, 0.25]])), 6)
    4.0
    >>> perplexity([])
    Traceback (most recent call last):
    ...
    ValueError: log_proba is empty: there is no symbol to average over.
    """
    with np.errstate(over="ignore"):
        return float(np.exp(mean_surprise(log_proba, sample_weight)))


def mean_surprise(log_proba, sample_weight=None):
    """Mean of -log p in nats over all symbols."""
    values = flat_values(log_proba)
    if not len(values):
        raise ValueError("log_proba is empty: there is no symbol to average over.")
    if np.isnan(values).any():
        raise ValueError(
            "log_proba contains NaN: leave out symbols without a probability."
        )
    largest = values.max()
    if largest > 1e-6:  # rounding errors of a probability of 1 aside
        raise ValueError(
            f"log_proba contains {largest:.6g}, but the logarithm of a probability is "
            "at most 0: pass log probabilities, such as score_samples of a classifier "
            "returns, rather than probabilities or log densities."
        )
    if sample_weight is not None:
        sample_weight = flat_values(sample_weight)
        check_consistent_length(values, sample_weight)
    return max(0.0, -float(np.average(values, weights=sample_weight)))


def flat_values(values):
    """One entry for each time step of any layout: shape (n,)."""
    if isinstance(values, list | tuple) or values.dtype.kind == "O":
        values = np.concatenate([np.ravel(sequence) for sequence in values] or [[]])
    return np.asarray(values, dtype=np.float64).ravel()
