"""
=================================================
Hidden Markov models: all paths without a search
=================================================

The state of a hidden Markov model is one of N. From step to step it jumps by chance,
and each state has its own distribution of what is seen. Which states made the data
cannot be known, and the number of paths that could have made them grows exponentially
with time. Dynamic programming makes exact answers cheap all the same: what a path did
before time t matters to the rest only through the state in which it is at t.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import product

import matplotlib.pyplot as plt
import numpy as np

from sklearn_seq.hmm import GaussianHMM
from sklearn_seq.inspection import SegmentationDisplay, TransitionMatrixDisplay

# %%
# Every path, one by one
# ----------------------
#
# Three states, eight rows: 3⁸ = 6561 paths. Each has a prior probability, and each
# gives the rows a density. Their products, summed over all paths, are the likelihood;
# summed over the paths that end in a state, and divided by the likelihood, they are the
# probability of that state; and the path with the largest product is the best one.

startprob = np.array([0.4, 0.4, 0.2])
transmat = np.array([[0.96, 0.03, 0.01], [0.04, 0.95, 0.01], [0.01, 0.05, 0.94]])
levels, spreads = np.array([-1.0, 0.5, 2.0]), np.array([0.9, 0.7, 1.0])
model = GaussianHMM.from_parameters(
    startprob=startprob,
    transmat=transmat,
    means=levels[:, None],
    covariances=spreads**2,
    covariance_type="spherical",
)
X, states = model.sample(400, random_state=3)

T = 8
density = np.exp(-(((X[:T] - levels) / spreads) ** 2) / 2)
density /= np.sqrt(2 * np.pi) * spreads  # (T, 3)
paths = np.array(list(product(range(3), repeat=T)))
weights = startprob[paths[:, 0]] * density[0, paths[:, 0]]
for t in range(1, T):
    weights *= transmat[paths[:, t - 1], paths[:, t]] * density[t, paths[:, t]]

by_enumeration = np.bincount(paths[:, -1], weights) / weights.sum()
print("log-likelihood, all paths:", np.log(weights.sum()).round(6))
print("log-likelihood, forward:  ", model.score_samples(X[:T]).sum().round(6))
print("last state, all paths:    ", by_enumeration.round(6))
print("last state, forward:      ", model.transform(X[:T])[-1].round(6))
assert np.isclose(np.log(weights.sum()), model.score_samples(X[:T]).sum())
assert np.allclose(by_enumeration, model.transform(X[:T])[-1])
assert np.array_equal(paths[weights.argmax()], model.predict(X[:T]))

# %%
# The forward recursion has them all from N numbers for each row. It multiplies these by
# the N × N transition matrix and by the densities of the next row, and goes on. The
# work is about N² products for each step, and the enumeration would take N times as
# long for each row more. For 400 rows there are about 10¹⁹⁰ paths.

lengths = np.arange(1, 401)
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
axes.semilogy(lengths, 3.0**lengths, label="all paths: $3^T$")
axes.semilogy(lengths, 9.0 * lengths, label="forward recursion: $3^2\\,T$")
axes.set(
    title="Sums of products for the likelihood of T rows",
    xlabel="number of rows T",
    ylabel="products",
    ylim=(1, 1e200),
)
axes.legend()
likelihood = model.score_samples(X).sum()
assert np.isfinite(likelihood)

# %%
# The best path
# -------------
#
# With a maximum in place of the sum the same recursion finds the single most probable
# path: Viterbi's algorithm. The levels of neighbouring states overlap so much that a
# row by itself often points to the wrong one. The path does not follow such a row, for
# two improbable jumps would be a higher price than one improbable value.

by_row = np.argmax(-(((X - levels) / spreads) ** 2) / 2 - np.log(spreads), axis=1)
guesses = {
    "each row by itself": by_row,
    "best path (Viterbi)": model.predict(X),
    "truth": states,
}
figure, panels = plt.subplots(3, 1, figsize=(9, 5.5), sharex=True, layout="constrained")
for axes, (name, path) in zip(panels, guesses.items(), strict=True):
    right = f": {np.mean(path == states):.0%} of states right"
    SegmentationDisplay.from_predictions(
        X, path, ax=axes, line_kwargs={"color": "black", "lw": 0.7}
    )
    axes.set(title=name + right * (path is not states), xlabel="", ylabel="signal")
    axes.legend(title="state", loc="center left", bbox_to_anchor=(1, 0.5))
panels[-1].set_xlabel("time step")
accuracy = {name: np.mean(path == states) for name, path in guesses.items()}
assert accuracy["best path (Viterbi)"] > accuracy["each row by itself"] + 0.1

# %%
# What is known fades
# -------------------
#
# After the last row nothing more is seen, and each step ahead multiplies the
# probabilities by the transition matrix once more. Whatever the rows have told, it is
# forgotten in time: from any end of the data, the forecast of the states tends to the
# same shares of time that the chain spends in each state in the long run.

ends = [np.flatnonzero(states == state)[-1] + 1 for state in range(3)]
horizon = 150
figure, (left, *panels) = plt.subplots(1, 4, figsize=(13, 3.3), layout="constrained")
TransitionMatrixDisplay.from_estimator(model, ax=left, colorbar=False)
left.set_title("Transition matrix")
for state, (axes, end) in enumerate(zip(panels, ends, strict=True)):
    forecast = model.forecast_proba(X[:end], n_steps=horizon)
    for i in range(3):
        axes.plot(np.arange(1, horizon + 1), forecast[:, i], label=f"state {i}")
        axes.axhline(
            model.stationary_distribution_[i], color=f"C{i}", ls=":", lw=1, zorder=0
        )
    axes.set(title=f"Data that end in state {state}", xlabel="steps ahead", ylim=(0, 1))
    assert np.allclose(forecast[-1], model.stationary_distribution_, atol=0.02)
panels[0].set_ylabel("probability of the state")
panels[0].legend(fontsize=8)

# %%
# The dotted lines are the stationary distribution. How such models are learnt, with
# what emissions, and how they label and forecast is in :doc:`/hidden_markov_models`.
# The next chapter asks how much a state that is one of N can remember.
