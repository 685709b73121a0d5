"""The hidden Markov models by the name of their emissions."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from ._categorical import CategoricalHMM
from ._gaussian import GaussianHMM
from ._gmm import GMMHMM
from ._poisson import PoissonHMM

FAMILIES = {
    "gaussian": GaussianHMM,
    "gmm": GMMHMM,
    "categorical": CategoricalHMM,
    "poisson": PoissonHMM,
}


def make_hmm(emission, estimator, **changes):
    """An unfitted hidden Markov model with an estimator's settings.

    Parameters
    ----------
    emission : {"gaussian", "gmm", "categorical", "poisson"}
    estimator : estimator
        Its parameters are used where the model has them.
    **changes
        Other parameters of the model, if it has them.

    Returns
    -------
    model : BaseHMM
    """
    model = FAMILIES[emission]()
    names = model.get_params().keys()
    settings = estimator.get_params(deep=False) | changes
    if emission == "categorical" and isinstance(settings["init"], str):
        settings.pop("init")  # codes of symbols have no order
    return model.set_params(**{k: v for k, v in settings.items() if k in names})
