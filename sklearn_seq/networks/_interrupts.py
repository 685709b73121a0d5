"""Training that a user may interrupt without losing its progress."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

from ._training import TrainingResult


def train_until_interrupt(train, parameters, on_iteration_end):
    """Train; an interrupt ends it with a warning, and progress is kept.

    As in scikit-learn's multilayer perceptron. An interrupt before the end of the first
    epoch, or iteration, is raised, and the parameters do not change.

    Parameters
    ----------
    train : callable
        ``train(on_iteration_end)`` returns a `TrainingResult`.

    parameters : ParameterVector
        Trained in place. After an interrupt it holds the result of the last complete
        epoch or iteration.

    on_iteration_end : callable
        ``on_iteration_end(n_iter, loss, validation_score)``, the score maybe None, is
        called after each; training stops if it returns True.

    Returns
    -------
    result : TrainingResult
        After an interrupt without validation scores.

    Warns
    -----
    UserWarning
        If training was interrupted.
    """
    last, loss_curve = parameters.flat.copy(), []

    def end_iteration(n_iter, loss, validation_score=None):
        last[:] = parameters.flat
        loss_curve.append(loss)
        return on_iteration_end(n_iter, loss, validation_score)

    try:
        return train(end_iteration)
    except KeyboardInterrupt:
        parameters.flat[:] = last
        if not loss_curve:
            raise
        warnings.warn(
            f"Training interrupted by user after {len(loss_curve)} iteration(s): what "
            "they have learnt is kept.",
            UserWarning,
            stacklevel=4,
        )
        return TrainingResult(len(loss_curve), False, loss_curve, [])
