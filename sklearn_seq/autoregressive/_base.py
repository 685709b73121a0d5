"""Base of all models over delay taps: taps, outputs, closed loops."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import log_softmax

from .._core.closed_loop import RealLoop, SymbolLoop
from .._core.gaussian import continued
from ..base import SequenceRegressor
from ..classification import SequenceClassifier
from ..sequences import last_rows
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
        if self.target_kind_ == SEQUENCE:
            index, starts = pooled_rows(sequences.sequence_offsets, self.burn_in)
        pieces = [self._map_taps(chunk) for _, chunk in taps.chunks(index)]
        outputs = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
        return outputs if starts is None else mean_over_sequences(outputs, starts)

    def _final_state(self, sequences):
        """Taps of each sequence's last row: (n_sequences, n_lags, n_features)."""
        taps = self._taps(sequences).take(last_rows(sequences))
        return taps.reshape(len(taps), self.n_lags, -1)

    def _initial_state(self, rows):
        """Taps of first rows: (n_sequences, n_lags, n_features)."""
        return np.repeat(rows[:, None], self.n_lags, axis=1)

    def _step(self, taps, rows):
        return np.concatenate([rows[:, None], taps[:, :-1]], axis=1, dtype=taps.dtype)

    def _next_outputs(self, taps):
        return self._map_taps(taps.reshape(len(taps), -1))


class TapRegressor(TapModel, RealLoop, SequenceRegressor):
    """Base of the regressors over delay taps, with Gaussian noise about the output."""

    def _outputs(self, sequences):
        return self._map_sequences(sequences)

    def _output_covariance(self, sequences):
        return self.noise_covariance_

    def _first_row_distribution(self):
        return self._first_row.mean, self._first_row.covariance

    def _remember_first_row(self, targets, more=False):
        """Set the Gaussian distribution of first rows, from all training rows."""
        if targets.kind != NEXT:
            return
        first_row = continued(self._first_row if more else None, targets.n_targets)
        self._first_row = first_row.update(targets.values)


class TapClassifier(TapModel, SymbolLoop, SequenceClassifier):
    """Base of the classifiers over delay taps.

    Rows of symbol sequences hold symbol numbers, see `SymbolLoop`; one more number is
    the padding before a sequence.
    """

    def _taps(self, sequences):
        if self._encoder is None:
            return super()._taps(sequences)
        rows = sequences.rows + self._symbol_offsets()
        return Taps(rows, sequences.offsets, self.n_lags, pad=self._n_symbols)

    def _initial_state(self, rows):
        taps = np.full((len(rows), self.n_lags, rows.shape[1]), self._n_symbols)
        taps[:, 0] = rows
        return taps

    def _log_proba(self, sequences):
        return self._class_log_proba(self._map_sequences(sequences))

    def _class_log_proba(self, outputs):
        return log_softmax(outputs, axis=1)
