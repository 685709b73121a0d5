"""A line for each iteration of a fit: what `verbose` prints."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause


def em_report(estimator, name=None, quantity="log-likelihood"):
    """What tells of the iterations of expectation maximisation; None if not verbose.

    Parameters
    ----------
    estimator : estimator
    name : str, default=None
        What is fitted; None for the estimator itself.
    quantity : str, default="log-likelihood"

    Returns
    -------
    report : IterationReport or None
    """
    if not estimator.verbose:
        return None
    name = name or type(estimator).__name__
    return IterationReport(name, f"{quantity} per time step", "nats")


class IterationReport:
    """Prints how a fit goes on.

    Parameters
    ----------
    name : str
        What is fitted.

    quantity : str
        What each iteration gives.

    unit : str, default=""
        The unit of it.
    """

    def __init__(self, name, quantity, unit=""):
        self.name = name
        self.quantity = quantity
        self.unit = unit

    def __call__(
        self, n_iter, value, *, change=None, validation_score=None, run=1, n_runs=1
    ):
        """Print a line.

        Parameters
        ----------
        n_iter : int
            Number of the iteration, from 1.

        value : float
            The quantity after it.

        change : float, default=None
            By how much it has changed, if there is an earlier value.

        validation_score : float, default=None
            With early stopping.

        run, n_runs : int, default=1
            Which of how many runs from different starts.
        """
        unit = f" {self.unit}" if self.unit else ""
        line = f"[{self.name}] "
        if n_runs > 1:
            line += f"run {run} of {n_runs}, "
        line += f"iteration {n_iter}: {self.quantity} {value:.6g}{unit}"
        if change is not None:
            line += f", change {change:+.2e}"
        if validation_score is not None:
            line += f", validation score {validation_score:.6g}"
        print(line, flush=True)
