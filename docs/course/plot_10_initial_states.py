"""
=============================================
The state before the first row can be learned
=============================================

Before its first row a recurrent net must be in some state, and somebody has to choose
it. Zero for all units is what most programs take, one half is another old favourite.
Neither has anything to do with the task.

The choice can be left to the net. The state at the start is a vector of numbers on
which the loss depends, like the weights: the backward pass, having arrived at the first
step, takes one more and finds the derivative by it. ``initial_state="learned"``, which
is the default of :class:`~sklearn_seq.rnn.RNNRegressor`, starts from small random
numbers and follows that gradient together with the weights.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_seq.rnn import RNNRegressor

# %%
# Two starts
# ----------
#
# A point goes round in a circle, once in fifteen steps, and the first two of a net's
# four units are to be where the point is (``readout="units"``). In the first task it is
# in full swing when the sequence begins, and nothing ever comes in: all that the net
# knows of the phase is in its initial state. In the second task the point rests at the
# origin, is pushed about by random inputs, and would come to rest again without them.

N_STEPS, TURN = 30, 2 * np.pi / 15
ROTATION = np.array([[np.cos(TURN), np.sin(TURN)], [-np.sin(TURN), np.cos(TURN)]])


def motion(start, pushes, kept):
    """Positions of the point after each step, (n_sequences, n_steps, 2)."""
    place, places = np.tile(start, (len(pushes), 1)), []
    for push in pushes.swapaxes(0, 1):
        place = kept * place @ ROTATION
        place[:, :1] += 0.3 * push
        places.append(place)
    return np.stack(places, axis=1)


def in_swing(seed):
    phase, nothing = 2 * np.pi * seed / 12, np.zeros((1, N_STEPS, 1))
    start = 0.7 * np.array([np.cos(phase), np.sin(phase)])
    return nothing, motion(start, nothing, 1.0)


def at_rest(seed):
    pushes = np.random.RandomState(seed).uniform(-1, 1, (32, N_STEPS, 1))
    return pushes, motion(np.zeros(2), pushes, 0.9)


# %%
# Three ways to choose
# --------------------
#
# Each task is made twelve times, with other phases or pushes, and learned by three nets
# that differ in nothing but the state at the start. All train for 400 epochs; the
# warning that the loss could still fall is switched off, as the time is meant to be the
# same for all.

warnings.filterwarnings("ignore", category=ConvergenceWarning)
CHOICES = {"learned": "learned", "all zero": 0.0, "all one half": 0.5}


def errors(make, initial_state):
    """Error at each step, the median over twelve nets."""
    squares = []
    for seed in range(12):
        X, y = make(seed)
        net = RNNRegressor(
            4,
            readout="units",
            initial_state=initial_state,
            alpha=0.0,
            max_iter=400,
            n_iter_no_change=400,
            random_state=seed,
        ).fit(X, y)
        squares.append(np.mean((net.predict(X) - y) ** 2, axis=(0, 2)))
    return np.sqrt(np.median(squares, axis=0))


tasks = {"begins in full swing": in_swing, "begins at rest": at_rest}
figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharey=True)
first = {}
for ax, (task, make) in zip(axes, tasks.items(), strict=True):
    for name, initial_state in CHOICES.items():
        curve = errors(make, initial_state)
        first[task, name] = curve[0]
        ax.semilogy(np.arange(1, N_STEPS + 1), curve, label=name)
    ax.set(title=f"The process {task}", xlabel="time step")
axes[0].set_ylabel("error (median of 12 nets)")
axes[0].legend(title="state at the start")
figure.suptitle("What the state at the start costs")
plt.show()

# %%
# What to see
# -----------
#
# In full swing, zero is the worst of all starts. Units at zero send nothing, so that
# the first state is made by the biases alone; but biases that throw the net onto the
# circle go on pushing it at every later step, where they are not wanted. A start of one
# half is less bad, as units that send something can be used. At rest it is the other
# way round: zero is just right, and one half has to be undone. The learned start is
# as good as the better of the two in one task, and far better than both in the other.
# Who knows in advance which task it is?

for (task, name), error in first.items():
    print(f"{task:<22}{name:<14} error at the first step {error:.3f}")

swing, rest = tasks
assert 5 * first[swing, "learned"] < first[swing, "all zero"]
assert 3 * first[swing, "learned"] < first[swing, "all one half"]
assert first[rest, "learned"] < 1.3 * first[rest, "all zero"]
assert 2 * first[rest, "learned"] < first[rest, "all one half"]

# %%
# The differences are largest in small nets and early in a sequence. With more units
# there is room to repair a bad start: with eight instead of four, one half does about
# as well as the learned start. It costs one parameter for each unit to be sure. More in
# :doc:`/recurrent_networks`.
