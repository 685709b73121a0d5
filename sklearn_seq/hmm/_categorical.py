"""The hidden Markov model of symbols."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real
from typing import Self

import numpy as np
from sklearn.preprocessing import OrdinalEncoder

from .._core.closed_loop import lay_out
from .._core.docs import documented
from .._core.sklearn_compat import Interval, StrOptions, validate_data
from .._reading.padding import warn_of_padding
from .._reading.symbols import (
    encode,
    fill_missing,
    fit_encoder,
    integers,
    is_text,
    warn_of_single_symbols,
)
from ..sequences import Sequences
from ._base import BaseHMM
from .emissions import CategoricalEmissions


@documented
class CategoricalHMM(BaseHMM):
    """Hidden Markov model of symbols, by Baum-Welch.

    Each state has its own probabilities of the symbols; with several columns, the
    columns are independent given the state. Symbols are integers or strings. Missing
    ones (NaN, None, pandas' NA) are integrated out.

    Parameters
    ----------
    n_components : int, default=1
        Number of states.

    symbols : "auto" or array-like, default="auto"
        The alphabet, for several columns a list of alphabets. "auto" takes the symbols
        that fit meets; later ones that are not among them are an error.

    init : {"random"} or dict, default="random"
        Where a run starts: from random probabilities. A dict holds values from which
        the first run starts, by the names of `fixed`; what it does not name, and
        further runs, start at random. The columns of "emissionprob" are the symbols in
        sorted order, as in `symbols_`.

    fixed : dict, default=None
        Parameters held at given values, by name: "startprob", "transmat",
        "emissionprob".

    %(startprob_prior_of_hmms)s

    transmat_prior : float or array-like of shape (n_components, n_components), \
            default=1.0
        The same for each row of transition probabilities.

    emissionprob_prior : float, default=1.0
        Dirichlet concentration of the symbols of each state, at least 1. 1 is flat.

    transmat_mask : array-like of bool of shape (n_components, n_components), \
            default=None
        True where a transition is possible, for example
        ``np.triu(np.ones((n, n)), 0) > 0`` for a left-right model. None allows all.

    %(decoding_of_hmms)s

    n_init : int, default=1
        Number of starts, of which the best is kept.

    max_iter : int, default=100
        Maximum number of EM iterations.

    tol : float, default=1e-4
        EM has converged when the log-likelihood per time step rises by less.

    warm_start : bool, default=False
        Whether fit starts from the parameters of the last fit.

    %(burn_in_of_hidden_state_models)s

    random_state : int, RandomState instance or None, default=None
        Determines starts. Pass an int for reproducible results.

    %(verbose_of_hmms)s

    n_jobs : int, default=None
        Number of workers that share the sequences in the E-step.

    %(gaps)s

    Attributes
    ----------
    startprob_ : ndarray of shape (n_components,)
        Probabilities of the first state of a sequence.

    transmat_ : ndarray of shape (n_components, n_components)
        Probabilities of going from state i to state j.

    emissionprob_ : ndarray of shape (n_components, n_symbols)
        Probabilities of the symbols in each state, in the order of `symbols_`. For
        several columns, a list with one such array for each.

    symbols_ : list of ndarray
        The symbols of each column.

    stationary_distribution_ : ndarray of shape (n_components,)
        Stationary distribution of the chain.

    n_iter_ : int
        Number of EM steps of the best start.

    converged_ : bool
        Whether it converged.

    lower_bound_ : float
        Its log-likelihood per time step, in nats (with priors, log-posterior).

    loss_curve_ : list of float
        Minus the same before and after each EM step.

    %(n_features_in_)s

    %(feature_names_in_)s

    See Also
    --------
    PoissonHMM : For counts.
    HMMClassifier : Predictions of the next symbol with the same model.

    Notes
    -----
    Rows are the time steps of a sequence and have no gap in time: a hole in a frame's
    index starts anew, while a missing row is a time step at which nothing was seen.

    EM starts from random probabilities.

    References
    ----------
    Rabiner, L. R. (1989). A tutorial on hidden Markov models and selected applications
    in speech recognition. Proceedings of the IEEE, 77, 257-286.

    Examples
    --------
    >>> from sklearn_seq.hmm import CategoricalHMM
    >>> X = "aabaabaaabxyxxyxyyx"
    >>> model = CategoricalHMM(n_components=2, n_init=5, random_state=0).fit(X)
    >>> states = model.predict(X)
    >>> int((states == states[0]).sum())
    10
    """

    _usual_init = "random"
    _takes_strings = _takes_times = True

    _parameter_constraints = {
        **BaseHMM._parameter_constraints,
        "symbols": ["array-like", StrOptions({"auto"})],
        "init": [StrOptions({"random"}), dict],
        "emissionprob_prior": [Interval(Real, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_components=1,
        *,
        symbols="auto",
        init="random",
        fixed=None,
        startprob_prior=1.0,
        transmat_prior=1.0,
        emissionprob_prior=1.0,
        transmat_mask=None,
        decoding="viterbi",
        n_init=1,
        max_iter=100,
        tol=1e-4,
        warm_start=False,
        burn_in=0,
        random_state=None,
        verbose=0,
        n_jobs=None,
        gaps="auto",
    ):
        self.n_components = n_components
        self.symbols = symbols
        self.init = init
        self.fixed = fixed
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.emissionprob_prior = emissionprob_prior
        self.transmat_mask = transmat_mask
        self.decoding = decoding
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.burn_in = burn_in
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.gaps = gaps

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    @classmethod
    def from_parameters(
        cls, *, startprob, transmat, emissionprob, symbols=None
    ) -> Self:
        """A fitted model from known parameters.

        Parameters
        ----------
        startprob : array-like of shape (n_components,)
            Probabilities of the first state.

        transmat : array-like of shape (n_components, n_components)
            Probabilities of going from state i to state j.

        emissionprob : array-like of shape (n_components, n_symbols) or list of them
            Probabilities of the symbols in each state; for several columns, one array
            for each.

        symbols : array-like, default=None
            The alphabet in the order of the columns of `emissionprob`, for several
            columns of X one alphabet for each. None numbers the symbols from 0. In the
            model symbols are sorted, and the columns of `emissionprob_` with them.

        Returns
        -------
        model : CategoricalHMM
            Ready to predict, forecast and sample. After
            ``set_params(warm_start=True)`` `fit` starts from these parameters,
            otherwise it discards them; see also `init`.

        Raises
        ------
        ValueError
            If probabilities do not sum to one, or shapes do not fit.
        """
        tables = as_tables(emissionprob)
        emission = CategoricalEmissions().check(len(startprob), emissionprob=tables)
        sizes = [table.shape[1] for table in emission.emissionprob]
        alphabets = given_alphabets(symbols, sizes)
        orders = [np.argsort(alphabet, kind="stable") for alphabet in alphabets]
        emission = emission._replace(
            emissionprob=tuple(
                np.ascontiguousarray(table[:, order])
                for table, order in zip(emission.emissionprob, orders, strict=True)
            )
        )
        model = cls._from_parameters(startprob, transmat, emission, len(sizes))
        model._set_encoder(encoder_of(alphabets))
        return model

    def forecast(self, X, n_steps=1, *, groups=None):
        """Probabilities of the symbols that follow each sequence.

        Parameters
        ----------
        %(X)s

        n_steps : int, default=1
            Number of time steps to forecast.

        %(groups)s

        Returns
        -------
        proba : ndarray
            Of shape (n_sequences * n_steps, n_symbols) for rows,
            (n_sequences, n_steps, n_symbols) for a panel, an object array of arrays
            for a list. For several columns, a list with one such array for each.
        """
        proba, layout = self._forecast_states(X, n_steps, groups)
        tables = self.parameters().emission.emissionprob
        forecasts = [lay_out(proba @ table, layout) for table in tables]
        return forecasts[0] if len(forecasts) == 1 else forecasts

    def _read_sequences(self, X, groups, *, reset=False):
        # Of codes, -1 where a symbol is missing.
        single = reset or self.n_features_in_ == 1
        flat, layout = self._read_layout(X, groups, reset=reset, symbols=single)
        rows = validate_data(
            self, flat, reset=reset, dtype=None, ensure_all_finite=False
        )
        known, missing = fill_missing(
            rows, self._input_names(), None if reset else self._encoder
        )
        known = integers(known)
        if reset:
            check_repeats(known, missing)
        for column in known.T:
            if not is_text(column[:, None]):  # but numbers only
                check_finite(column)
        if reset:
            self._set_encoder(fit_encoder(known, self.symbols))
        codes = encode(self._encoder, known, missing)
        if reset:
            warn_of_single_symbols(codes, self._encoder, self._input_names())
            warn_of_padding(codes, layout, self)
        return Sequences(codes, layout)

    def _set_encoder(self, encoder):
        self._encoder, self.symbols_ = encoder, encoder.categories_

    def _make_emissions(self):
        sizes = tuple(len(symbols) for symbols in self.symbols_)
        return CategoricalEmissions(sizes, emissionprob_prior=self.emissionprob_prior)

    def _values(self, codes):
        return np.where(codes < 0, np.nan, codes)

    def _as_rows(self, codes):
        columns = [
            symbols[column]
            for symbols, column in zip(self.symbols_, codes.T, strict=True)
        ]
        kinds = {column.dtype.kind for column in columns}
        if len(kinds) > 1:
            columns = [column.astype(object) for column in columns]
        return np.column_stack(columns)

    def _attributes(self, parameters):
        attributes = super()._attributes(parameters)
        tables = attributes["emissionprob_"]
        attributes["emissionprob_"] = tables[0] if len(tables) == 1 else list(tables)
        return attributes

    def _emission_parameters(self):
        return CategoricalEmissions.parameters_type(as_tables(self.emissionprob_))


def as_tables(emissionprob):
    """One table for each column: a single one may stand alone."""
    if isinstance(emissionprob, list | tuple) and not emissionprob:
        raise ValueError(
            f"emissionprob={emissionprob!r} is empty: expected probabilities of shape "
            "(n_components, n_symbols)."
        )
    if isinstance(emissionprob, list | tuple) and np.ndim(emissionprob[0]) == 2:
        return tuple(emissionprob)
    return (emissionprob,)


def given_alphabets(symbols, sizes):
    """Alphabets that go with tables of the given numbers of columns, as arrays."""
    if symbols is None:
        alphabets = [np.arange(size) for size in sizes]
    elif len(sizes) == 1 and np.ndim(symbols[0]) == 0:
        alphabets = [np.asarray(list(symbols))]
    else:
        alphabets = [np.asarray(list(alphabet)) for alphabet in symbols]
    if [len(alphabet) for alphabet in alphabets] != list(sizes):
        raise ValueError(
            f"symbols holds alphabets of {[len(a) for a in alphabets]} symbols, but "
            f"emissionprob has probabilities for {list(sizes)}."
        )
    for alphabet in alphabets:
        if len(np.unique(alphabet)) < len(alphabet):
            raise ValueError(
                f"symbols={alphabet.tolist()}: expected each once, as there is one "
                "column of emissionprob for each."
            )
    return alphabets


def encoder_of(alphabets):
    """An encoder of alphabets, one for each column."""
    alphabets = [np.sort(alphabet) for alphabet in alphabets]
    kinds = {alphabet.dtype.kind for alphabet in alphabets}
    one = np.array(
        [[alphabet[0] for alphabet in alphabets]],
        dtype=object if len(kinds) > 1 else None,
    )
    return OrdinalEncoder(categories=alphabets, dtype=np.intp).fit(one)


def check_finite(column):
    if np.isinf(column.astype(np.float64)).any():
        raise ValueError(
            "Input X contains infinity (inf), which is no symbol. Leave such rows out, "
            "or set them to NaN, which is missing."
        )


def check_repeats(rows, missing):
    """Refuse real numbers that look like measurements: symbols come again."""
    if rows.dtype.kind != "f":
        return
    for column, there in zip(rows.T, ~missing.T, strict=True):
        n_different = len(np.unique(column[there]))
        if n_different > max(1, there.sum() / 2):
            raise ValueError(
                f"X has a column with {n_different} different real numbers in "
                f"{there.sum()} rows: symbols come again. Bin them, for example with "
                "sklearn.preprocessing.KBinsDiscretizer, or use GaussianHMM."
            )
