"""ARRegressor on data that come in pieces, or lie in a file."""

import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from sklearn_seq.autoregressive import ARRegressor

KINDS = ["next", "step", "gaps", "unlike gaps", "sequence"]


def sequences_and_targets(kind, seed=0, lengths=(30, 8, 45, 12, 27, 3, 61), level=0.0):
    """Noisy waves of two features about a level, and targets of some kind."""
    rng = np.random.default_rng(seed)
    X = [np.cumsum(rng.normal(size=(n, 2)), axis=0) + level for n in lengths]
    y = [x[:, :1] * [[1.0, -2.0]] + rng.normal(size=x.shape) for x in X]
    if kind == "next":
        return X, [None] * len(X)
    if kind == "sequence":
        return X, np.array([x.mean(axis=0) for x in X]) + rng.normal(size=(len(X), 2))
    if kind == "gaps":
        y = [np.where(rng.random((len(v), 1)) < 0.3, np.nan, v) for v in y]
    if kind == "unlike gaps":
        y = [np.where(rng.random(v.shape) < 0.3, np.nan, v) for v in y]
    return X, y


def learn_in_pieces(model, X, y, cuts):
    for a, b in zip([0, *cuts], [*cuts, len(X)], strict=True):
        target = None if y[0] is None else y[a:b]
        assert model.partial_fit(X[a:b], target) is model
    return model


def whole(y):
    return None if y[0] is None else y


def least_squares(X, y, n_lags, alpha, fit_intercept):
    """By hand: all taps of all rows, and one target at a time."""
    z, targets = [], []
    for x, own in zip(X, y, strict=True):
        for t in range(n_lags - 1, len(x) - (own is None)):
            z.append(x[t - n_lags + 1 : t + 1][::-1].ravel())
            targets.append(x[t + 1] if own is None else own[t])
    z, targets = np.array(z), np.array(targets)
    coef, intercept, residuals = [], [], np.full(targets.shape, np.nan)
    for i, target in enumerate(targets.T):
        known = ~np.isnan(target)
        inputs, own = z[known], target[known]
        means = inputs.mean(axis=0) * fit_intercept, own.mean() * fit_intercept
        penalty = np.sqrt(alpha) * np.eye(z.shape[1])
        stacked = np.vstack([inputs - means[0], penalty])
        padded = np.append(own - means[1], np.zeros(z.shape[1]))
        coef.append(np.linalg.lstsq(stacked, padded)[0])
        intercept.append(means[1] - coef[-1] @ means[0])
        residuals[known, i] = own - inputs @ coef[-1] - intercept[-1]
    products = residuals[:, :, None] * residuals[:, None]
    return np.array(coef), np.array(intercept), np.nanmean(products, axis=0)


@pytest.mark.parametrize("kind", KINDS[:-1])
@given(
    seed=st.integers(0, 99),
    cuts=st.sets(st.sampled_from([1, 2, 3, 4, 6]), max_size=4).map(sorted),
    fit_intercept=st.booleans(),
    alpha=st.sampled_from([0.0, 2.0]),
)
def test_pieces_give_the_least_squares_of_all_rows(
    kind, seed, cuts, fit_intercept, alpha
):
    X, y = sequences_and_targets(kind, seed)
    model = ARRegressor(3, alpha=alpha, fit_intercept=fit_intercept)
    learn_in_pieces(model, X, y, cuts)
    expected = least_squares(X, y, 3, alpha, fit_intercept)
    found = model.coef_.reshape(2, -1), model.intercept_, model.noise_covariance_
    for values, wanted in zip(found, expected, strict=True):
        assert_allclose(values, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_pieces_give_what_fit_gives_for_all_at_once(kind, fit_intercept):
    X, y = sequences_and_targets(kind)
    params = {"n_lags": 2, "alpha": 0.1, "fit_intercept": fit_intercept, "burn_in": 1}
    once = ARRegressor(**params).fit(X, whole(y))
    parts = learn_in_pieces(ARRegressor(**params), X, y, (2, 3, 6))
    assert_allclose(parts.coef_, once.coef_, rtol=1e-9, atol=1e-9)
    assert_allclose(parts.intercept_, once.intercept_, rtol=1e-9, atol=1e-9)
    assert_allclose(parts.noise_covariance_, once.noise_covariance_, rtol=1e-9)
    log_densities = [m.score_samples(X, whole(y)) for m in (parts, once)]
    for a, b in zip(*log_densities, strict=True):
        assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_partial_fit_goes_on_from_fit(kind):
    X, y = sequences_and_targets(kind)
    once = ARRegressor(2).fit(X, whole(y))
    begun = ARRegressor(2).fit(X[:3], whole(y[:3]))
    learn_in_pieces(begun, X[3:], y[3:], (1, 2))
    assert_allclose(begun.coef_, once.coef_, rtol=1e-9, atol=1e-9)
    assert_allclose(begun.noise_covariance_, once.noise_covariance_, rtol=1e-9)
    begun.fit(X[3:], whole(y[3:]))
    anew = ARRegressor(2).fit(X[3:], whole(y[3:]))
    assert_allclose(begun.coef_, anew.coef_, rtol=0)


def test_frames_with_holes_and_groups():
    import pandas as pd

    x = np.random.default_rng(0).normal(size=(60, 1))
    time = np.r_[0:20, 25:65]
    pieces = [
        pd.DataFrame({"a": x[i : i + 30, 0]}, index=time[i : i + 30]) for i in (0, 30)
    ]
    groups = np.arange(30) // 15
    model = ARRegressor(2)
    for piece in pieces:
        model.partial_fit(piece, groups=groups)
    segments = [x[:15], x[15:20], x[20:30], x[30:45], x[45:]]
    coef, intercept, _ = least_squares(segments, [None] * 5, 2, 0.0, True)
    assert_allclose(model.coef_.reshape(1, -1), coef, rtol=1e-9)
    assert_allclose(model.intercept_, intercept, rtol=1e-9)
    assert model.feature_names_in_.tolist() == ["a"]
    with pytest.raises(ValueError, match="feature names"):
        model.partial_fit(pieces[0].rename(columns={"a": "b"}), groups=groups)


@pytest.mark.parametrize("level", [0.0, 1e4, 1e7])
def test_a_high_level_costs_no_digits_of_the_variance(level):
    """Sums about zero would lose twice as many digits as the data have lost."""
    X, y = sequences_and_targets("next", level=0.0)
    model = learn_in_pieces(ARRegressor(2), [x + level for x in X], y, (1, 2, 3, 4, 5))
    coef, _, noise = least_squares(X, y, 2, 0.0, True)
    lost = 1e-12 + 1e-15 * level  # the digits that the data themselves have lost
    assert_allclose(model.coef_.reshape(2, -1), coef, rtol=0, atol=10 * lost)
    assert_allclose(model.noise_covariance_, noise, rtol=100 * lost)


def test_ill_conditioned_rows_keep_their_digits():
    """The matrix of the normal equations would be singular in floating point.

    A column that differs from another by 1e-9 of it has a coefficient of its own.
    """
    rng = np.random.default_rng(0)
    twin, y = rng.normal(size=(2, 400))
    difference = rng.normal(size=400)
    X = np.column_stack([twin, twin + 1e-9 * difference])
    model = ARRegressor(1)
    for piece in np.split(np.arange(400), 8):
        model.partial_fit(X[piece], (y + 3 * difference)[piece])
    centred = np.column_stack([twin, difference])
    centred -= centred.mean(axis=0)
    expected = np.linalg.lstsq(centred, y + 3 * difference)[0]
    assert model.coef_[0, 0, 1] == pytest.approx(expected[1] * 1e9, rel=1e-5)
    prediction = model.predict(X)
    target = y + 3 * difference
    residual = target - target.mean() - centred @ expected
    assert np.var(target - prediction) == pytest.approx(np.var(residual), rel=1e-6)


def test_a_constant_piece_and_an_exact_one():
    """Pieces whose own moments say nothing, or leave nothing, count like others."""
    rng = np.random.default_rng(1)
    wave = np.sin(0.3 * np.arange(50))[:, None]
    X = [np.full((20, 1), 7.0), wave, rng.normal(size=(40, 1)), np.zeros((9, 1))]
    model = learn_in_pieces(ARRegressor(3), X, [None] * 4, (1, 2, 3))
    coef, intercept, noise = least_squares(X, [None] * 4, 3, 0.0, True)
    assert_allclose(model.coef_.reshape(1, -1), coef, rtol=1e-9)
    assert_allclose(model.intercept_, intercept, rtol=1e-9)
    assert_allclose(model.noise_covariance_, noise, rtol=1e-9)
    constant = ARRegressor(2).partial_fit(X[0]).partial_fit(X[0])
    assert constant.predict(X[0]) == pytest.approx(7.0)


def test_driving_inputs():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(80, 3))
    once = ARRegressor(2, exogenous=[1]).fit([X[:50], X[50:]])
    parts = ARRegressor(2, exogenous=[1]).partial_fit(X[:50]).partial_fit(X[50:])
    assert parts.coef_.shape == (2, 2, 3)
    assert_allclose(parts.coef_, once.coef_, rtol=1e-9)


def test_a_stronger_penalty_may_be_set_between_calls():
    X, y = sequences_and_targets("next")
    model = learn_in_pieces(ARRegressor(2), X[:-1], y[:-1], (3,))
    model.set_params(alpha=50.0).partial_fit(X[-1])
    assert_allclose(model.coef_, ARRegressor(2, alpha=50.0).fit(X).coef_, rtol=1e-9)


def test_what_cannot_go_on_is_refused_and_changes_nothing():
    X = np.random.default_rng(0).normal(size=(50, 2))
    model = ARRegressor(2, exogenous=[0]).partial_fit(X)
    before = pickle.dumps(model)
    with pytest.raises(ValueError, match="first fitted without y"):
        model.partial_fit(X, X[:, 0])
    with pytest.raises(ValueError, match="no row of X has a target"):
        model.partial_fit(X[:2])
    with pytest.raises(ValueError, match="2 features"):
        model.partial_fit(X[:, :1])
    with pytest.raises(ValueError, match="contains NaN"):
        model.partial_fit(np.full_like(X, np.nan))
    for name, value in {"n_lags": 3, "fit_intercept": False, "exogenous": None}.items():
        own = getattr(model, name)
        with pytest.raises(ValueError, match=f"{name}={value}.*Call fit to begin anew"):
            model.set_params(**{name: value}).partial_fit(X)
        model.set_params(**{name: own})
    assert pickle.dumps(model) == before
    with pytest.raises(ValueError, match="y is None"):
        ARRegressor().partial_fit(X, X[:, 0]).partial_fit(X)
    with pytest.raises(ValueError, match="was fitted with one for each step and 1"):
        ARRegressor().partial_fit(X, X[:, 0]).partial_fit(X, X)


def test_each_output_needs_a_target():
    X = np.random.default_rng(0).normal(size=(50, 2))
    y = X.copy()
    y[:, 1] = np.nan
    for learn in (ARRegressor().fit, ARRegressor().partial_fit):
        with pytest.raises(ValueError, match="no row of X has a target"):
            learn(X, y)
    model = ARRegressor().partial_fit(X, X).partial_fit(X, y)
    assert model.coef_[1, 0] == pytest.approx([0, 1], abs=1e-12)


def test_only_least_squares_can_be_added_to():
    X = np.random.default_rng(0).normal(size=(50, 1))
    model = ARRegressor(2, method="burg")
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        model.partial_fit(X)
    model.fit(X).set_params(method="least_squares")
    with pytest.raises(ValueError, match="keeps no sums"):
        model.partial_fit(X)


def test_a_loaded_model_goes_on():
    X, y = sequences_and_targets("unlike gaps")
    model = ARRegressor(2).fit(X[:4], y[:4])
    loaded = pickle.loads(pickle.dumps(model))
    assert_allclose(
        loaded.partial_fit(X[4:], y[4:]).coef_,
        model.partial_fit(X[4:], y[4:]).coef_,
        rtol=0,
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_file_is_not_copied(tmp_path, dtype):
    """A fit to a read-only file in one or more sequences takes a part of its size."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400_000, 4)).astype(dtype)
    path = tmp_path / "x.dat"
    x.tofile(path)
    mapped = np.memmap(path, dtype=dtype, mode="r", shape=x.shape)
    tracemalloc.start()
    try:
        model = ARRegressor(3).fit(mapped)
        panel = ARRegressor(3).fit(mapped.reshape(8, -1, 4))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.6 * mapped.nbytes
    coef = least_squares([x[:20_000].astype(float)], [None], 3, 0.0, True)[0]
    assert_allclose(
        ARRegressor(3).fit(mapped[:20_000]).coef_.reshape(4, -1), coef, rtol=1e-7
    )
    assert_allclose(model.coef_, panel.coef_, atol=1e-3)
    parts = ARRegressor(3)
    for start in range(0, len(mapped), 100_000):
        parts.partial_fit(mapped[start : start + 100_000])
    four = ARRegressor(3).fit(mapped.reshape(4, -1, 4))
    assert_allclose(parts.coef_, four.coef_, rtol=1e-9, atol=1e-11)
