"""The linear recursion of several makers."""

import numpy as np


def autoregress(first, inputs, coef):
    """Continue `first` by x[t] = coef[0] x[t-1] + coef[1] x[t-2] + ... + inputs[t].

    `first` has shape (n_sequences, n_lags), `inputs` (n_sequences, n_steps), `coef`
    (n_lags,); the result, which starts with `first`, (n_sequences, n_lags + n_steps).
    """
    # imported here because it takes longer than all the rest of the package
    from scipy.signal import lfilter

    one_minus_coef = np.concatenate(([1.0], -coef))
    # the inputs that would have led to `first` from zeros
    first = lfilter(one_minus_coef, [1.0], first)
    return lfilter([1.0], one_minus_coef, np.concatenate([first, inputs], axis=1))
