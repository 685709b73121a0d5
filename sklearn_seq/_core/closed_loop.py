"""Closed-loop forecasts and samples: a model's predictions become its inputs."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._reading.future_inputs import future_inputs
from ..sequences import PANEL, ROWS, Layout
from ..targets import NEXT
from .docs import documented
from .gaussian import draw_gaussian, gaussian_noise
from .reach import warn_if_far


def check_positive(number, name):
    if not isinstance(number, int | np.integer) or number < 1:
        raise ValueError(f"{name}={number!r}: expected an integer of at least 1.")


def check_next_step(estimator, method):
    """Refuse a model that was not fitted to predict the next step."""
    if estimator.target_kind_ != NEXT:
        raise ValueError(
            f"{method} feeds predictions back as inputs: it needs a "
            f"{type(estimator).__name__} fitted without y, to predict the next step."
        )


def lay_out(values, layout):
    """Values (n_sequences, n_steps, ...) in the layout of the sequences."""
    n_sequences, n_steps = values.shape[:2]
    offsets = np.arange(n_sequences + 1) * n_steps
    return layout.restore_equal(values.reshape(-1, *values.shape[2:]), offsets)


@documented
class ClosedLoop:
    """Mixin of the models that forecast and sample in closed loop.

    A model fills these hooks; what the state of the loop is, it decides itself:

    - ``_final_state(sequences)``: the state after the last row of each sequence,
    - ``_initial_state(rows)``: the state after first rows (n_sequences, n_features),
    - ``_step(state, rows)``: the state after one more row of each sequence,
    - ``_next_outputs(state)``: predictions from it, (n_sequences, n_outputs).
    """

    _remedy = "Take fewer steps."  # in the error for an unstable loop

    def _check_loop(self, n_steps, method):
        check_is_fitted(self)
        check_next_step(self, method)
        check_positive(n_steps, "n_steps")

    def forecast(
        self, X, n_steps=1, *, future_exogenous=None, groups=None
    ) -> np.ndarray:
        """Run on closed-loop from the end of each sequence.

        Parameters
        ----------
        %(X)s

        n_steps : int, default=1
            Number of time steps to forecast.

        future_exogenous : array-like of shape (n_steps, n_inputs) or \
                (n_sequences, n_steps, n_inputs), default=None
            The driving inputs of the steps to come; the last one is not used. A frame
            is read by the names of its columns, and by its sequences if its index has
            two levels, sequence and time.

        %(groups)s

        Returns
        -------
        forecast : ndarray
            The `n_steps` rows that follow each sequence: for rows of shape
            (n_sequences * n_steps, n_targets), for a panel of shape
            (n_sequences, n_steps, n_targets), for a list an object array of arrays.
            For symbols the most probable one at each step, without the last axis.
        """
        self._check_loop(n_steps, "forecast")
        sequences = self._read_sequences(X, groups)
        return self._forecast(sequences, n_steps, future_exogenous)

    def _forecast(self, sequences, n_steps, future_exogenous):
        layout = sequences.layout
        build_rows = self._row_builder(
            future_exogenous, sequences.n_sequences, n_steps, "forecast", layout
        )
        with np.errstate(over="ignore", invalid="ignore"):  # checked later
            end = self._final_state(sequences)
        rows = self._run_closed_loop(
            end,
            n_steps,
            lambda outputs, step: build_rows(self._point_forecast(outputs), step),
        )
        forecast = self._select_targets(self._decode(rows))
        self._check_forecast(forecast)
        return lay_out(forecast, layout)

    def _check_forecast(self, forecast):
        """Hook: warn of a doubtful forecast."""

    def sample(
        self,
        n_steps=1,
        *,
        n_sequences=None,
        X=None,
        groups=None,
        future_exogenous=None,
        random_state=None,
    ) -> np.ndarray:
        """Draw sequences from the fitted model.

        Parameters
        ----------
        n_steps : int, default=1
            Number of time steps to draw.

        n_sequences : int, default=None
            Number of sequences. None draws one, as rows.

        X : array-like, default=None
            Sequences in any layout, each of which is continued. Without, a sequence
            begins with a row drawn from the distribution of first rows, as in
            `score_samples`: a Gaussian one, or for symbols the training frequencies.

        groups : array-like of shape (n_samples,), default=None
            For rows of X, the sequence to which each row belongs.

        future_exogenous : array-like of shape (n_steps, n_inputs) or \
                (n_sequences, n_steps, n_inputs), default=None
            The driving inputs of the steps drawn. A frame is read by the names of its
            columns, and by its sequences if its index has two levels, sequence and
            time.

        random_state : int, RandomState instance or None, default=None
            Determines the draws. Pass an int for reproducible ones.

        Returns
        -------
        X : ndarray of shape (n_steps, n_features) or \
                (n_sequences, n_steps, n_features)
            The rows drawn, driving inputs included; in the layout of X if that is
            given.
        """
        self._check_loop(n_steps, "sample")
        rng = check_random_state(random_state)
        draw = self._sampler(rng)
        if X is not None:
            if n_sequences is not None:
                raise ValueError(
                    f"n_sequences={n_sequences!r} and X were both given: with X, each "
                    "of its sequences is continued once."
                )
            sequences = self._read_sequences(X, groups)
            n, layout = sequences.n_sequences, sequences.layout
            build_rows = self._row_builder(
                future_exogenous, n, n_steps, "sample", layout
            )
            with np.errstate(over="ignore", invalid="ignore"):  # checked later
                end = self._final_state(sequences)
            rows = self._run_closed_loop(
                end,
                n_steps,
                lambda outputs, step: build_rows(draw(outputs), step),
            )
            return lay_out(self._decode(rows), layout)
        n = 1 if n_sequences is None else n_sequences
        check_positive(n, "n_sequences")
        build_rows = self._row_builder(future_exogenous, n, n_steps, "sample")
        first = build_rows(self._sample_first_rows(n, rng), 0)
        rows = self._run_closed_loop(
            self._initial_state(first),
            n_steps - 1,
            lambda outputs, step: build_rows(draw(outputs), step + 1),
        )
        rows = np.concatenate([first[:, None], rows], axis=1)
        layout = Layout(ROWS if n_sequences is None else PANEL, np.arange(n + 1))
        return lay_out(self._decode(rows), layout)

    def _run_closed_loop(self, state, n_steps, choose):
        """Generate rows from `state`: (n_sequences, n_steps, n_features).

        ``choose(outputs, step)`` turns predictions into rows (n_sequences, n_features).
        """
        steps = []
        with np.errstate(over="ignore", invalid="ignore"):
            for step in range(n_steps):
                if step:
                    state = self._step(state, steps[-1])
                steps.append(choose(self._next_outputs(state), step))
        if not steps:
            outputs = self._next_outputs(state)
            return np.empty((len(outputs), 0, self.n_features_in_), outputs.dtype)
        rows = np.stack(steps, axis=1)
        if rows.dtype.kind == "f" and not np.isfinite(rows).all():
            raise ValueError(
                f"The closed loop is unstable: within n_steps={n_steps} steps it "
                f"leaves the range of floating point. {self._remedy}"
            )
        return rows

    def _row_builder(self, future_exogenous, n_sequences, n_steps, method, layout=None):
        """A function that joins predicted values and driving inputs to rows of X."""
        targets = self._target_columns(self.exogenous)
        inputs, future = self._future_inputs(
            future_exogenous, n_sequences, n_steps, method, layout
        )

        def build_rows(values, step):
            rows = np.empty((n_sequences, self.n_features_in_), dtype=values.dtype)
            rows[:, targets] = values
            rows[:, inputs] = future[:, step]
            return rows

        return build_rows

    def _future_inputs(self, future_exogenous, *details):
        return future_inputs(self, future_exogenous, *details)

    def _decode(self, rows):
        """Hook: rows of the loop as rows of X."""
        return rows


class RealLoop(ClosedLoop):
    """Closed loop of regressors: samples add Gaussian noise to the outputs.

    A model has ``noise_covariance_`` and ``_first_row_distribution()``.
    """

    def _point_forecast(self, outputs):
        return outputs

    def _sampler(self, rng):
        noise = gaussian_noise(self.noise_covariance_)
        return lambda outputs: outputs + noise(rng, len(outputs))

    def _sample_first_rows(self, n, rng):
        mean, covariance = self._first_row_distribution()
        return mean + draw_gaussian(rng, covariance, n)

    def _select_targets(self, rows):
        return rows[:, :, self._target_columns(self.exogenous)]

    def _check_forecast(self, forecast):
        warn_if_far(self, forecast, "forecasts")


class SymbolLoop(ClosedLoop):
    """Closed loop of classifiers that predict the next symbol.

    A symbol's number is its code plus the number of symbols of all earlier columns. A
    model fills the hook ``_class_log_proba(outputs)``, both of shape (n, n_classes).
    """

    @property
    def _n_symbols(self):
        return sum(len(symbols) for symbols in self.symbols_)

    def _symbol_offsets(self):
        sizes = [len(symbols) for symbols in self.symbols_]
        return np.cumsum([0, *sizes[:-1]])

    def _symbol_numbers(self, codes):
        """Numbers of the symbols with these codes in the predicted column: (n, 1)."""
        return codes[:, None] + self._symbol_offsets()[self._target_column()]

    def _point_forecast(self, outputs):
        return self._symbol_numbers(self._class_log_proba(outputs).argmax(axis=1))

    def _sampler(self, rng):
        return lambda outputs: self._sample_class(self._class_log_proba(outputs), rng)

    def _sample_first_rows(self, n, rng):
        return self._sample_class(np.tile(self._first_log_proba, (n, 1)), rng)

    def _sample_class(self, log_proba, rng):
        # Gumbel-max trick: argmax(log p + Gumbel noise) is a draw from p.
        noise = rng.gumbel(size=log_proba.shape)
        return self._symbol_numbers((log_proba + noise).argmax(axis=1))

    def _decode(self, rows):
        """Symbols from their numbers: (…, n_features) object or integer array."""
        rows = rows - self._symbol_offsets()
        columns = [symbols[rows[..., i]] for i, symbols in enumerate(self.symbols_)]
        return np.stack(columns, axis=-1)

    def _select_targets(self, rows):
        return rows[..., self._target_column()]

    def _run_closed_loop(self, state, n_steps, choose):
        rows = super()._run_closed_loop(state, n_steps, choose)
        return rows if n_steps else rows.astype(np.intp)

    def _future_inputs(self, future_exogenous, *details):
        columns, values = super()._future_inputs(future_exogenous, *details)
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
