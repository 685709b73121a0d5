"""Tell scikit-learn's callbacks about the iterations of a fit."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ..targets import NEXT


class FitProgress:
    """One task for a fit and one for each of its iterations.

    Make it once, at the beginning of fit. If the target is the next step, callbacks
    that ask for y get X advanced by one step.

    Parameters
    ----------
    estimator : estimator with callback support
    max_iter : int
        Maximum number of iterations.
    X, y, groups
        As given to fit.
    sequences : Sequences
    targets : Targets
    """

    def __init__(self, estimator, max_iter, X, y, groups, sequences, targets):
        self.estimator = estimator
        self.context = estimator._init_callback_context(max_subtasks=max_iter)
        self.data = {
            "X": X,
            "y": y
            if y is not None
            else lambda: advanced(estimator, sequences, targets),
            "metadata": None if groups is None else {"groups": groups},
        }
        self.context.call_on_fit_task_begin(estimator=estimator, **self.data)

    @property
    def watched(self):
        """Whether the estimator has a callback."""
        return bool(getattr(self.estimator, "_skl_callbacks", ()))

    def iteration(self, fitted):
        """End an iteration.

        Parameters
        ----------
        fitted : callable returning a dict
            Returns the current fitted attributes.

        Returns
        -------
        stop : bool
            Whether a callback wants the fit to stop.
        """
        if not self.watched:
            return False
        context = self.context.subcontext(task_name="iteration")
        context.call_on_fit_task_begin(estimator=self.estimator, **self.data)
        return context.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=fitted, **self.data
        )

    def end(self, fitted):
        """End the fit; `fitted` as in `iteration`."""
        self.context.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=fitted, **self.data
        )


def advanced(estimator, sequences, targets):
    """X advanced by one step, as y; NaN (None for symbols) at last rows."""
    if targets.kind != NEXT:
        return None
    last = sequences.offsets[1:] - 1
    values = np.roll(targets.values, -1, axis=0)
    if hasattr(estimator, "classes_"):
        labels = estimator.classes_[values[:, 0]].astype(object)
        labels[last] = None
        return sequences.layout.restore(labels)
    values = values.astype(np.float64)
    values[last] = np.nan
    return sequences.layout.restore(values)
