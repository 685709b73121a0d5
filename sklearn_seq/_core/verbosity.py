"""A line for each iteration of a fit: what `verbose` prints."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause


def em_report(estimator, name=None, quantity="log-likelihood"):
    """The printer of EM iterations; None if not verbose.

    Parameters
    ----------
    estimator : estimator
    name : str, default=None
        Name of the model; None for that of the estimator.
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
    """Prints a line for each iteration of a fit.

    Parameters
    ----------
    name : str
        Name of the model.

    quantity : str
        Name of the quantity that is printed.

    unit : str, default=""
        Its unit.
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
            The quantity after the iteration.

        change : float, default=None
            Change of the quantity since the iteration before.

        validation_score : float, default=None
            Score on held-out data, with early stopping.

        run, n_runs : int, default=1
            Number of the run, and how many runs from different starts there are.
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
