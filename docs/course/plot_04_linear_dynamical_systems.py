"""
===========================================
Linear dynamical systems and their filter
===========================================

A model with a hidden state keeps what matters of the past in that state. The state of a
linear dynamical system is a vector that nobody sees: linear dynamics move it, known
inputs push it, noise shakes it, and what is observed of it is noisy, too. So the state
is random. What is *known* of it is not: given the data it has a Gaussian distribution,
whose mean and covariance are computed from the data without any chance.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import matplotlib.pyplot as plt
import numpy as np

from sklearn_seq.lds import LDSRegressor, LinearDynamicalSystem

# %%
# A mass on a spring
# ------------------
#
# The state is the position and the velocity of a mass on a spring, 0.2 seconds from
# step to step. A known force drives it, unknown pushes disturb it, and its position
# alone is measured, badly. The matrices follow from mechanics: nothing is learnt yet.

A = np.array([[1.0, 0.2], [-0.2, 0.96]])
B = np.array([[0.0], [0.2]])
Q = np.diag([0.0, 0.02])
R = np.array([[0.6]])
start, start_covariance = np.zeros(2), np.eye(2)
system = LinearDynamicalSystem.from_parameters(
    transition_matrix=A,
    input_matrix=B,
    observation_matrix=[[1.0, 0.0]],
    transition_covariance=Q,
    observation_covariance=R,
    initial_state_mean=start,
    initial_state_covariance=start_covariance,
)
T = 120
force = np.where(np.arange(T) % 60 < 30, 1.0, -1.0)[:, None]
rows, states = system.sample(T, future_exogenous=force, random_state=0)
means, covariances = system.filter(rows)

figure, panels = plt.subplots(2, 1, figsize=(8, 5), sharex=True, layout="constrained")
for i, (axes, name) in enumerate(zip(panels, ("position", "velocity"), strict=True)):
    half = 1.96 * np.sqrt(covariances[:, i, i])
    axes.plot(states[:, i], color="black", lw=1.2, label="true, never seen")
    axes.plot(means[:, i], color="tab:blue", label="filter: mean and 95 % band")
    axes.fill_between(
        np.arange(T), means[:, i] - half, means[:, i] + half, alpha=0.25, lw=0
    )
    axes.set(title=f"What the rows so far tell about the {name}", ylabel=name)
panels[0].plot(rows[:, 0], ".", color="0.5", ms=4, label="measured")
panels[0].set_ylim(-5, 7)
panels[0].legend(ncols=3, loc="upper right", fontsize=8)
panels[1].set_xlabel("time step")

# %%
# The velocity is never measured, and yet there is a band about it that holds it nearly
# all of the time: the dynamics say how positions and velocities go together. Over many
# sequences the bands hold what they promise, for the model that made the data.

many, many_states = system.sample(
    T, n_sequences=300, future_exogenous=np.tile(force, (300, 1, 1)), random_state=1
)
m, c = system.filter(many)
widths = np.sqrt(np.diagonal(c, axis1=-2, axis2=-1))
coverage = np.mean(np.abs(m - many_states) < 1.96 * widths, axis=(0, 1))
print("share of true positions and velocities in the bands:", coverage.round(3))
assert np.all(np.abs(coverage - 0.95) < 0.01)

# %%
# A deterministic function of the data
# ------------------------------------
#
# All states and measurements together are one large Gaussian vector, and the textbook
# formula for a conditional Gaussian answers every question about it. To know the last
# state it takes the inverse of a matrix with a row for each measurement. Here it is
# done that way, for the first 40 steps. The Kalman filter has the same mean and
# covariance from 40 small steps, without ever seeing the large matrix.

n = 40
prior_means, prior_covariances = [start], [start_covariance]
for u in force[: n - 1]:
    prior_means.append(A @ prior_means[-1] + B @ u)
    prior_covariances.append(A @ prior_covariances[-1] @ A.T + Q)
joint = np.empty((n, n, 2, 2))  # covariance of the states at steps i and j
for i in range(n):
    for j in range(i, n):
        joint[j, i] = np.linalg.matrix_power(A, j - i) @ prior_covariances[i]
        joint[i, j] = joint[j, i].T
observed = joint[:, :, 0, 0] + R * np.eye(n)
gain = np.linalg.solve(observed, joint[-1, :, :, 0]).T  # (2, n)
surprise = rows[:n, 0] - np.array(prior_means)[:, 0]
assert np.allclose(prior_means[-1] + gain @ surprise, means[n - 1])
assert np.allclose(joint[-1, -1] - gain @ joint[:, -1, 0, :], covariances[n - 1])

# %%
# The formula shows something else: the data are in the mean, but not in the covariance.
# The width of the band is known before the first measurement, and is the same for
# another sequence. It falls from what was assumed at the start to a level where each
# measurement brings as much knowledge as the noise takes away. The smoother, which
# knows the later rows, too, has a narrower band everywhere but at the end, where there
# are none.

other = system.sample(T, future_exogenous=0 * force, random_state=7)[0]
_, other_covariances = system.filter(other)
_, smooth_covariances = system.smooth(rows)
figure, axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
for name, c, style in (
    ("filter, first sequence", covariances, "-"),
    ("filter, another sequence", other_covariances, "--"),
    ("smoother", smooth_covariances, "-"),
):
    axes.plot(np.sqrt(c[:, 1, 1]), style, label=name)
axes.set(
    title="What will be known is known beforehand",
    xlabel="time step",
    ylabel="standard deviation of the velocity",
    ylim=(0, None),
)
axes.legend()
assert np.allclose(covariances, other_covariances)
assert np.all(smooth_covariances[:-1, 1, 1] < covariances[:-1, 1, 1])
assert np.allclose(smooth_covariances[-1], covariances[-1])

# %%
# Learning the system from its inputs and outputs
# -----------------------------------------------
#
# If the mechanics are not known, :class:`~sklearn_seq.lds.LDSRegressor` learns them
# from random forces and the measured positions, ``fit(forces, positions)``.
# Afterwards it predicts positions from forces alone. The eigenvalues of its dynamics
# are those of the spring; its states are another basis of the same plane, so that the
# matrices differ.

rng = np.random.RandomState(0)
forces = np.repeat(rng.normal(scale=2.0, size=(100, T // 10, 1)), 10, axis=1)
driven, _ = system.sample(T, n_sequences=100, future_exogenous=forces, random_state=2)
learnt = LDSRegressor(2).fit(forces, driven[:, :, 0])
print("true eigenvalues:  ", np.linalg.eigvals(A).round(3))
found = np.linalg.eigvals(learnt.system_.transition_matrix_)
print("learnt eigenvalues:", found.round(3))

quiet = np.zeros((1, T, 1))
push = quiet + (np.arange(T) < 30)[:, None]
response = (learnt.predict(push) - learnt.predict(quiet))[0]
exact, s = [], np.zeros(2)
for u in push[0]:
    exact.append(s[0])
    s = A @ s + B @ u
figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
axes.fill_between(np.arange(T), push[0, :, 0], step="post", color="0.9", label="force")
axes.plot(exact, color="black", label="true response")
axes.plot(response, "--", color="tab:red", label="learnt response")
axes.set(
    title="Response to a push of 30 steps", xlabel="time step", ylabel="position, force"
)
axes.legend()
assert np.max(np.abs(response.ravel() - exact)) < 0.15

# %%
# Missing values, learning by expectation maximisation, and forecasts with bands are in
# :doc:`/linear_dynamical_systems`.
