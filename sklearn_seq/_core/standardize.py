"""Standardization of inputs and targets, inside the nets."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np

from ..base import check_range
from ..targets import NEXT, SEQUENCE, as_precise_as, indices_of
from .gaussian import gaussian_log_density
from .user_warning import warn_user

CONSTANT = 1e-15  # relative deviation of a column below which it is constant
EXPONENT = 1000  # largest exponent of a unit: its inverse is finite
# Warn of later data whose mean is FAR standard deviations away, or whose standard
# deviation differs by a factor of SPREAD.
FAR, SPREAD = 100, 1000
BLOCK_VALUES = 1 << 18  # values of a block when summing moments


class Unchanged:
    """No standardization: a `Standardizer` that changes nothing."""

    def transform(self, values, dtype):
        return values.astype(dtype, copy=False)

    def inverse(self, values):
        return values

    def columns(self, index):
        return self

    def unfold(self, coef, intercept):
        return coef, intercept

    @property
    def deviation(self):
        return 1.0


UNCHANGED = Unchanged()


class Standardizer(NamedTuple):
    """Standardization of columns: (values * unit - mean) / scale.

    Attributes
    ----------
    unit : ndarray of shape (n_columns,)
        Powers of two that bring values to at most 1, so that no difference or square
        overflows or underflows; multiplying by them is exact.

    mean, scale : ndarray of shape (n_columns,)
        Means and standard deviations of ``values * unit``; for constant columns the
        scale is `unit`.
    """

    unit: np.ndarray
    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, values):
        """From the moments of the values that are not NaN, in float64.

        Parameters
        ----------
        values : ndarray of shape (n, n_columns)
        """
        n_columns = values.shape[1]
        known = ~np.isnan(values)
        if not known.any():
            return cls(np.ones(n_columns), np.zeros(n_columns), np.ones(n_columns))
        counts = np.maximum(known.sum(axis=0), 1)
        first = values[known.argmax(axis=0), np.arange(n_columns)].astype(np.float64)
        first = np.where(np.isnan(first), 0.0, first)
        largest = np.nanmax(np.abs(values), axis=0, initial=0.0).astype(np.float64)
        exponent = np.clip(np.frexp(largest)[1], -EXPONENT, EXPONENT)
        unit = np.ldexp(1.0, -exponent)
        first *= unit

        def deviations(start, centre):
            block = values[start : start + size].astype(np.float64) * unit - first
            return np.where(known[start : start + size], block - centre, 0.0)

        size = max(1, BLOCK_VALUES // n_columns)
        starts = range(0, len(values), size)
        sums = [deviations(start, 0.0).sum(axis=0) for start in starts]
        shift = np.sum(sums, axis=0) / counts
        squares, farthest = np.zeros((2, n_columns))
        for start in starts:
            deviation = deviations(start, shift)
            squares += np.square(deviation).sum(axis=0)
            farthest = np.maximum(farthest, np.abs(deviation).max(axis=0))
        varies = farthest > CONSTANT * largest * unit
        # Constant columns are only centred.
        scale = np.where(varies, np.sqrt(squares / counts), unit)
        return cls(unit, first + shift, scale)

    def transform(self, values, dtype):
        """Standardized values, a new array of type `dtype`."""
        out = np.empty(values.shape, dtype)
        precise = {"out": out, "dtype": np.float64, "casting": "same_kind"}
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            np.multiply(values, self.unit, **precise)
            np.subtract(out, self.mean, **precise)
            np.divide(out, self.scale, **precise)
        return out

    def inverse(self, values):
        """Values in the original units, in float64."""
        with np.errstate(over="ignore", invalid="ignore"):
            out = values * self.scale
            out += self.mean
            out /= self.unit
        return out

    def columns(self, index):
        """The standardizer of some of the columns."""
        return Standardizer(*(array[index] for array in self))

    def without_centre(self):
        """A standardizer that does not centre, and scales by root mean squares."""
        centre = np.zeros_like(self.mean)
        return self._replace(mean=centre, scale=np.hypot(self.mean, self.scale))

    def unfold(self, coef, intercept):
        """Turn coefficients for standardized values into those for original values.

        Rounding is no larger than that of the values themselves.

        Parameters
        ----------
        coef : ndarray of shape (n_outputs, n_columns)
        intercept : ndarray of shape (n_outputs,)
        """
        with np.errstate(over="ignore", invalid="ignore"):
            slope = coef / self.scale
            intercept = intercept - slope @ self.mean
            coef = slope * self.unit
        if not np.isfinite(coef).all():
            raise ValueError(
                f"The coefficients of columns of X with standard deviations of "
                f"{np.min(self.deviation):.2g} are beyond floating point. Scale X, for "
                "example with sklearn.preprocessing.StandardScaler."
            )
        return coef, intercept

    @property
    def deviation(self):
        """Standard deviations in the original units; 1 for constant columns."""
        return self.scale / self.unit


def rows_learned_from(sequences, targets, index):
    """Rows of X up to the last of some targets in each segment (or sequence).

    Parameters
    ----------
    sequences : Sequences
    targets : Targets
    index : ndarray of int
        Sorted indices of the targets that are learned from.
    """
    if targets.kind == SEQUENCE:
        offsets = sequences.sequence_offsets
        starts, stops = offsets[index], offsets[index + 1]
    else:
        segments = np.searchsorted(sequences.offsets, index, "right") - 1
        last = np.flatnonzero(np.diff(segments, append=-1))
        starts, stops = sequences.offsets[segments[last]], index[last] + 1
    if (stops - starts).sum() == sequences.n_rows:
        return sequences.rows
    return sequences.rows[indices_of(starts, stops)]


def warn_of_other_units(units, values, names, estimator):
    """Warn of columns far from the moments of earlier data.

    Parameters
    ----------
    units : Standardizer
        Moments of the earlier data.
    values : ndarray of shape (n, n_columns)
        Later data.
    names : list of str
        Names of the columns.
    estimator : estimator
    """
    later = Standardizer.of(values)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        means = later.mean / later.unit
        distance = np.abs(means * units.unit - units.mean) / units.scale
        ratio = later.deviation / units.deviation
    # Ratios of constant columns mean nothing.
    constant, was_constant = (of.scale == of.unit for of in (later, units))
    spread = ~constant & ((ratio > SPREAD) | (ratio < 1 / SPREAD) & ~was_constant)
    known = ~np.isnan(values).all(axis=0)
    far = known & ((distance > FAR) | spread)
    if not far.any():
        return
    i = int(np.flatnonzero(far)[0])
    warn_user(
        f"{names[i]} has mean {means[i]:.3g} and standard deviation "
        f"{0.0 if constant[i] else later.deviation[i]:.3g} in these data, but "
        f"{type(estimator).__name__} keeps the units of its first data, of mean "
        f"{units.mean[i] / units.unit[i]:.3g} and standard deviation "
        f"{0.0 if was_constant[i] else units.deviation[i]:.3g}: it may learn nothing. "
        "Begin with data that are typical of those to come, for example by fit on a "
        "sample of all, or bring all data to common units before."
    )


class StandardizedInputs:
    """Mixin of the nets: columns of X are standardized, symbols are not.

    A net has the property ``_net_dtype``, the dtype of its parameters.
    """

    _parameter_constraints = {"standardize": ["boolean"]}

    def _encodes_symbols(self):
        return getattr(self, "_encoder", None) is not None

    def _learn_units(self, rows, values, kind):
        """Fit the standardizers on the first data of a model.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)
            Rows of X that are learned from.
        values : ndarray of shape (n, n_targets)
            Targets that are learned from, or class codes.
        kind : {"next", "step", "sequence"}
            Their kind.
        """
        self._input_units = self._target_units = UNCHANGED
        if self.standardize and not self._encodes_symbols():
            self._input_units = Standardizer.of(rows)

    def _check_units(self, rows, values, kind):
        """Warn if the data of a further partial_fit are far from the first ones."""
        if isinstance(self._input_units, Standardizer):
            names = [f"column {name!r} of X" for name in self._input_names()]
            warn_of_other_units(self._input_units, rows, names, self)
        if isinstance(self._target_units, Standardizer) and kind != NEXT:
            names = [f"target {i} of y" for i in range(values.shape[1])]
            warn_of_other_units(self._target_units, values, names, self)

    def _to_net(self, rows):
        """Rows of X as inputs of the net."""
        if self._encodes_symbols():
            return rows
        return self._input_units.transform(rows, self._net_dtype)

    def _learned_values(self, values):
        """Targets as the net is trained on."""
        return values


class StandardizedTargets(StandardizedInputs):
    """Mixin of the nets that are regressors: targets are standardized, too.

    Outputs in original units are float64 until they are returned.
    """

    def _learn_units(self, rows, values, kind):
        super()._learn_units(rows, values, kind)
        if not self.standardize:
            return
        if kind == NEXT:
            columns = self._target_columns(self.exogenous)
            self._target_units = self._input_units.columns(columns)
        else:
            self._target_units = Standardizer.of(values)

    def _learned_values(self, values):
        as_precise_as(values, self._net_dtype)  # refuse what outputs cannot hold
        return self._target_units.transform(values, self._net_dtype)

    def _from_net(self, outputs):
        """Outputs of the net in original units."""
        return self._target_units.inverse(outputs)

    def _fed_back(self, outputs):
        """Outputs of the net in original units, in the dtype of X."""
        return self._from_net(outputs).astype(self._net_dtype, copy=False)

    def _shape_outputs(self, outputs, sequences):
        with np.errstate(over="ignore"):
            outputs = outputs.astype(self._net_dtype, copy=False)
        check_range(outputs, self)
        return super()._shape_outputs(outputs, sequences)

    def _density(self, residuals, covariance, known=None):
        """Log density, computed on standardized residuals, for which floors are set."""
        deviation = np.ones(residuals.shape[1]) * self._target_units.deviation
        log_density = gaussian_log_density(
            residuals / deviation,
            covariance / deviation / deviation[:, np.newaxis],
            known,
        )
        there = np.ones(residuals.shape) if known is None else known
        return log_density - there @ np.log(deviation)
