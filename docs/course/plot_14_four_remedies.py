"""
============================================
Four remedies, compared on one long delay
============================================

Gradients that fade on their way back do not make long delays impossible to learn. They
make them hard to learn by plain gradient descent from just any weights. Each part of
that sentence suggests a remedy:

1. other units, whose gradients do not fade: long short-term memory;
2. another method than gradient descent: Hessian-free optimisation;
3. no gradients through time at all: an echo state network;
4. other weights to begin with, and momentum.

All four get the same task here, and as a measure of what is to be gained, so does a
plain net of tanh units that follows plain gradients.
"""

import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_seq import EchoStateRegressor, RNNRegressor

# %%
# The task
# --------
#
# In the first step a number between -1 and 1 comes in, and a mark in a second column
# that says so. Then there is noise, half as large, for another 59 steps. In the last
# step the number is to be told. Only that step has a target; NaN stands for none.

N_STEPS = 60


def recall(n_sequences, seed):
    rng = np.random.RandomState(seed)
    X = np.zeros((n_sequences, N_STEPS, 2))
    X[:, :, 0] = 0.5 * rng.uniform(-1, 1, (n_sequences, N_STEPS))
    X[:, 0, 0], X[:, 0, 1] = rng.uniform(-1, 1, n_sequences), 1
    y = np.full((n_sequences, N_STEPS), np.nan)
    y[:, -1] = X[:, 0, 0]
    return X, y


X, y = recall(1000, seed=0)
X_test, y_test = recall(1000, seed=1)

# %%
# The contenders
# --------------
#
# All trained nets have twenty units. The plain one starts from independent Gaussian
# weights; so does the one with Hessian-free optimisation, so that any difference is due
# to the method. The fourth starts from an orthogonal matrix and has momentum. The echo
# state network has 500 units at a spectral radius of one, and only its readout is
# learned. Each may train for a number of epochs that is fixed in advance; the warning
# that it could go on is switched off.

warnings.filterwarnings("ignore", category=ConvergenceWarning)
shared = {"alpha": 0.0, "tol": 0.0, "n_iter_no_change": 100, "random_state": 0}
shared["standardize"] = False  # losses in the units of the task
sgd = {"solver": "sgd", **shared}
contenders = {
    "plain": RNNRegressor(
        20, init="gaussian", momentum=0.0, learning_rate_init=0.05, max_iter=60, **sgd
    ),
    "LSTM": RNNRegressor(20, cell="lstm", max_iter=25, **shared),
    "Hessian-free": RNNRegressor(
        20, init="gaussian", solver="hessian-free", max_iter=12, **shared
    ),
    "echo state": EchoStateRegressor(
        500,
        spectral_radius=1.0,
        input_scaling=0.1,
        bias_scaling=0.0,
        alpha=1e-4,
        standardize=False,
        random_state=0,
    ),
    "orthogonal, momentum": RNNRegressor(
        20, init="orthogonal", momentum=0.9, learning_rate_init=0.02, max_iter=60, **sgd
    ),
}

# %%
# The error is half the mean square, as in the loss, on sequences that were not trained
# on. To tell zero every time, or the mean, costs 1/6.

GUESS = 1 / 6
errors, seconds = {}, {}
for name, model in contenders.items():
    start = time.perf_counter()
    model.fit(X, y)
    seconds[name] = time.perf_counter() - start
    told = model.predict(X_test)[:, -1]
    errors[name] = 0.5 * np.mean((told - y_test[:, -1]) ** 2)
    print(f"{name:<22}{seconds[name]:6.1f} s   test error {errors[name]:.5f}")

figure, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
for k, (name, model) in enumerate(contenders.items()):
    if hasattr(model, "loss_curve_"):
        passed = np.linspace(0, seconds[name], len(model.loss_curve_) + 1)[1:]
        ax.loglog(passed, model.loss_curve_, lw=1, alpha=0.6, color=f"C{k}")
    ax.loglog(seconds[name], errors[name], "o", ms=9, color=f"C{k}", label=name)
ax.axhline(GUESS, color="0.5", ls="--", label="guessing")
ax.set(
    title="One number, remembered for 60 steps",
    xlabel="seconds of training",
    ylabel="half the mean squared error",
)
ax.legend(title="dots: new sequences", loc="lower left")
plt.show()

# %%
# What to see
# -----------
#
# Lines are the training loss, dots the error on new sequences. The plain net has hardly
# begun to be better than a guess. Every remedy brings the error below a tenth of that,
# each at a price of its own.
#
# - The echo state network is the fastest, and among the least exact: it keeps traces of
#   all past inputs alike, the noise included, and needs many units.
# - Good weights and momentum cost nothing, but it is a matter of luck and of the step
#   size: with another ``random_state`` the loss may not leave the dashed line.
# - Hessian-free optimisation learns from the weights with which plain descent failed,
#   as it takes account of curvature. Its iterations are expensive.
# - The LSTM is the most exact for its time, and has become the usual choice. The next
#   chapter looks into it.

remedies = [name for name in contenders if name != "plain"]
assert errors["plain"] > 0.5 * GUESS
assert max(errors[name] for name in remedies) < 0.1 * GUESS
assert errors["LSTM"] < errors["echo state"]

# %%
# Such a comparison says something of one task, one size and one seed. What each remedy
# is called in the parameters is in :doc:`/recurrent_networks`.
