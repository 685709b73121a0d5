"""
===========================================
What a memory cell does during a long delay
===========================================

Long short-term memory is built about one idea: a unit whose value is carried on with a
weight of one. What is in it stays in it, and the gradient passes through it unchanged.
Around this memory cell there are gates, units with values between zero and one: one
decides what is let in, one what is kept, and one what the rest of the net may read.

Whether a trained net uses its cells in that way can be looked at.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_seq import RNNRegressor
from sklearn_seq.datasets import make_adding_problem
from sklearn_seq.inspection import HiddenStateDisplay, gradient_flow

# %%
# A task with two delays
# ----------------------
#
# In each step a random number between 0 and 1 comes in. Two of them are marked, one in
# each half of the sequence, and their sum is asked for at the end. To say "one" every
# time costs a mean squared error of 1/6.
#
# Both nets train on fresh sequences in each epoch, so that the training loss, which is
# half the squared error, tells how they do on sequences that they have never seen.

N_STEPS, N_EPOCHS = 80, 50
ERROR_OF_GUESS = 1 / 6


def train(cell, n_units, learning_rate):
    rng = np.random.RandomState(0)
    net = RNNRegressor(
        n_units,
        cell=cell,
        learning_rate_init=learning_rate,
        alpha=0.0,
        batch_size=20,
        standardize=False,  # losses in the units of the task
        random_state=0,
    )
    losses = []
    for _ in range(N_EPOCHS):
        net.partial_fit(*make_adding_problem(1000, N_STEPS, random_state=rng))
        losses.append(net.loss_)
    return net, 2 * np.array(losses)


lstm, lstm_errors = train("lstm", 8, 0.01)
simple, simple_errors = train("tanh", 16, 0.002)
print(
    f"error of the LSTM {lstm_errors[-1]:.4f}, of simple units {simple_errors[-1]:.4f}"
)
assert lstm_errors[-1] < 0.05 * ERROR_OF_GUESS < 0.8 * simple_errors[-1]

# %%
# The simple units have learned nothing but the mean. The LSTM solves the task.
#
# Into the cells
# --------------
#
# ``transform`` returns what the gates let out. The contents of the cells themselves are
# the second half of the states that ``predict`` returns and takes, so that a sequence
# can be fed in step by step and the cells written down.

X, y = make_adding_problem(300, N_STEPS, random_state=1)
states, contents = None, []
for t in range(N_STEPS):
    _, states = lstm.predict(X[:, [t]], return_state=True, initial_states=states)
    contents.append(states[:, 8:])
contents = np.stack(contents, axis=1)

# %%
# By how much does each cell change in a step with a mark, and in one without?

change = np.abs(np.diff(contents, axis=1))
marked = X[:, 1:, 1] == 1
ratio = change[marked].mean(axis=0) / change[~marked].mean(axis=0)
keepers = np.argsort(-ratio)[:3]
print("change with a mark, in units of the change without:", ratio.round(1))
assert ratio[keepers[0]] > 10

sequence = 0
figure, axes = plt.subplots(2, figsize=(8, 6), layout="constrained", sharex=True)
steps = np.arange(N_STEPS)
axes[0].bar(steps, X[sequence, :, 0], color="0.8", label="number")
where = np.flatnonzero(X[sequence, :, 1])
axes[0].bar(where, X[sequence, where, 0], color="C3", label="marked")
axes[0].set(title="What comes in", ylabel="number")
axes[0].legend(loc="upper right")
HiddenStateDisplay.from_states(
    contents[sequence][:, keepers],
    names=[f"cell {k}" for k in keepers],
    ax=axes[1],
)
for step in where:
    axes[1].axvline(step, color="C3", ls="--", lw=1)
axes[1].set(title="What the memory cells keep")

# %%
# All three move when a marked number comes in (dashed lines), and one does what memory
# cells are for: it jumps at a mark and keeps the change, whatever numbers go by. It
# also runs down a little in each step, always at the same pace, which costs nothing, as
# the net can count on it. The others jump and return within a few steps: they look out
# for marks. Nobody has told the net that the marks are marks.
#
# Back through the delay
# ----------------------
#
# That contents are carried on unchanged helps the forward pass to remember, and by the
# same weight of one the backward pass to learn. Here is the norm of the gradient so
# many steps before the end, for the memory cells and for the net of simple units.

flows = {
    "memory cells of the LSTM": gradient_flow(lstm, X, y).memory_norms[0],
    "simple units": gradient_flow(simple, X, y).norms[0],
}
figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
for name, norms in flows.items():
    ax.semilogy(np.arange(N_STEPS), norms, label=name)
    print(f"{name:<26}after 60 steps {norms[60] / norms[0]:.1e} of it is left")
ax.set(
    title="What is left of the gradient",
    xlabel="time steps before the end",
    ylabel="norm of the gradient",
)
ax.legend(loc="lower left")
plt.show()

# %%
# After 60 steps the simple units have lost all but a hundred-thousandth of their
# gradient, the cells next to nothing. ``cell="gru"`` has a similar path with fewer
# gates; ``examples/long_delays.py`` compares them on longer tasks. The cells and their
# parameters are described in :doc:`/recurrent_networks`.

cells, units = (norms[60] / norms[0] for norms in flows.values())
assert cells > 0.3 and units < 1e-4
