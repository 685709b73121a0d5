"""Units of the data make no difference: columns scaled and shifted, results alike."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_seq._core.standardize import Standardizer
from sklearn_seq.autoregressive import (
    ARClassifier,
    ARRegressor,
    MLPSequenceClassifier,
    MLPSequenceRegressor,
)
from sklearn_seq.datasets import make_ar_process, make_mackey_glass
from sklearn_seq.echo_state import EchoStateClassifier, EchoStateRegressor
from sklearn_seq.hmm import HMMClassifier, HMMRegressor
from sklearn_seq.inspection import (
    fixed_points,
    gradient_flow,
    lyapunov_exponents,
    memory_capacity,
)
from sklearn_seq.lds import LDSClassifier, LDSRegressor
from sklearn_seq.rnn import RNNClassifier, RNNRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

EXACT = (2.0**-27, 0.0)  # a power of two
UNITS = [EXACT, (1e-8, 0.0), (1e6, 0.0), (1.0, 1e4), (1e-8, 1e-4), (1e6, 1e10)]
NETS = {
    "mlp": MLPSequenceRegressor(3, (8,), max_iter=4, random_state=0),
    "mlp-lbfgs": MLPSequenceRegressor(
        2, (4,), activation="tanh", solver="lbfgs", max_iter=4, direct_connections=True,
        random_state=0,
    ),
    "rnn": RNNRegressor((6,), max_iter=4, random_state=0),
    "gru": RNNRegressor((4,), cell="gru", early_stopping=True, max_iter=4,
                        random_state=0),
    "hessian-free": RNNRegressor((4,), solver="hessian-free", max_iter=2,
                                 random_state=0),
    "esn": EchoStateRegressor(20, alpha=1e-2, random_state=0),
    "esn-states": EchoStateRegressor(20, alpha=1e-2, direct_connections=False,
                                     random_state=0),
}  # fmt: skip
OTHERS = {
    "ar": ARRegressor(3),
    "lds": LDSRegressor(2, max_iter=4),
    "hmm": HMMRegressor(2, max_iter=4, random_state=0),
}
CLASSIFIERS = {
    "ar": ARClassifier(2, tol=1e-10, max_iter=1000),
    "mlp": MLPSequenceClassifier(3, (8,), max_iter=4, random_state=0),
    "rnn": RNNClassifier((6,), max_iter=4, random_state=0),
    "lstm": RNNClassifier((4,), cell="lstm", max_iter=4, random_state=0),
    "units": RNNClassifier((4,), readout="units", max_iter=4, random_state=0),
    "esn": EchoStateClassifier(20, alpha=1e-2, random_state=0),
    "lds": LDSClassifier(2, max_iter=4),
    "hmm": HMMClassifier(2, max_iter=4, random_state=0),
}


def series(n=120, seed=0):
    rng = np.random.default_rng(seed)
    x = np.hstack([make_ar_process(n, random_state=seed + i) for i in (1, 2)])
    return x / x.std(axis=0) + 0.1 * rng.standard_normal(x.shape)


def tolerance(b, a, exact=1e-9):
    """Rounding of the shifted data, grown by a few steps of learning."""
    return max(exact, 1e5 * np.finfo(float).eps * abs(b) / a)


def in_units(names):
    """Names with units; linear dynamical systems have no constant term for a shift."""
    parameters = []
    for i, name in enumerate(names):
        units = [unit for unit in UNITS if name != "lds" or not unit[1]]
        quick = EXACT, units[1 + i % (len(units) - 1)]
        for unit in units:
            marks = () if unit in quick else pytest.mark.slow
            parameters.append(pytest.param(name, unit, marks=marks))
    return parameters


@pytest.mark.parametrize("name, unit", in_units([*NETS, *OTHERS]))
def test_next_steps(name, unit):
    a, b = unit
    X = series()
    plain = clone((NETS | OTHERS)[name]).fit(X)
    model = clone(plain).fit(a * X + b)
    tol = {"rtol": 0.0, "atol": tolerance(b, a, 1e-7 if name == "lds" else 1e-9)}
    y, std = model.predict(a * X + b, return_std=True)
    expected, expected_std = plain.predict(X, return_std=True)
    assert_allclose((y - b) / a, expected, **tol)
    assert_allclose(std / a, expected_std, **tol)
    assert_allclose((model.forecast(a * X + b, 5) - b) / a, plain.forecast(X, 5), **tol)
    assert_allclose(model.score(a * X + b), plain.score(X), **tol)
    assert_allclose(
        model.score_samples(a * X + b) + 2 * np.log(a),
        plain.score_samples(X),
        rtol=0.0,
        atol=100 * tol["atol"],
    )
    if name != "hmm" and hasattr(model, "sample"):
        draws = [m.sample(8, random_state=0) for m in (model, plain)]
        # Draws turn with the eigenvectors of a covariance, which are those of a * a.
        assert_allclose((draws[0] - b) / a, draws[1], rtol=0.0, atol=1e3 * tol["atol"])
    if name in NETS:
        assert model.n_iter_ == plain.n_iter_ if hasattr(plain, "n_iter_") else True
        assert_allclose(model.noise_covariance_ / a / a, plain.noise_covariance_, **tol)
        if unit == EXACT:
            assert_array_equal(y / a, expected)


@pytest.mark.parametrize("name", NETS)
def test_columns_of_different_units(name):
    X = series()
    scale, shift = np.array([1e-8, 1e6]), np.array([1e-6, -1e9])
    y = np.cumsum(X[:, :1], axis=0) / 10
    plain = clone(NETS[name])
    model = clone(plain)
    expected = plain.fit(X, y[:, 0]).predict(X)
    predicted = model.fit(scale * X + shift, 1e-7 * y[:, 0] + 3).predict(
        scale * X + shift
    )
    assert_allclose((predicted - 3) / 1e-7, expected, atol=1e-4)
    difference = plain.score_samples(X, y[:, 0]) - model.score_samples(
        scale * X + shift, 1e-7 * y[:, 0] + 3
    )
    assert_allclose(difference, np.log(1e-7), atol=1e-2)
    plain.fit(X), model.fit(scale * X + shift)
    assert_allclose(
        plain.score_samples(X) - model.score_samples(scale * X + shift),
        np.log(scale).sum(),
        atol=1e-4,
    )


@pytest.mark.parametrize("name, unit", in_units(CLASSIFIERS))
def test_labels(name, unit):
    a, b = unit
    X = series()
    y = np.where(X[:, 0] > X[:, 1], "up", "down")
    expected = clone(CLASSIFIERS[name]).fit(X, y).predict_proba(X)
    found = clone(CLASSIFIERS[name]).fit(a * X + b, y).predict_proba(a * X + b)
    assert_allclose(found, expected, rtol=0.0, atol=tolerance(b, a))
    if unit == EXACT and name not in ("lds", "hmm"):
        assert_array_equal(found, expected)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("per_sequence", [True, False])
def test_coefficients_in_the_units_of_the_data(per_sequence, fit_intercept):
    X = series().reshape(12, 10, 2)
    y = X[:, :, 0].mean(axis=1) > X[:, :, 1].mean(axis=1)
    if not per_sequence:
        y = X[:, :, 0] > X[:, :, 1]
    scale, shift = np.array([1e-8, 1e6]), fit_intercept * np.array([1e-4, -1e10])
    exact = {"tol": 1e-10, "max_iter": 1000, "fit_intercept": fit_intercept}
    plain = ARClassifier(2, **exact).fit(X, y)
    model = ARClassifier(2, **exact).fit(scale * X + shift, y)
    assert_allclose(model.coef_ * scale, plain.coef_, rtol=1e-6)
    intercept = model.intercept_ + (model.coef_ * shift).sum(axis=(1, 2))
    assert_allclose(intercept, plain.intercept_, atol=1e-6)
    if not fit_intercept:
        assert_array_equal(model.intercept_, 0.0)


def test_labels_of_a_wave_far_from_zero():
    rng = np.random.default_rng(0)
    x = np.sin(np.arange(300) / 5)[:, None] + 0.1 * rng.normal(size=(300, 1))
    y = (x[:, 0] > 0).astype(int)
    for a, b in ((1.0, 0.0), (1.0, 1e8), (1e-3, 0.0), (1e-8, 0.0), (1e300, 0.0)):
        z = a * x + b
        assert ARClassifier().fit(z, y).score(z, y) > 0.98


def test_coefficients_beyond_floating_point():
    x = 1e-310 * series()
    with pytest.raises(ValueError, match="standard deviations of .*beyond floating"):
        ARClassifier().fit(x, x[:, 0] > 0)


@pytest.mark.parametrize("name", NETS)
def test_one_target_per_sequence(name):
    X = series().reshape(12, 10, 2)
    y = X[:, :, 0].mean(axis=1)
    plain = clone(NETS[name]).fit(X, y)
    model = clone(plain).fit(1e-8 * X + 1, 1e6 * y - 5e6)
    found = (model.predict(1e-8 * X + 1) + 5e6) / 1e6
    assert_allclose(found, plain.predict(X), atol=1e-4)


@pytest.mark.parametrize("name", NETS)
def test_a_scaler_makes_no_difference(name):
    X = 3.0 + 7.0 * series()
    scaler = StandardScaler()
    inside = clone(NETS[name]).fit(X).predict(X)
    outside = make_pipeline(scaler, clone(NETS[name])).fit(X).predict(X)
    assert_allclose(
        StandardScaler().fit(X).inverse_transform(outside), inside, atol=1e-8
    )
    if name != "gru":  # which learns its units from what is not held out
        as_it_is = clone(NETS[name]).set_params(standardize=False)
        by_hand = make_pipeline(StandardScaler(), as_it_is).fit(X).predict(X)
        assert_allclose(by_hand, outside, atol=1e-8)


@pytest.mark.parametrize(
    "model",
    [
        RNNRegressor(max_iter=40, random_state=0),
        MLPSequenceRegressor(6, max_iter=40, random_state=0),
        EchoStateRegressor(100, random_state=0),
    ],
    ids=["rnn", "mlp", "esn"],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_scores_in_units_far_from_one(model, dtype):
    X = make_mackey_glass(500, random_state=0)
    X = (X - X.mean()) / X.std()
    expected = clone(model).fit(X[:350]).score(X[350:])
    assert expected > 0.9
    for a, b in ((1.0, 1e4), (1e-8, 0.0), (1e6, 0.0), (1e-8, 1e-4)):
        Z = (a * X + b).astype(dtype)
        fitted = clone(model).fit(Z[:350])
        assert fitted.predict(Z).dtype == dtype
        assert abs(fitted.score(Z[350:]) - expected) < 0.01


@pytest.mark.parametrize("name", [n for n in NETS if hasattr(NETS[n], "partial_fit")])
def test_units_are_those_of_the_first_data(name):
    X = series()
    model = clone(NETS[name])
    model.partial_fit(X)
    first = pickle.dumps(model._input_units)
    model.partial_fit(5 + 2 * X)
    assert pickle.dumps(model._input_units) == first
    if hasattr(model, "warm_start"):
        model = clone(model).set_params(warm_start=True).fit(X)
        first = pickle.dumps(model._target_units)
        assert pickle.dumps(model.fit(5 + 2 * X)._target_units) == first
        assert pickle.dumps(clone(model).fit(5 + 2 * X)._target_units) != first


LEARNS_ON = ["mlp", "rnn", "gru", "esn"]


@pytest.mark.parametrize("name", LEARNS_ON)
def test_data_in_other_units_to_go_on_with_warn(name):
    X = series()
    kind = type(NETS[name]).__name__
    first = "column 'x0' of X has mean .* and standard deviation .* in these data, but "
    for later in (X + 1000 * X.std(axis=0), 1e-4 * X, 1e4 * X):
        model = clone(NETS[name]).partial_fit(X)
        with pytest.warns(UserWarning, match=f"{first}{kind} keeps the units of its"):
            model.partial_fit(later)
        model = clone(NETS[name]).partial_fit(X, X[:, 0] ** 2)
        with pytest.warns(UserWarning, match="target 0 of y has mean"):
            model.partial_fit(X, later[:, 0] ** 2)


@pytest.mark.parametrize(
    "name", [name for name in CLASSIFIERS if hasattr(CLASSIFIERS[name], "partial_fit")]
)
def test_classifiers_warn_of_data_in_other_units(name):
    X = series()
    y = (X[:, 0] > np.median(X[:, 0])).astype(int)
    model = clone(CLASSIFIERS[name]).partial_fit(X, y)
    with pytest.warns(UserWarning, match="column 'x0' of X has mean"):
        model.partial_fit(1e4 * X, y)


@pytest.mark.parametrize("name", LEARNS_ON)
def test_data_in_like_units_to_go_on_with(name):
    X = series()
    model = clone(NETS[name]).partial_fit(X)
    plain = clone(NETS[name]).set_params(standardize=False).partial_fit(X)
    constant = np.zeros_like(X) + X.mean(axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        for later in (X + 90 * X.std(axis=0), 900 * X, X / 900, constant):
            model.partial_fit(later)
        plain.partial_fit(X + 150 * X.std(axis=0))


def test_moments():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, 4)) * [1.0, 1e-8, 1e200, 1.0] + [1e8, 0, 0, 0]
    X[:, 3] = 0.1
    X[5, 0] = np.nan
    units = Standardizer.of(X)
    expected = StandardScaler().fit(X[:, [0, 1]])
    assert_allclose(units.deviation[:2], expected.scale_, rtol=1e-9)
    assert_allclose((units.mean / units.unit)[:2], expected.mean_, rtol=1e-9)
    assert_allclose(units.deviation[2], 1e200 * (X[:, 2] / 1e200).std())
    assert units.deviation[3] == 1.0
    Z = units.transform(X, np.float64)
    assert_allclose(np.nanmean(Z, axis=0), 0.0, atol=1e-7)
    assert_allclose(np.nanstd(Z, axis=0), [1, 1, 1, 0], atol=1e-7)
    assert_allclose(units.inverse(Z), X, rtol=1e-14)
    huge = Standardizer.of(np.array([[-1.7e308], [1.7e308], [5e-324]]))
    assert_allclose(huge.deviation, 1.7e308 * np.sqrt(2 / 3))
    tiny = np.array([[1e-310], [3e-310]])
    assert_allclose(Standardizer.of(tiny).transform(tiny, np.float64), [[-1], [1]])
    nothing = Standardizer.of(np.full((2, 1), np.nan))
    assert (nothing.mean, nothing.deviation) == (0.0, 1.0)


def test_float32_keeps_its_digits_at_an_offset():
    rng = np.random.default_rng(0)
    steps = rng.integers(-20, 20, size=(500, 1))
    for offset in (1e4, 1e8):
        X = (offset + np.spacing(np.float32(offset)) * steps).astype(np.float32)
        Z = Standardizer.of(X).transform(X, np.float32)
        assert Z.dtype == np.float32
        assert_allclose(Z, (steps - steps.mean()) / steps.std(), rtol=1e-5, atol=1e-6)


def test_targets_in_the_range_of_units_stay_as_they_are():
    X = np.random.default_rng(0).choice([0.0, 1.0], size=(20, 8, 1))
    y = X[:, :, 0]
    model = RNNRegressor((3,), readout="units", max_iter=3, random_state=0).fit(X, y)
    states = model.transform(X)
    assert_array_equal(model.predict(X), states[:, :, 0])


def test_symbols_are_not_affected():
    text = "to be or not to be " * 8
    for net in (
        RNNClassifier((4,), max_iter=2, random_state=0),
        MLPSequenceClassifier(2, (4,), max_iter=2, random_state=0),
        EchoStateClassifier(10, random_state=0),
    ):
        plain = clone(net).set_params(standardize=False).fit(text)
        assert_array_equal(net.fit(text).predict_proba(text), plain.predict_proba(text))


def test_forecasts_that_explode_warn_in_any_unit():
    X = series()[:, :1]
    for a, b in ((1.0, 0.0), (1e-8, 1.0), (1e6, 1e10)):
        model = EchoStateRegressor(10, random_state=0).fit(a * X + b)
        model.forecast(a * X + b, 40)
        model.coef_[:, -1] = 2.0  # of the last row
        first = 15  # steps after which the distance has doubled often enough
        with pytest.warns(UserWarning, match="leave the data"):
            model.forecast(a * X + b, first)


def diagnosed():
    X = make_mackey_glass(300, random_state=0)
    X = (X - X.mean()) / X.std()
    yield "rnn", RNNRegressor((5,), max_iter=20, random_state=0), X
    yield "esn", EchoStateRegressor(12, spectral_radius=0.7, random_state=0), X
    yield (
        "mlp",
        MLPSequenceRegressor(2, (6,), activation="tanh", max_iter=20, random_state=0),
        X,
    )


@pytest.mark.parametrize("a, b", [(1e-8, 1e-4), (1e6, 0.0)])
@pytest.mark.parametrize("name, model, X", list(diagnosed()))
def test_diagnostics(name, model, X, a, b):
    plain = clone(model).fit(X)
    Z = a * X + b
    scaled = clone(model).fit(Z)
    assert_allclose(
        lyapunov_exponents(scaled, Z, n_steps=60, washout=0).exponents,
        lyapunov_exponents(plain, X, n_steps=60, washout=0).exponents,
        rtol=1e-4,
    )
    found, expected = (
        fixed_points(m, data, n_starts=20, random_state=0)
        for m, data in ((scaled, Z), (plain, X))
    )
    assert len(expected.points) > 0
    assert_allclose((found.outputs - b) / a, expected.outputs, atol=1e-5)
    assert_allclose(found.eigenvalues, expected.eigenvalues, atol=1e-5)
    if name == "mlp":
        assert_allclose((found.points - b) / a, expected.points, atol=1e-5)
        row = found.points[:1, ::-1].T
    else:  # a constant input, told in the units of X
        own = {"x": found.outputs[0], "random_state": 0}
        held = fixed_points(scaled, Z, **own)
        assert_allclose(held.outputs[0], found.outputs[0], rtol=1e-6)
        row = np.tile(found.outputs[:1], (400, 1))
    if found.stable[0] or name == "mlp":
        assert_allclose((scaled.predict(row)[-1] - row[-1]) / a, 0.0, atol=1e-4)
    if name == "rnn":
        flows = [gradient_flow(m, data).norms for m, data in ((scaled, Z), (plain, X))]
        assert_allclose(flows[0][0, :20], flows[1][0, :20], rtol=1e-4)
    if name == "esn":
        capacities = [
            memory_capacity(m, n_timesteps=1000, random_state=0).per_lag
            for m in (scaled, plain)
        ]
        assert_allclose(*capacities, atol=1e-4)
