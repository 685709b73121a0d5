"""Starting values of models with hidden states, and models set up by hand."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from sklearn_seq.hmm import (
    GMMHMM,
    CategoricalHMM,
    GaussianHMM,
    HMMClassifier,
    HMMRegressor,
    PoissonHMM,
)
from sklearn_seq.lds import LDSClassifier, LDSRegressor, LinearDynamicalSystem

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CHAIN = {"startprob": [0.3, 0.7], "transmat": [[0.9, 0.1], [0.2, 0.8]]}
ONES = np.ones((2, 1, 1))
HMMS = [
    (GaussianHMM, {"means": [[-3.0], [4.0]], "covariances": 2.0 * ONES}),
    (
        GMMHMM,
        {"weights": [[1.0], [1.0]], "means": [[[-3.0]], [[4.0]]]}
        | {"covariances": 2.0 * ONES[..., None]},
    ),
    (PoissonHMM, {"rates": [[2.0], [6.0]]}),
    (CategoricalHMM, {"emissionprob": [[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]]}),
]
SYSTEM = {
    "transition_matrix": [[0.8, 0.1], [0.0, 0.7]],
    "observation_matrix": [[1.0, 0.5]],
    "transition_covariance": 0.3 * np.eye(2),
    "observation_covariance": [[0.2]],
    "initial_state_mean": [0.5, -0.5],
    "initial_state_covariance": 2.0 * np.eye(2),
}
MODELS = [(make, CHAIN | emission) for make, emission in HMMS]
MODELS.append((LinearDynamicalSystem, SYSTEM))
every_model = pytest.mark.parametrize(
    ("make", "values"), MODELS, ids=[make.__name__ for make, _ in MODELS]
)


def data(make):
    rng = np.random.default_rng(0)
    if make is PoissonHMM:
        return rng.poisson(3.0, size=(60, 1))
    if make is CategoricalHMM:
        return np.r_[0, 1, 2, rng.integers(0, 3, size=57)][:, None]
    return rng.normal(size=(60, 1))


@every_model
def test_learning_starts_from_given_values(make, values):
    X = data(make)
    start = make(2, init=values, max_iter=0).fit(X)
    for name, value in values.items():
        assert_allclose(getattr(start, f"{name}_"), value, rtol=1e-12, err_msg=name)
    # As from known parameters that are learned on.
    known = make.from_parameters(**values)
    assert start.score(X) == pytest.approx(known.score(X), rel=1e-9)
    on = clone(start).set_params(max_iter=7).fit(X)
    warm = known.set_params(max_iter=7, warm_start=True).fit(X)
    assert_allclose(on.loss_curve_, warm.loss_curve_, rtol=1e-9)
    assert on.lower_bound_ > start.lower_bound_
    # Without warm_start they are dropped.
    cold = make.from_parameters(**values).set_params(max_iter=7, random_state=0)
    fresh = make(2, max_iter=7, random_state=0)
    if make is GMMHMM:
        fresh.set_params(n_mix=1)
    assert_allclose(cold.fit(X).loss_curve_, fresh.fit(X).loss_curve_)


@every_model
def test_what_is_not_given_is_guessed(make, values):
    X = data(make)
    name = list(values)[1 if make is LinearDynamicalSystem else -1]
    model = make(2, init={name: values[name]}, max_iter=0, random_state=0).fit(X)
    assert_allclose(getattr(model, f"{name}_"), values[name], rtol=1e-12)
    assert np.isfinite(model.score(X))
    # Further runs start elsewhere, and the best is kept.
    often = clone(model).set_params(n_init=3).fit(X)
    assert often.lower_bound_ >= model.lower_bound_


@every_model
def test_bad_starting_values(make, values):
    X = data(make)
    name = list(values)[-1]
    misspelt = name[:-1] + "x"
    with pytest.raises(ValueError, match=f"init=.*{misspelt}.* Did you mean '{name}'"):
        make(2, init={misspelt: values[name]}).fit(X)
    with pytest.raises(ValueError, match=rf"init\['{name}'\].* shape"):
        make(2, init={name: np.ones((3, 3, 3, 3))}).fit(X)
    with pytest.raises(ValueError, match=f"'{name}' is in both fixed and init"):
        make(2, init={name: values[name]}, fixed={name: values[name]}).fit(X)
    with pytest.raises(ValueError, match="The 'init' parameter"):
        make(2, init="nothing").fit(X)


def test_starting_values_and_masks():
    with pytest.raises(ValueError, match=r"init\['transmat'\] has transitions that"):
        GaussianHMM(2, init=CHAIN, transmat_mask=np.eye(2) > 0).fit(data(GaussianHMM))


@every_model
def test_attributes_set_by_hand_make_no_fitted_model(make, values):
    model = make(2)
    name = f"{list(values)[0]}_"
    setattr(model, name, np.asarray(values[list(values)[0]]))
    for call in (model.transform, model.score, model.sample):
        with pytest.raises(NotFittedError, match=f"{name} was set by hand.*from_param"):
            call(*([data(make)] if call != model.sample else []))
    with pytest.raises(NotFittedError, match="Call 'fit'"):
        make(2).score(data(make))
    make(2).fit(data(make)).score(data(make))


def test_predictors_take_starting_values():
    rng = np.random.default_rng(0)
    X = np.where(rng.random((80, 1)) < 0.5, -3.0, 4.0) + rng.normal(size=(80, 1))
    emission = dict(HMMS)[GaussianHMM]
    model = HMMRegressor(2, init=CHAIN | emission, max_iter=0).fit(X)
    assert_allclose(model.model_.means_, emission["means"])
    panel, labels = X.reshape(8, 10, 1), np.repeat([0, 1], 4)
    model = HMMClassifier(2, init=emission, max_iter=0).fit(panel, labels)
    for each in model.models_:
        assert_allclose(each.means_, emission["means"])
    symbols = (X > 0).astype(int)
    table = [[0.7, 0.3], [0.4, 0.6]]
    model = HMMClassifier(2, init={"emissionprob": table}, max_iter=0).fit(symbols)
    assert_allclose(model.model_.emissionprob_, table)
    model = LDSRegressor(2, init=SYSTEM, max_iter=0, fit_intercept=False).fit(X)
    assert_allclose(model.system_.transition_matrix_, SYSTEM["transition_matrix"])
    model = LDSClassifier(2, init=SYSTEM, max_iter=0).fit(panel, labels)
    for each in model.systems_:
        assert_allclose(each.transition_matrix_, SYSTEM["transition_matrix"])


def test_a_start_of_a_system_without_seen_outputs_is_stable():
    X = np.random.default_rng(0).normal(size=(50, 1))
    init = {"transition_matrix": [[1.2]]}
    with pytest.raises(ValueError, match="eigenvalue of modulus 1.2, but a system"):
        LDSRegressor(init=init).fit(X, X[:, 0])
    start = {"transition_matrix": [[0.4]]}
    model = LDSRegressor(init=start, max_iter=0).fit(X, X[:, 0])
    assert_array_equal(model.system_.transition_matrix_, [[0.4]])


def test_an_unknown_form_of_covariances():
    for make in (GaussianHMM, GMMHMM):
        values = CHAIN | dict(HMMS)[make]
        with pytest.raises(ValueError, match="covariance_type='bad'.*'full', 'tied'"):
            make.from_parameters(**values, covariance_type="bad")
    with pytest.raises(ValueError, match="emissionprob=.. is empty"):
        CategoricalHMM.from_parameters(**CHAIN, emissionprob=[])


@pytest.mark.parametrize(
    ("model", "n_rows"),
    [
        (GaussianHMM(3, random_state=0), 5),
        (LinearDynamicalSystem(2), 10),
        (LDSRegressor(2), 10),
        (HMMRegressor(3, random_state=0), 5),
        (CategoricalHMM(3, random_state=0), 10),
    ],
    ids=lambda value: type(value).__name__,
)
def test_more_parameters_than_values_warn(model, n_rows):
    # 8 + 6 for three Gaussian states; 11 for a system of two states and one output,
    # 15 less 4 for the change of basis; 8 + 6 for three states and three symbols.
    rng = np.random.default_rng(0)
    for n, few in ((n_rows, True), (14, False)):
        X = rng.normal(size=(n, 1))
        if isinstance(model, CategoricalHMM):
            X = np.arange(n)[:, None] % 3
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.simplefilter("ignore", ConvergenceWarning)
            clone(model).fit(X)
        messages = [w for w in caught if "free parameters from" in str(w.message)]
        assert len(messages) == few
        if few:
            assert f"from {n_rows} observed values" in str(messages[0].message)


def test_several_starts_warn_once_of_few_values():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 1)), 1e3 * np.eye(6)[:, :1]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        LDSRegressor(3, init="random", max_iter=1, random_state=0).fit(X, y)
    assert sum("free parameters" in str(w.message) for w in caught) == 1


def test_fixed_parameters_and_missing_values_do_not_count():
    X = np.r_[np.random.default_rng(0).normal(size=6), [np.nan] * 6][:, None]
    with pytest.warns(UserWarning, match="learned 11 free parameters from 6 observed"):
        LinearDynamicalSystem(2).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        LinearDynamicalSystem(2, fixed=SYSTEM).fit(X)


def test_nothing_but_missing_values():
    X = np.full((20, 2), np.nan)
    for model in (GaussianHMM(2), LinearDynamicalSystem()):
        with pytest.raises(ValueError, match="Every value of X is missing"):
            model.fit(X)
