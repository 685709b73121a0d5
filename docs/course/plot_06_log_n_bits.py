"""
====================================
Why N states hold log N bits
====================================

The first half of a sentence decides much about the second: number and tense, who is
meant, how fast and how loud it is said. In a model with a hidden state, all of this has
to pass through the state in the middle. A hidden Markov model is in one of N states
there, and a choice among N things cannot say more than log₂ N bits. This chapter first
checks the bound exactly, then shows what it costs to remember k bits: 2ᵏ states, or
about k units of a recurrent net.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from sklearn_seq.hmm import CategoricalHMM, GaussianHMM
from sklearn_seq.rnn import RNNRegressor

# %%
# The bound, exactly
# ------------------
#
# How much does the past tell about the future? The answer is the mutual information of
# the two halves. Over an alphabet of eight symbols there are 8⁴ = 4096 sequences of
# four; a model gives the probability of each, and from this table of first halves by
# second halves the information follows without any sampling. Models of random
# probabilities stay below log₂ N. A model that never leaves its state, and says in
# each one what no other would say, just reaches it.

alphabet = np.arange(8)
quadruples = np.array(list(product(alphabet, repeat=4)))[:, :, None]


def information(startprob, transmat, emissionprob):
    """Bits that two symbols tell about the next two."""
    model = CategoricalHMM.from_parameters(
        startprob=startprob,
        transmat=transmat,
        emissionprob=emissionprob,
        symbols=alphabet,
    )
    with np.errstate(divide="ignore"):
        joint = np.exp(model.score_samples(quadruples).sum(axis=1)).reshape(64, 64)
    assert np.isclose(joint.sum(), 1)
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    possible = joint > 0
    return np.sum(joint[possible] * np.log2(joint[possible] / independent[possible]))


rng = np.random.RandomState(0)
sizes = np.array([1, 2, 4, 8])
figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
for N in sizes:
    bits = [
        information(
            rng.dirichlet(np.ones(N)),
            rng.dirichlet(np.full(N, 0.1), size=N),
            rng.dirichlet(np.full(8, 0.1), size=N),
        )
        for _ in range(30)
    ]
    best = information(
        np.full(N, 1 / N), np.eye(N), np.repeat(np.eye(N), 8 // N, axis=1) * N / 8
    )
    assert max(bits) <= np.log2(N) + 1e-9 and np.isclose(best, np.log2(N))
    axes.plot(np.full(30, N), bits, ".", color="tab:blue", alpha=0.4)
    axes.plot(N, best, "*", color="tab:orange", ms=12)
axes.plot([], [], ".", color="tab:blue", label="random models")
axes.plot([], [], "*", color="tab:orange", ms=12, label="states that never change")
axes.plot(sizes, np.log2(sizes), color="black", lw=0.8, label="log₂ N", zorder=0)
axes.set_xscale("log", base=2)
axes.set(
    title="What one half of a sequence tells about the other",
    xlabel="number of states N",
    ylabel="mutual information in bits",
    xticks=sizes,
    xticklabels=sizes,
)
axes.legend()

# %%
# A task that needs k bits
# ------------------------
#
# Each sequence has a pattern of three signs of its own, eight patterns in all, which
# every row shows through noise. What the first half has to tell the second is the
# pattern. Models of the rows are fitted without hearing of patterns. Then logistic
# regression tries to read the pattern from the state in the middle, on sequences that
# nobody has seen; the log-probability that it gives the right one says how many bits of
# the three the state has told.

n_bits, n_steps, n_each = 3, 20, 50
patterns = np.repeat(list(product([-1.0, 1.0], repeat=n_bits)), n_each, axis=0)
labels = np.arange(len(patterns)) // n_each


def make_sequences():
    noise = rng.normal(scale=0.7, size=(len(patterns), 2 * n_steps, n_bits))
    return patterns[:, None, :] + noise


def read_the_middle(model):
    """Bits told by the state in the middle, and the share of patterns right."""
    learn, judge = (model.transform(X)[:, n_steps - 1] for X in (train, test))
    reader = LogisticRegression(C=100.0, max_iter=2000).fit(learn, labels)
    log_proba = reader.predict_log_proba(judge)[np.arange(len(labels)), labels]
    return n_bits + log_proba.mean() / np.log(2), reader.score(judge, labels)


train, test = make_sequences(), make_sequences()
states, units = [1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4]
by_states = []
for N in states:
    model = GaussianHMM(N, covariance_type="spherical", n_init=5, random_state=0)
    by_states.append(read_the_middle(model.fit(train)))

# %%
# The same for recurrent nets, of three random starts the one that predicts the training
# rows best. Three hundred steps of L-BFGS need not be enough for convergence, about
# which there would be a warning; here it only matters how far a net comes.

by_units = []
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    for N in units:
        nets = [
            RNNRegressor((N,), solver="lbfgs", max_iter=300, random_state=seed)
            for seed in range(3)
        ]
        best = max((net.fit(train) for net in nets), key=lambda net: net.score(train))
        by_units.append(read_the_middle(best))

figure, panels = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
for sizes, results, name in (
    (states, by_states, "states of a hidden Markov model"),
    (units, by_units, "units of a recurrent net"),
):
    for axes, values in zip(panels, np.transpose(results), strict=True):
        axes.plot(sizes, values, "o-", label=name)
panels[0].plot(states, np.log2(states), color="black", lw=0.8, label="log₂ N")
panels[1].plot(states, np.array(states) / 8, color="black", lw=0.8, label="N / 8")
panels[0].set(title="Bits of 3 remembered", xlabel="N", ylabel="bits")
panels[1].set(title="Patterns of 8 told apart", xlabel="N", ylabel="accuracy")
for axes in panels:
    axes.legend(loc="lower right")

# %%
# The states go along the black lines: to tell one pattern more takes one state more,
# and to remember one bit more takes twice as many. Each unit of the net adds a bit,
# until there are no more. If a hundred things had to agree between two halves of an
# utterance, at one bit each, this is how many states it would take:

print(f"2^100 = {2**100:,}")
told_by_states, told_by_units = np.array(by_states)[:, 0], np.array(by_units)[:, 0]
assert np.all(told_by_states < np.log2(states) + 0.05)
assert told_by_states[-1] > 2.9 and told_by_units[2] > 2.6 > told_by_states[3] + 0.4

# %%
# What the net's state is, if not a choice among N, is the subject of the next chapter.
# :doc:`/hidden_markov_models` has the table for up to four bits.
