"""
===================================
Adding numbers is a four-state task
===================================

To add two binary numbers one goes through their digits from the right, and needs to
keep a single bit in mind: the carry. Together with the digit to be written down these
are four states, whatever the length of the numbers.

A feed-forward net that sees the last eleven digits knows nothing of states. It can
learn what follows from eleven pairs of digits, and does; what it has learned ends where
its window ends. A recurrent net can learn the four states, and is then done for good.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_seq import MLPSequenceClassifier, RNNClassifier
from sklearn_seq.datasets import make_binary_addition

# %%
# Short sums to learn from, long ones to be tested on
# ---------------------------------------------------
#
# Three thousand pairs of numbers of one to ten bits are the lessons, least significant
# bit first. Both nets stop after a fixed number of passes, so the warning that the
# loss might fall further is switched off. Before the first digit the feed-forward net
# has no eleven rows to look at, and is given pairs of zeros, which change no sum; NaN
# says that these rows have no target.

warnings.filterwarnings("ignore", category=ConvergenceWarning)
N_LAGS = 11
X, y = make_binary_addition(3000, n_bits=(1, 10), delay=0, random_state=0)
zeros, no_target = np.zeros((N_LAGS - 1, 2)), np.full(N_LAGS - 1, np.nan)
padded_X = [np.concatenate([zeros, digits]) for digits in X]
padded_y = [np.concatenate([no_target, total]) for total in y]

window = MLPSequenceClassifier(
    N_LAGS,
    (30,),
    activation="tanh",
    solver="lbfgs",
    max_iter=300,
    standardize=False,
    random_state=0,
).fit(padded_X, padded_y)
recurrent = RNNClassifier(
    3, alpha=0.01, max_iter=40, n_iter_no_change=40, standardize=False, random_state=0
).fit(X, y)

learned = {
    "window": window.score(padded_X, padded_y),
    "recurrent": recurrent.score(X, y),
}
print("bits right of the training sums:", learned)
assert min(learned.values()) > 0.999

# %%
# The test sums have fifty bits, and carries of known length. From a pair of equal
# digits, which alone decides whether there is a carry, it is handed on by so many pairs
# 0+1 or 1+0. Random pairs stand before and after.


def long_carry(n_sequences, length, rng):
    """Numbers of 50 bits, and the step whose bit depends on so many steps back."""
    digits = rng.randint(2, size=(n_sequences, 51, 2)).astype(float)
    digits[:, 50] = 0
    decided = 50 - length
    digits[:, decided, 1] = digits[:, decided, 0]
    digits[:, decided + 1 : 50, 1] = 1 - digits[:, decided + 1 : 50, 0]
    return digits, digits[:, decided, 0].astype(int)  # the carry is the last bit


rng = np.random.RandomState(1)
lengths = np.arange(1, 46)
right = {"window": [], "recurrent": []}
for length in lengths:
    digits, bits = long_carry(400, length, rng)
    before = np.zeros((len(digits), N_LAGS - 1, 2))
    seen = window.predict(np.concatenate([before, digits], axis=1))[:, -1]
    right["window"].append(np.mean(seen == bits))
    right["recurrent"].append(np.mean(recurrent.predict(digits)[:, -1] == bits))

figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
ax.plot(lengths, right["recurrent"], label="recurrent net, three units")
ax.plot(lengths, right["window"], label="feed-forward net, eleven steps, 30 units")
ax.axvline(N_LAGS - 1, color="0.5", ls="--", label="end of the window")
ax.axhline(0.5, color="0.5", ls=":", label="guessing")
ax.set(
    title="A carry from further back than the window is lost",
    xlabel="steps since the carry was decided",
    ylabel="share of last bits that are right",
    ylim=(0.3, 1.05),
)
ax.legend(loc="upper right", bbox_to_anchor=(1, 0.92))

# %%
# Beyond the window the feed-forward net can only guess. It does not even get that far:
# carries handed on seven or eight times are rare among random numbers, and each length
# is a new case for it, to be learned by itself. That is hidden by the usual score,
# as long carries are rare in tests, too: of all bits of random long sums it still has
# nearly all right.

X_long, y_long = make_binary_addition(400, n_bits=50, delay=0, random_state=2)
before = np.zeros((400, N_LAGS - 1, 2))
by_window = window.predict(np.concatenate([before, X_long], axis=1))[:, N_LAGS - 1 :]
by_states = recurrent.predict(X_long)
print(f"random sums of 50 bits: window {np.mean(by_window == y_long):.1%} of bits, ")
print(f"recurrent {np.mean(by_states == y_long):.1%} of bits")
assert np.mean(by_window == y_long) > 0.95 and np.mean(by_states == y_long) == 1
assert np.min(right["recurrent"]) == 1
assert abs(np.mean(right["window"][N_LAGS:]) - 0.5) < 0.05

# %%
# The automaton
# -------------
#
# What has the recurrent net found? Its three activities, at every step of the long
# sums, are the points below, seen from the two directions in which they differ most.
# There are a few tight heaps, and each belongs to one of four states: a carry or none,
# and a 0 or a 1 to write down. A state may have more than one heap, but no heap has
# more than one state. Arrows lead from state to state when the digits 0 and 0, or 1 and
# 1, come in.

carry, carries = np.zeros(400, dtype=int), []
for column in X_long.sum(axis=2).astype(int).T:
    carry = (column + carry) // 2
    carries.append(carry)
state = 2 * np.stack(carries, axis=1) + y_long.astype(int)
activities = recurrent.transform(X_long)
centred = activities - activities.mean(axis=(0, 1))
_, _, axes_of_spread = np.linalg.svd(centred.reshape(-1, 3), full_matrices=False)
points = centred @ axes_of_spread[:2].T

figure, ax = plt.subplots(figsize=(7, 5), layout="constrained")
for k in range(4):
    here = points[state == k]
    ax.plot(*here.T, ".", ms=4, label=f"carry {k // 2}, write {k % 2}")
centres = np.array([np.median(points[state == k], axis=0) for k in range(4)])
added = X_long.sum(axis=2)
for total, color in ((0, "0.6"), (2, "k")):
    for k in range(4):
        after = state[:, 1:][(state[:, :-1] == k) & (added[:, 1:] == total)]
        follower = np.bincount(after).argmax()
        arrow = {"arrowstyle": "->", "color": color, "shrinkA": 8, "shrinkB": 8}
        arrow["connectionstyle"] = "arc3,rad=0.08"
        if follower != k:
            ax.annotate("", centres[follower], centres[k], arrowprops=arrow)
ax.set(
    title="Three units as an automaton (arrows: grey 0+0, black 1+1)",
    xlabel="first principal component",
    ylabel="second principal component",
)
ax.legend()
plt.show()

# %%
# Which units are on is enough to know the state, so that these heaps do not mix:

signs = (activities > 0) @ np.array([4, 2, 1])
states_of = {s: set(state[signs == s].tolist()) for s in np.unique(signs).tolist()}
print("states for each pattern of units that are on:", states_of)
assert all(len(states) == 1 for states in states_of.values())

# %%
# ``examples/binary_addition.py`` repeats this with many random starts and with sums
# that come late; how few units will do is discussed in :doc:`/recurrent_networks`.
