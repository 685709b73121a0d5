"""What all models over delay taps share: taps in, outputs out, closed loops."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import copy

import numpy as np
from scipy.special import log_softmax
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._closed_loop import check_next_step, check_positive, future_inputs, lay_out
from .._gaussian import RunningGaussian, draw_gaussian
from ..base import SequenceRegressor
from ..classification import SequenceClassifier
from ..sequences import PANEL, ROWS, Layout, last_rows
from ..targets import NEXT, SEQUENCE
from ._taps import Taps, mean_over_sequences, pooled_rows


class TapModel:
    """Mixin of the models whose output at row t is a function of its delay taps.

    A model fills the hook ``_map_taps(taps)``, from taps of shape
    (n, n_lags * n_features), the newest row first, to outputs of shape (n, n_outputs).
    For one target per sequence the outputs are averaged over the sequence.
    """

    def _taps(self, sequences):
        return Taps(sequences.rows, sequences.offsets, self.n_lags)

    def _map_sequences(self, sequences):
        """Outputs for all rows (n_rows, n_outputs), or for all sequences."""
        taps = self._taps(sequences)
        index, starts = None, None
        if self._kind == SEQUENCE:
            index, starts = pooled_rows(sequences.sequence_offsets, self.burn_in)
        pieces = [self._map_taps(chunk) for _, chunk in taps.chunks(index)]
        outputs = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
        return outputs if starts is None else mean_over_sequences(outputs, starts)

    def _check_next_step(self, method):
        check_is_fitted(self)
        check_next_step(self, method)

    def _last_taps(self, sequences):
        """Taps of each sequence's last row: (n_sequences, n_lags, n_features)."""
        taps = self._taps(sequences).take(last_rows(sequences))
        return taps.reshape(len(taps), self.n_lags, -1)

    def _run_on(self, history, n_steps, advance):
        """Run closed-loop: `advance(taps, step)` gives the next rows.

        Parameters
        ----------
        history : ndarray of shape (n_sequences, n_lags, n_features)
            Taps to start from, the newest first.
        n_steps : int
        advance : callable
            From taps (n_sequences, n_lags * n_features) and the step to the next
            rows, (n_sequences, n_features).

        Returns
        -------
        rows : ndarray of shape (n_sequences, n_steps, n_features)
        """
        n_sequences, _, n_features = history.shape
        rows = np.empty((n_sequences, n_steps, n_features), dtype=history.dtype)
        for step in range(n_steps):
            rows[:, step] = advance(history.reshape(n_sequences, -1), step)
            history = np.concatenate([rows[:, step, None], history[:, :-1]], axis=1)
        return rows

    def _future_inputs(self, future_exogenous, n_sequences, n_steps, method):
        return future_inputs(self, future_exogenous, n_sequences, n_steps, method)

    def _forecast_rows(self, X, groups, n_steps, future_exogenous, predict):
        """Closed loop from the end of each sequence; rows and their layout."""
        self._check_next_step("forecast")
        check_positive(n_steps, "n_steps")
        sequences = self._read_sequences(X, groups)
        history = self._last_taps(sequences)
        place = self._placer(future_exogenous, len(history), n_steps, "forecast")
        rows = self._run_on(
            history, n_steps, lambda taps, step: place(predict(taps), step)
        )
        return rows, sequences.layout

    def _sample_rows(
        self, n_steps, n_sequences, X, groups, future_exogenous, first, draw
    ):
        """Closed loop with draws: ``first(n)`` begins, ``draw(taps)`` goes on."""
        self._check_next_step("sample")
        check_positive(n_steps, "n_steps")
        if X is not None:
            if n_sequences is not None:
                raise ValueError(
                    f"n_sequences={n_sequences!r} and X were both given: with X, each "
                    "of its sequences is continued once."
                )
            sequences = self._read_sequences(X, groups)
            history = self._last_taps(sequences)
            place = self._placer(future_exogenous, len(history), n_steps, "sample")
            rows = self._run_on(
                history, n_steps, lambda taps, step: place(draw(taps), step)
            )
            return rows, sequences.layout
        n = 1 if n_sequences is None else n_sequences
        check_positive(n, "n_sequences")
        place = self._placer(future_exogenous, n, n_steps, "sample")
        begin = place(first(n), 0)
        history = self._begin(begin)
        rows = self._run_on(
            history, n_steps - 1, lambda taps, step: place(draw(taps), step + 1)
        )
        kind = ROWS if n_sequences is None else PANEL
        layout = Layout(kind, np.arange(n + 1))
        return np.concatenate([begin[:, None], rows], axis=1), layout

    def _begin(self, rows):
        """Taps of first rows: (n_sequences, n_lags, n_features)."""
        return np.repeat(rows[:, None], self.n_lags, axis=1)

    def _placer(self, future_exogenous, n_sequences, n_steps, method):
        """A function that puts predicted values and driving inputs into rows."""
        targets = self._target_columns(self.exogenous)
        inputs, future = self._future_inputs(
            future_exogenous, n_sequences, n_steps, method
        )

        def place(values, step):
            rows = np.empty((n_sequences, self.n_features_in_), dtype=values.dtype)
            rows[:, targets] = values
            rows[:, inputs] = future[:, step]
            return rows

        return place


class TapRegressor(TapModel, SequenceRegressor):
    """Base of the regressors over delay taps, with Gaussian noise about the output."""

    def _outputs(self, sequences):
        return self._map_sequences(sequences)

    def _output_covariance(self, sequences):
        return self.noise_covariance_

    def _first_row_distribution(self):
        return self._first_row.mean, self._first_row.covariance

    def _remember_first_row(self, targets, more=False):
        """Gaussian distribution of a training row, for rows without a past."""
        if targets.kind != NEXT:
            return
        earlier = self._first_row if more else RunningGaussian(targets.n_targets)
        self._first_row = copy.deepcopy(earlier).update(targets.values)

    def forecast(self, X, n_steps=1, *, future_exogenous=None, groups=None):
        """Run on closed-loop from the end of each sequence.

        Parameters
        ----------
        X : array-like
            Sequences in any layout.

        n_steps : int, default=1
            Number of time steps to forecast.

        future_exogenous : array-like of shape (n_steps, n_inputs) or \
                (n_sequences, n_steps, n_inputs), default=None
            The driving inputs of the steps to come; the last one is not used.

        groups : array-like of shape (n_samples,), default=None
            For rows, the sequence to which each row belongs.

        Returns
        -------
        forecast : ndarray
            The `n_steps` rows that follow each sequence: for rows of shape
            (n_sequences * n_steps, n_targets), for a panel of shape
            (n_sequences, n_steps, n_targets), for a list an object array of arrays.
        """
        rows, layout = self._forecast_rows(
            X, groups, n_steps, future_exogenous, self._map_taps
        )
        return lay_out(rows[:, :, self._target_columns(self.exogenous)], layout)

    def sample(
        self,
        n_steps=1,
        *,
        n_sequences=None,
        X=None,
        groups=None,
        future_exogenous=None,
        random_state=None,
    ):
        """Draw sequences from the fitted model.

        Parameters
        ----------
        n_steps : int, default=1
            Number of time steps to draw.

        n_sequences : int, default=None
            Number of sequences. None draws one, as rows.

        X : array-like, default=None
            Sequences in any layout, each of which is continued. Without, a sequence
            begins with a row drawn from the Gaussian distribution of the training
            rows, as in `score_samples`.

        groups : array-like of shape (n_samples,), default=None
            For rows of X, the sequence to which each row belongs.

        future_exogenous : array-like of shape (n_steps, n_inputs) or \
                (n_sequences, n_steps, n_inputs), default=None
            The driving inputs of the steps drawn.

        random_state : int, RandomState instance or None, default=None
            Determines the noise. Pass an int for reproducible draws.

        Returns
        -------
        X : ndarray of shape (n_steps, n_features) or \
                (n_sequences, n_steps, n_features)
            The rows drawn, driving inputs included; in the layout of X if that is
            given.
        """
        rng = check_random_state(random_state)

        def first(n):
            mean, covariance = self._first_row_distribution()
            return mean + draw_gaussian(rng, covariance, n)

        def draw(taps):
            noise = draw_gaussian(rng, self.noise_covariance_, len(taps))
            return self._map_taps(taps) + noise

        rows, layout = self._sample_rows(
            n_steps, n_sequences, X, groups, future_exogenous, first, draw
        )
        return lay_out(rows, layout)


class TapClassifier(TapModel, SequenceClassifier):
    """Base of the classifiers over delay taps.

    The rows of symbol sequences are numbers of symbols, counted on from one column of
    X to the next; before a sequence stands one more, "no symbol".
    """

    @property
    def _n_symbols(self):
        return sum(len(symbols) for symbols in self.symbols_)

    def _symbol_offsets(self):
        sizes = [len(symbols) for symbols in self.symbols_]
        return np.cumsum([0, *sizes[:-1]])

    def _taps(self, sequences):
        if self._encoder is None:
            return super()._taps(sequences)
        rows = sequences.rows + self._symbol_offsets()
        return Taps(rows, sequences.offsets, self.n_lags, pad=self._n_symbols)

    def _begin(self, rows):
        taps = np.full((len(rows), self.n_lags, rows.shape[1]), self._n_symbols)
        taps[:, 0] = rows
        return taps

    def _log_proba(self, sequences):
        return log_softmax(self._map_sequences(sequences), axis=1)

    def _future_inputs(self, future_exogenous, n_sequences, n_steps, method):
        columns, values = super()._future_inputs(
            future_exogenous, n_sequences, n_steps, method
        )
        codes = np.zeros(values.shape, dtype=np.intp)
        for i, column in enumerate(columns):
            symbols = self.symbols_[column]
            given = np.asarray(values[:, :, i])
            places = np.minimum(np.searchsorted(symbols, given), len(symbols) - 1)
            if (symbols[places] != given).any():
                unknown = np.unique(given[symbols[places] != given])[:5].tolist()
                raise ValueError(
                    f"future_exogenous holds unknown symbols {unknown} in column {i}. "
                    f"Expected among {symbols[:20].tolist()}."
                )
            codes[:, :, i] = places + self._symbol_offsets()[column]
        return columns, codes

    def _decode(self, rows):
        """Symbols from their numbers: (…, n_features) object or integer array."""
        rows = rows - self._symbol_offsets()
        columns = [symbols[rows[..., i]] for i, symbols in enumerate(self.symbols_)]
        return np.stack(columns, axis=-1)

    def forecast(self, X, n_steps=1, *, future_exogenous=None, groups=None):
        """Run on closed-loop, with the most probable symbol at each step.

        Parameters
        ----------
        X : array-like
            Sequences of symbols in any layout.

        n_steps : int, default=1
            Number of time steps to forecast.

        future_exogenous : array-like of shape (n_steps, n_inputs) or \
                (n_sequences, n_steps, n_inputs), default=None
            The driving symbols of the steps to come; the last one is not used.

        groups : array-like of shape (n_samples,), default=None
            For rows, the sequence to which each row belongs.

        Returns
        -------
        forecast : ndarray
            The `n_steps` symbols that follow each sequence: for rows of shape
            (n_sequences * n_steps,), for a panel of shape (n_sequences, n_steps), for
            a list an object array of arrays.
        """
        self._check_next_step("forecast")
        offset = self._symbol_offsets()[self._target_column()]

        def predict(taps):
            return self._map_taps(taps).argmax(axis=1)[:, None] + offset

        rows, layout = self._forecast_rows(
            X, groups, n_steps, future_exogenous, predict
        )
        return lay_out(self._decode(rows)[..., self._target_column()], layout)

    def sample(
        self,
        n_steps=1,
        *,
        n_sequences=None,
        X=None,
        groups=None,
        future_exogenous=None,
        random_state=None,
    ):
        """Draw sequences of symbols from the fitted model.

        Parameters
        ----------
        n_steps : int, default=1
            Number of time steps to draw.

        n_sequences : int, default=None
            Number of sequences. None draws one, as rows.

        X : array-like, default=None
            Sequences of symbols in any layout, each of which is continued. Without, a
            sequence begins with a symbol drawn by the training frequencies.

        groups : array-like of shape (n_samples,), default=None
            For rows of X, the sequence to which each row belongs.

        future_exogenous : array-like of shape (n_steps, n_inputs) or \
                (n_sequences, n_steps, n_inputs), default=None
            The driving symbols of the steps drawn.

        random_state : int, RandomState instance or None, default=None
            Determines the draws. Pass an int for reproducible ones.

        Returns
        -------
        X : ndarray of shape (n_steps, n_features) or \
                (n_sequences, n_steps, n_features)
            The symbols drawn, driving ones included; in the layout of X if that is
            given.
        """
        self._check_next_step("sample")
        rng = check_random_state(random_state)
        offset = self._symbol_offsets()[self._target_column()]

        def choose(log_proba):
            # The largest of log p plus Gumbel noise is a draw from p.
            noise = rng.gumbel(size=log_proba.shape)
            return (log_proba + noise).argmax(axis=1)[:, None] + offset

        def first(n):
            return choose(np.tile(self._first_log_proba, (n, 1)))

        rows, layout = self._sample_rows(
            n_steps,
            n_sequences,
            X,
            groups,
            future_exogenous,
            first,
            lambda taps: choose(log_softmax(self._map_taps(taps), axis=1)),
        )
        return lay_out(self._decode(rows), layout)
