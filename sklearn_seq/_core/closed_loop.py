"""Running a model on beyond its data: steps, future inputs, layouts."""

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
    """Refuse to run on a model of other targets than the next step."""
    if estimator.target_kind_ != NEXT:
        raise ValueError(
            f"{method} feeds predictions back as inputs: it needs a "
            f"{type(estimator).__name__} fitted without y, to predict the next step."
        )


def lay_out(values, layout):
    """Equally many new rows for each sequence, in the layout of the sequences."""
    n_sequences, n_steps = values.shape[:2]
    offsets = np.arange(n_sequences + 1) * n_steps
    return layout.restore_equal(values.reshape(-1, *values.shape[2:]), offsets)


@documented
class ClosedLoop:
    """Mixin of the models that run on with their own predictions as inputs.

    A model fills the hooks ``_end(sequences)``, what it needs to know at the end of
    each sequence to go on; ``_begin(rows)``, the same after first rows of shape
    (n_sequences, n_features); ``_move(place, rows)``, the same one step later; and
    ``_outlook(place)``, the outputs there, of shape (n_sequences, n_outputs).
    """

    _remedy = "Take fewer steps."  # for a closed loop that is unstable

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
        put = self._putter(
            future_exogenous, sequences.n_sequences, n_steps, "forecast", layout
        )
        with np.errstate(over="ignore", invalid="ignore"):  # seen by what follows
            end = self._end(sequences)
        rows = self._run_on(
            end,
            n_steps,
            lambda outputs, step: put(self._expect(outputs), step),
        )
        forecast = self._predicted_part(self._show(rows))
        self._check_forecast(forecast)
        return lay_out(forecast, layout)

    def _check_forecast(self, forecast):
        """Hook: warn of what is doubtful."""

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
        draw = self._draws(rng)
        if X is not None:
            if n_sequences is not None:
                raise ValueError(
                    f"n_sequences={n_sequences!r} and X were both given: with X, each "
                    "of its sequences is continued once."
                )
            sequences = self._read_sequences(X, groups)
            n, layout = sequences.n_sequences, sequences.layout
            put = self._putter(future_exogenous, n, n_steps, "sample", layout)
            with np.errstate(over="ignore", invalid="ignore"):  # seen by what follows
                end = self._end(sequences)
            rows = self._run_on(
                end,
                n_steps,
                lambda outputs, step: put(draw(outputs), step),
            )
            return lay_out(self._show(rows), layout)
        n = 1 if n_sequences is None else n_sequences
        check_positive(n, "n_sequences")
        put = self._putter(future_exogenous, n, n_steps, "sample")
        first = put(self._draw_first(n, rng), 0)
        rows = self._run_on(
            self._begin(first),
            n_steps - 1,
            lambda outputs, step: put(draw(outputs), step + 1),
        )
        rows = np.concatenate([first[:, None], rows], axis=1)
        layout = Layout(ROWS if n_sequences is None else PANEL, np.arange(n + 1))
        return lay_out(self._show(rows), layout)

    def _run_on(self, place, n_steps, choose):
        """Rows of `n_steps` steps from `place`: (n_sequences, n_steps, n_features).

        ``choose(outputs, step)`` gives the next rows, (n_sequences, n_features).
        """
        steps = []
        with np.errstate(over="ignore", invalid="ignore"):
            for step in range(n_steps):
                if step:
                    place = self._move(place, steps[-1])
                steps.append(choose(self._outlook(place), step))
        if not steps:
            outputs = self._outlook(place)
            return np.empty((len(outputs), 0, self.n_features_in_), outputs.dtype)
        rows = np.stack(steps, axis=1)
        if rows.dtype.kind == "f" and not np.isfinite(rows).all():
            raise ValueError(
                f"The closed loop is unstable: within n_steps={n_steps} steps it "
                f"leaves the range of floating point. {self._remedy}"
            )
        return rows

    def _putter(self, future_exogenous, n_sequences, n_steps, method, layout=None):
        """A function that puts predicted values and driving inputs into rows."""
        targets = self._target_columns(self.exogenous)
        inputs, future = self._future_inputs(
            future_exogenous, n_sequences, n_steps, method, layout
        )

        def put(values, step):
            rows = np.empty((n_sequences, self.n_features_in_), dtype=values.dtype)
            rows[:, targets] = values
            rows[:, inputs] = future[:, step]
            return rows

        return put

    def _future_inputs(self, future_exogenous, *details):
        return future_inputs(self, future_exogenous, *details)

    def _show(self, rows):
        """Rows as the user knows them."""
        return rows


class RealLoop(ClosedLoop):
    """Closed loops of regressors, with Gaussian noise about the outputs.

    A model has ``noise_covariance_`` and ``_first_row_distribution()``.
    """

    def _expect(self, outputs):
        return outputs

    def _draws(self, rng):
        noise = gaussian_noise(self.noise_covariance_)
        return lambda outputs: outputs + noise(rng, len(outputs))

    def _draw_first(self, n, rng):
        mean, covariance = self._first_row_distribution()
        return mean + draw_gaussian(rng, covariance, n)

    def _predicted_part(self, rows):
        return rows[:, :, self._target_columns(self.exogenous)]

    def _check_forecast(self, forecast):
        warn_if_far(self, forecast, "forecasts")


class SymbolLoop(ClosedLoop):
    """Closed loops of classifiers; symbols are numbered on from column to column.

    A model fills the hook ``_class_log_proba(outputs)``, both of shape
    (n, n_classes).
    """

    @property
    def _n_symbols(self):
        return sum(len(symbols) for symbols in self.symbols_)

    def _symbol_offsets(self):
        sizes = [len(symbols) for symbols in self.symbols_]
        return np.cumsum([0, *sizes[:-1]])

    def _number(self, codes):
        """Numbers of predicted symbols from their codes: a column."""
        return codes[:, None] + self._symbol_offsets()[self._target_column()]

    def _expect(self, outputs):
        return self._number(self._class_log_proba(outputs).argmax(axis=1))

    def _draws(self, rng):
        return lambda outputs: self._draw_class(self._class_log_proba(outputs), rng)

    def _draw_first(self, n, rng):
        return self._draw_class(np.tile(self._first_log_proba, (n, 1)), rng)

    def _draw_class(self, log_proba, rng):
        # The largest of log p plus Gumbel noise is a draw from p.
        noise = rng.gumbel(size=log_proba.shape)
        return self._number((log_proba + noise).argmax(axis=1))

    def _show(self, rows):
        """Symbols from their numbers: (…, n_features) object or integer array."""
        rows = rows - self._symbol_offsets()
        columns = [symbols[rows[..., i]] for i, symbols in enumerate(self.symbols_)]
        return np.stack(columns, axis=-1)

    def _predicted_part(self, rows):
        return rows[..., self._target_column()]

    def _run_on(self, place, n_steps, choose):
        rows = super()._run_on(place, n_steps, choose)
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
