"""Base class of the classifiers, of class labels and of symbols."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import accuracy_score
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted

from ._core.docs import documented
from ._core.sklearn_compat import validate_data
from ._reading.labels import encode_labels, known_labels, warn_of_missing_label
from ._reading.misread import warn_of_target_in_X
from ._reading.padding import UNPAD, padded_sequences, warn_of_padding
from ._reading.symbols import (
    are_whole,
    encode,
    fill_missing,
    fit_encoder,
    holds_text,
    integers,
    is_text,
    missing_values,
    nan_for_missing,
    plain_integers,
    warn_of_single_symbols,
)
from .base import FLOATS, SequenceEstimator, check_all_finite, check_counted
from .sequences import Sequences
from .targets import NEXT, SEQUENCE, STEP, Targets, read_targets

__all__ = ["SequenceClassifier"]


@documented
class SequenceClassifier(ClassifierMixin, SequenceEstimator):
    """Base of the classifiers.

    A family fills the hook ``_log_proba(sequences)``: log probabilities of the
    classes, of shape (n_rows, n_classes), or (n_sequences, n_classes) with one label
    for each sequence. The rows of symbol sequences are their codes, -1 where one is
    missing.
    """

    _takes_strings = True
    _allow_missing_symbols = False  # whether symbols may be missing

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def _read_fit(self, X, y, groups, classes=None, first_of_many=False):
        """Packed sequences, and targets as class codes, validated for fit.

        Parameters
        ----------
        X, y, groups
            As for fit.
        classes : array-like of shape (n_classes,), default=None
            All labels; None takes those in y.
        first_of_many : bool, default=False
            Whether this is the first call of partial_fit.

        Returns
        -------
        sequences : Sequences
        targets : Targets
        """
        self._forget()
        wanted = self._wants_symbols(y)
        flat, layout = self._read_layout(X, groups, reset=True, symbols=wanted)
        flat = plain_integers(flat)
        rows = validate_data(
            self, flat, reset=True, dtype=None, ensure_all_finite=False
        )
        known, missing = rows, None
        if holds_text(rows) or (wanted and are_whole(rows)):
            known, missing = self._fill_missing(rows, layout)
        if self._are_symbols(known, y):
            self._encoder = fit_encoder(known, self.symbols)
            self.symbols_ = self._encoder.categories_
            rows = encode(self._encoder, known, missing)
            warn_of_single_symbols(rows, self._encoder, self._input_names())
        else:
            rows = known = self._as_numbers(rows, layout)
        if self._allow_nan:
            warn_of_padding(rows, layout, self)
        sequences = Sequences(rows, layout)
        if y is None:
            targets = self._next_symbols(sequences)
            self.classes_ = self.symbols_[self._target_column()]
            codes = targets.values[targets.values >= 0]
            counts = 1 + np.bincount(codes, minlength=len(self.classes_))
            self._first_log_proba = np.log(counts / counts.sum())
        else:
            self._check_no_exogenous()
            labels, kind, missing = self._read_labels(y, layout)
            if kind == STEP:
                there = ~missing[:, None]
                warn_of_target_in_X(known, labels[:, None], there, self)
            with np.errstate(invalid="ignore"):  # numbers too large for integers
                check_classification_targets(labels[~missing])
            if classes is None:
                classes = labels[~missing]
            else:
                self._check_given_classes(classes)
            self.classes_ = np.unique(classes)
            targets = self._encode(labels, kind, missing)
            self._check_labels_seen(targets)
        remedy = ""
        if first_of_many:
            remedy = " Name all that will come by " + (
                "the parameter symbols=[...] of the model."
                if y is None
                else "partial_fit(..., classes=[...]) in the first call."
            )
        self._check_classes(self.classes_, "in the data", remedy)
        return sequences, targets

    def _read_part(self, X, y, groups, classes):
        """Packed sequences and targets of one call of partial_fit."""
        if self.__sklearn_is_fitted__():
            return self._read_more(X, y, groups, classes)
        return self._read_fit(X, y, groups, classes, first_of_many=classes is None)

    def _forget(self):
        super()._forget()
        for name in ("symbols_", "_first_log_proba"):
            self.__dict__.pop(name, None)
        self._encoder = None

    def _check_given_classes(self, classes):
        _, missing = known_labels(np.asarray(classes), self.missing_label)
        if missing.any():
            raise ValueError(
                f"classes={classes!r} holds a value that means that there is no label "
                f"(missing_label={self.missing_label!r}): leave it out."
            )

    def _check_classes(self, classes, where, remedy=""):
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 classes {where}, but the data "
                f"contains only 1 class: {np.asarray(classes).tolist()}.{remedy}"
            )

    def _fill_missing(self, rows, layout, encoder=None):
        """Rows with missing symbols filled in, and where they were missing."""
        missing = missing_values(rows)
        if missing.any() and not self._allow_missing_symbols:
            row, column = np.argwhere(missing)[0]
            remedy = (
                "leave such rows out, or give them a symbol of their own. "
                "HMMClassifier and CategoricalHMM take them as they are."
            )
            if len(padded_sequences(np.where(missing, -1, 0), layout)):
                remedy = f"sequences of X end in such rows. {UNPAD}"
            raise ValueError(
                f"Input X contains NaN, None or NA: no symbol at row {row} (counted "
                f"over all sequences), feature {self._input_names()[column]!r}. "
                f"{type(self).__name__} takes no missing symbols: {remedy}"
            )
        known, missing = fill_missing(rows, self._input_names(), encoder)
        return integers(known) if self._allow_missing_symbols else known, missing

    def _wants_symbols(self, y):
        """Whether X must hold symbols: by the parameter, or because y is None."""
        return y is None or self._declares_symbols()

    def _declares_symbols(self):
        if isinstance(self.symbols, str | bool | np.bool_):
            return bool(self.symbols) and self.symbols != "auto"
        return True

    def _are_symbols(self, rows, y):
        """Whether X holds symbols: by the parameter or its dtype."""
        text = is_text(rows)
        wanted = self._declares_symbols()
        if text and y is not None and self.symbols is False:
            raise ValueError(
                "symbols=False, but X holds strings: numbers were expected. Leave "
                "symbols='auto'."
            )
        if y is None and isinstance(self.symbols, bool) and not self.symbols:
            raise ValueError(
                "symbols=False, but without a y the next symbol of X is the target. "
                "Give class labels y, or leave symbols='auto'."
            )
        if y is None and not text and rows.dtype.kind not in "iub":
            raise ValueError(
                f"Without a y the target is the next symbol of X, but X has dtype "
                f"{rows.dtype}: symbols are integers or strings. Cast X, for example "
                "with X.astype(int), or give class labels y; for the next step of a "
                "real-valued series use a regressor. (requires y to be passed, but "
                "the target y is None)"
            )
        if wanted and not text and rows.dtype.kind not in "iub":
            raise ValueError(
                f"symbols={self.symbols!r}, but X has dtype {rows.dtype}: symbols are "
                "integers or strings. Cast X, for example with X.astype(int)."
            )
        return wanted or text or y is None

    def _as_numbers(self, rows, layout):
        if rows.dtype == object:
            rows = nan_for_missing(rows)
        rows = check_array(
            rows,
            dtype=FLOATS,
            ensure_all_finite=False,
            input_name="X",
            estimator=self,
        )
        check_all_finite(rows, self, layout)
        return rows

    def _read_sequences(self, X, groups, *, reset=False):
        single = self._encoder is not None and self.n_features_in_ == 1
        flat, layout = self._read_layout(X, groups, reset=reset, symbols=single)
        if self._encoder is None:
            rows = self._read_rows(flat, reset=reset)
            check_all_finite(rows, self, layout)
            return Sequences(rows, layout)
        flat = plain_integers(flat)
        rows = validate_data(
            self, flat, reset=reset, dtype=None, ensure_all_finite=False
        )
        codes = encode(self._encoder, *self._fill_missing(rows, layout, self._encoder))
        return Sequences(codes, layout)

    def _target_column(self):
        columns = self._target_columns(self.exogenous)
        if len(columns) != 1:
            raise ValueError(
                f"Without a y the target is the next symbol, of one column of X, but X "
                f"has {len(columns)} predicted columns. Name the others in exogenous, "
                "or give class labels y."
            )
        return int(columns[0])

    def _next_symbols(self, sequences):
        column = self._target_column()
        codes = sequences.rows[:, [column]]
        known = codes >= 0
        return Targets(NEXT, codes, None if known.all() else known, True)

    def _read_labels(self, y, layout, kind=None):
        """Labels of rows or sequences, their kind, and which are missing."""
        targets = read_targets(y, layout, kind, numeric=False)
        if targets.n_targets != 1:
            raise ValueError(
                f"y should be a 1d array, one label for each {targets.kind}; got "
                f"{targets.n_targets} columns instead."
            )
        if not targets.one_dimensional:
            warnings.warn(
                "A column-vector y was passed when a 1d array was expected. Please "
                "change the shape of y, for example using ravel().",
                DataConversionWarning,
                stacklevel=4,
            )
        labels, missing = known_labels(targets.values[:, 0], self.missing_label)
        if missing.all():
            raise ValueError(
                "y holds no label: NaN, None, pandas.NA, masked entries and "
                f"missing_label={self.missing_label!r} mean that there is none. At "
                f"least one {targets.kind} must have one."
            )
        if kind is None:  # in fit
            values = targets.values[:, 0]
            warn_of_missing_label(values, labels[~missing], self.missing_label)
        return labels, targets.kind, missing

    def _score_targets(self, y, sequences):
        """Targets as class codes; a label unseen in fit has code ``len(classes_)``."""
        self._check_target_kind(y)
        if y is None:
            return self._next_symbols(sequences)
        expected = SEQUENCE if self.target_kind_ == SEQUENCE else STEP
        labels, kind, missing = self._read_labels(y, sequences.layout, expected)
        if kind != expected:
            raise ValueError(
                f"y has one label for each {kind}, but this {type(self).__name__} was "
                f"fitted with one for each {expected}."
            )
        targets = self._encode(labels, kind, missing)
        targets.horizon = int(self.target_kind_ == NEXT)
        return targets

    def _encode(self, labels, kind, missing):
        codes = encode_labels(labels, missing, self.classes_)
        known = ~missing[:, None] if missing.any() else None
        return Targets(kind, codes[:, None], known, one_dimensional=True)

    def predict(self, X, groups=None) -> np.ndarray:
        """Predict the most probable class for each row from the rows up to it.

        Parameters
        ----------
        %(X)s

        %(groups)s

        Returns
        -------
        y_pred : ndarray
            Labels, in the layout of X without its last axis: entry t is the label of
            row t, or without y the symbol expected at row t + 1. For one label per
            sequence, of shape (n_sequences,).
        """
        check_is_fitted(self)
        return self._predict(self._read_sequences(X, groups))

    def _predict(self, sequences):
        self._check_samples(sequences)
        return self._restore(self.classes_[self._predicted(sequences)], sequences)

    def _predicted(self, sequences):
        """Predicted class code of each row, or of each sequence."""
        return self._log_proba(sequences).argmax(axis=1)

    def predict_proba(self, X, groups=None) -> np.ndarray:
        """Probability of each class for each row, from the rows up to it.

        Parameters
        ----------
        %(X)s

        %(groups)s

        Returns
        -------
        proba : ndarray
            In the layout of X, the last axis over the classes in the order of
            `classes_`. For one label per sequence, (n_sequences, n_classes).
        """
        check_is_fitted(self)
        return self._predict_proba(self._read_sequences(X, groups))

    def _predict_proba(self, sequences):
        self._check_samples(sequences)
        log_proba = self._log_proba(sequences)
        proba = np.exp(log_proba, out=log_proba)
        proba /= proba.sum(axis=1, keepdims=True)
        return self._restore(proba, sequences)

    def predict_log_proba(self, X, groups=None) -> np.ndarray:
        """Logarithm of `predict_proba`, in nats.

        Parameters
        ----------
        %(X)s

        %(groups)s

        Returns
        -------
        log_proba : ndarray
            In the shape of `predict_proba`.
        """
        check_is_fitted(self)
        return self._predict_log_proba(self._read_sequences(X, groups))

    def _predict_log_proba(self, sequences):
        self._check_samples(sequences)
        return self._restore(self._log_proba(sequences), sequences)

    def _check_samples(self, sequences):
        if self.target_kind_ == SEQUENCE:
            self._check_panel(sequences)

    def score(self, X, y=None, sample_weight=None, groups=None) -> float:
        """Accuracy of the predictions.

        Parameters
        ----------
        %(X)s

        y : array-like, default=None
            The labels; None for next-symbol prediction, where they are X itself.
            NaN, None, pandas.NA, masked entries and `missing_label` mean "no label
            here". A model fitted without y also takes X advanced by one step: its
            entry t is held against the forecast made at row t.

        %(sample_weight)s

        %(groups)s

        Returns
        -------
        score : float
            Share of rows (or sequences) whose label is predicted, over those with a
            known label that are not among the first `burn_in` of their sequence.
        """
        check_is_fitted(self)
        return self._score(self._read_sequences(X, groups), y, sample_weight)

    def _score(self, sequences, y, sample_weight):
        targets = self._score_targets(y, sequences)
        self._check_samples(sequences)
        weights = self._step_weights(sample_weight, sequences, targets.kind)
        index = self._counted(targets, sequences)
        check_counted(index, self, "score")
        predicted = self._predicted(sequences)
        weights = None if weights is None else weights[index]
        true = targets.values[index, 0]
        return float(
            accuracy_score(
                true, predicted[index - targets.advance], sample_weight=weights
            )
        )

    def score_samples(self, X, y=None, groups=None) -> np.ndarray:
        """Log probability of each row's label given the rows up to it.

        Parameters
        ----------
        %(X)s

        y : array-like, default=None
            The labels of a model that was fitted with y.

        %(groups)s

        Returns
        -------
        log_proba : ndarray
            In nats, one entry for each row (or for each sequence), in the layout of X.
            Fitted without y, entry t is the log probability of symbol t given the
            earlier ones of its sequence; for the first symbol, under the model's
            distribution of first symbols (Laplace-smoothed training frequencies in
            models over delay taps). Fitted with y, entry t is the log probability of
            ``y[t]`` given the rows of X up to t, and 0 where there is no label.
        """
        check_is_fitted(self)
        return self._score_samples(self._read_sequences(X, groups), y)

    def _score_samples(self, sequences, y):
        targets = self._score_targets(y, sequences)
        self._check_samples(sequences)
        return self._restore(self._log_density(sequences, targets), sequences)

    def _check_labels_seen(self, targets):
        unseen = targets.values[:, 0] >= len(self.classes_)
        if unseen.any():
            raise ValueError(
                "y contains previously unseen labels, the first at row "
                f"{int(np.flatnonzero(unseen)[0])}. Expected among "
                f"{self.classes_[:20].tolist()}."
            )

    def _log_density(self, sequences, targets):
        """Log probabilities of all targets, in nats: (len(targets.values),)."""
        codes = targets.values[:, 0]
        self._check_labels_seen(targets)
        log_proba = self._log_proba(sequences)
        rows = np.arange(len(codes))
        if not targets.advance:
            known = True if targets.known is None else targets.known[:, 0]
            return np.where(known, log_proba[rows, codes], 0.0)
        values = np.empty(len(codes), dtype=log_proba.dtype)
        values[1:] = log_proba[rows[:-1], codes[1:]]
        first = sequences.offsets[:-1]
        values[first] = self._first_log_proba[codes[first]]
        values[codes < 0] = 0.0
        return values
