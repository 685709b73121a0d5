"""What the tests of all families of emissions share."""

import numpy as np

from sklearn_seq.hmm.inference import smooth

TYPES = ["full", "tied", "diag", "spherical"]


def with_holes(rows, rng, share=0.2, whole_rows=3):
    rows = rows.astype(np.float64)
    rows[rng.uniform(size=rows.shape) < share] = np.nan
    rows[:whole_rows] = np.nan
    return rows


def chain(K):
    return np.full(K, 1 / K), np.full((K, K), 0.3 / K) + 0.7 * np.eye(K)


def em_step(emissions, parameters, rows, fixed=frozenset()):
    """Log posterior before a step of EM, and parameters after it."""
    log_densities, statistics = emissions.evaluate(parameters, rows)
    assert not np.isnan(log_densities).any()
    startprob, transmat = chain(log_densities.shape[1])
    smoothed = smooth(
        startprob, transmat, log_densities, [0, len(rows) // 2, len(rows)]
    )
    bound = smoothed.log_likelihood.sum() + emissions.log_prior(parameters)
    return bound, emissions.maximise(statistics(smoothed.proba), parameters, fixed)


def assert_em_rises(emissions, parameters, rows, n_steps=12, fixed=frozenset()):
    bounds = []
    for _ in range(n_steps):
        bound, parameters = em_step(emissions, parameters, rows, fixed)
        bounds.append(bound)
    assert np.isfinite(bounds).all()
    rises = np.diff(bounds)
    assert rises.min() >= -1e-9 * np.abs(bounds).max()
    assert rises.max() > 0
    return parameters


def fit_with_hmmlearn(model, rows, **attributes):
    """A step of hmmlearn from the given parameters, two sequences of equal length."""
    K = model.n_components
    model.startprob_, model.transmat_ = chain(K)
    for name, value in attributes.items():
        setattr(model, name, value)
    return model.fit(rows, [len(rows) // 2, len(rows) - len(rows) // 2])


def assert_adds_up(emissions, parameters, rows, proba):
    """Statistics of all rows are those of the first plus those of the others."""

    def of(piece):
        return emissions.evaluate(parameters, rows[piece])[1](proba[piece])

    whole, cut = of(slice(None)), len(rows) // 3
    parts = zip(of(slice(cut)), of(slice(cut, None)), strict=True)
    for total, (first, second) in zip(whole, parts, strict=True):
        np.testing.assert_allclose(first + second, total, rtol=1e-9, atol=1e-9)
