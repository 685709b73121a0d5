"""What all models over delay taps share: taps in, outputs out, closed loops."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_is_fitted

from ..base import SequenceRegressor
from ..targets import NEXT, SEQUENCE
from ._taps import Taps, mean_over_sequences, pooled_rows


class TapModel:
    """Mixin of the models whose output at row t is a function of its delay taps.

    A model fills the hook ``_map_taps(taps)``, from taps of shape
    (n, n_lags * n_features), the newest row first, to outputs of shape (n, n_outputs).
    For one target per sequence the outputs are averaged over the sequence.
    """

    _pad = None  # what stands before a sequence: None repeats its first row

    def _taps(self, sequences):
        return Taps(sequences.rows, sequences.offsets, self.n_lags, self._pad)

    def _map_sequences(self, sequences):
        """Outputs for all rows (n_rows, n_outputs), or for all sequences."""
        taps = self._taps(sequences)
        index, starts = None, None
        if self._kind == SEQUENCE:
            index, starts = pooled_rows(sequences.offsets, self.burn_in)
        pieces = [self._map_taps(chunk) for _, chunk in taps.chunks(index)]
        outputs = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
        return outputs if starts is None else mean_over_sequences(outputs, starts)

    def _check_next_step(self, method):
        check_is_fitted(self)
        if self._kind != NEXT:
            raise ValueError(
                f"{method} feeds predictions back as inputs: it needs a "
                f"{type(self).__name__} fitted without y, to predict the next step."
            )

    def _last_taps(self, sequences):
        """Taps of each sequence's last row: (n_sequences, n_lags, n_features)."""
        taps = self._taps(sequences).take(sequences.sequence_offsets[1:] - 1)
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
        """Driving inputs of the steps to come: (n_sequences, n_steps, n_inputs)."""
        columns = np.setdiff1d(
            np.arange(self.n_features_in_), self._target_columns(self.exogenous)
        )
        shape = (n_sequences, n_steps, len(columns))
        if future_exogenous is None:
            if not len(columns):
                return columns, np.zeros(shape)
            raise ValueError(
                f"{method} needs future_exogenous: this {type(self).__name__} has "
                f"{len(columns)} driving input(s), and their values for the {n_steps} "
                f"steps to come, of shape {shape[1:]} or {shape}."
            )
        if not len(columns):
            raise ValueError(
                f"future_exogenous was given, but this {type(self).__name__} has no "
                "driving inputs (exogenous=None)."
            )
        values = check_array(
            future_exogenous, allow_nd=True, dtype=None, input_name="future_exogenous"
        )
        if values.shape not in (shape, shape[1:]):
            raise ValueError(
                f"future_exogenous has shape {values.shape}, but expected {shape[1:]} "
                f"(the same for all sequences) or {shape}: n_steps={n_steps} steps of "
                f"{len(columns)} driving input(s)."
            )
        return columns, np.broadcast_to(values, shape)


def check_n_steps(n_steps):
    if not isinstance(n_steps, int | np.integer) or n_steps < 1:
        raise ValueError(f"n_steps={n_steps!r}: expected an integer of at least 1.")


def lay_out(values, layout):
    """Equally many new rows for each sequence, in the layout of the sequences."""
    n_sequences, n_steps = values.shape[:2]
    offsets = np.arange(n_sequences + 1) * n_steps
    return layout.restore_equal(values.reshape(-1, *values.shape[2:]), offsets)


def draw_gaussian(rng, covariance, n):
    """Draws from N(0, covariance), which may be singular: (n, n_targets)."""
    variances, vectors = np.linalg.eigh(covariance)
    scale = vectors * np.sqrt(np.maximum(variances, 0.0))
    return rng.standard_normal((n, len(covariance))) @ scale.T


class TapRegressor(TapModel, SequenceRegressor):
    """Base of the regressors over delay taps, with Gaussian noise about the output."""

    def _outputs(self, sequences):
        return self._map_sequences(sequences)

    def _output_covariance(self, sequences):
        return self.noise_covariance_

    def _first_row_distribution(self):
        return self._first_mean, self._first_covariance

    def _remember_first_row(self, targets):
        """Gaussian distribution of a training row, for rows without a past."""
        if targets.kind == NEXT:
            values = targets.values
            self._first_mean = values.mean(axis=0, dtype=np.float64)
            centred = values - self._first_mean
            self._first_covariance = centred.T @ centred / len(values)

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
        self._check_next_step("forecast")
        check_n_steps(n_steps)
        sequences = self._read_sequences(X, groups, reset=False)
        columns = self._target_columns(self.exogenous)
        inputs, future = self._future_inputs(
            future_exogenous, sequences.n_sequences, n_steps, "forecast"
        )

        def advance(taps, step):
            rows = np.empty((len(taps), self.n_features_in_))
            rows[:, columns] = self._map_taps(taps)
            rows[:, inputs] = future[:, step]
            return rows

        rows = self._run_on(self._last_taps(sequences), n_steps, advance)
        return lay_out(rows[:, :, columns], sequences.layout)

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
        self._check_next_step("sample")
        check_n_steps(n_steps)
        rng = check_random_state(random_state)
        columns = self._target_columns(self.exogenous)
        layout = None
        if X is not None:
            if n_sequences is not None:
                raise ValueError(
                    f"n_sequences={n_sequences!r} and X were both given: with X, each "
                    "of its sequences is continued once."
                )
            sequences = self._read_sequences(X, groups, reset=False)
            history, layout = self._last_taps(sequences), sequences.layout
        else:
            history = np.zeros((n_sequences or 1, self.n_lags, self.n_features_in_))
        inputs, future = self._future_inputs(
            future_exogenous, len(history), n_steps, "sample"
        )

        def draw(covariance):
            return draw_gaussian(rng, covariance, len(history))

        def advance(taps, step):
            rows = np.empty((len(taps), self.n_features_in_))
            rows[:, columns] = self._map_taps(taps) + draw(self.noise_covariance_)
            rows[:, inputs] = future[:, step]
            return rows

        if layout is not None:
            return lay_out(self._run_on(history, n_steps, advance), layout)
        first = np.empty((len(history), self.n_features_in_))
        first[:, columns] = self._first_mean + draw(self._first_covariance)
        first[:, inputs] = future[:, 0]
        history = np.repeat(first[:, None], self.n_lags, axis=1)
        rows = self._run_on(
            history, n_steps - 1, lambda taps, step: advance(taps, step + 1)
        )
        rows = np.concatenate([first[:, None], rows], axis=1)
        return rows if n_sequences is not None else rows[0]
