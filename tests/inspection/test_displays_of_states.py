"""Hidden states, segments, transitions, loss curves and gradients as drawn."""

from itertools import groupby

import numpy as np
import pytest
from scipy.stats import norm

from sklearn_seq import (
    CategoricalHMM,
    EchoStateRegressor,
    GaussianHMM,
    HMMClassifier,
    HMMRegressor,
    LDSClassifier,
    LDSRegressor,
    LinearDynamicalSystem,
    MLPSequenceRegressor,
    RNNRegressor,
)
from sklearn_seq.datasets import make_adding_problem, make_sines
from sklearn_seq.inspection import (
    GradientFlowDisplay,
    HiddenStateDisplay,
    LossCurveDisplay,
    SegmentationDisplay,
    TransitionMatrixDisplay,
    gradient_flow,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    level = np.repeat([0.0, 4.0, 0.0, 8.0], [20, 15, 10, 15])
    return np.column_stack([level, -level]) + rng.normal(size=(60, 2))


# Hidden states


@pytest.mark.parametrize(
    "model",
    [
        RNNRegressor((5, 3), max_iter=2, random_state=0),
        EchoStateRegressor(12, random_state=0),
        GaussianHMM(3, random_state=0),
    ],
)
def test_lines_and_image_hold_what_transform_gives(rows, model):
    states = model.fit(rows).transform(rows)
    lines = HiddenStateDisplay.from_estimator(model, rows)
    assert lines.bands_ == [] and lines.image_ is None
    drawn = np.column_stack([line.get_ydata() for line in lines.lines_])
    np.testing.assert_array_equal(drawn, states)
    image = HiddenStateDisplay.from_estimator(model, rows, kind="image")
    assert image.lines_ == []
    np.testing.assert_array_equal(np.asarray(image.image_.get_array()), states.T)
    assert image.colorbar_.mappable is image.image_
    assert image.plot(kind="image", colorbar=False).colorbar_ is None


def test_bands_of_linear_dynamical_systems(rows):
    model = LinearDynamicalSystem(2).fit(rows)
    display = HiddenStateDisplay.from_estimator(model, rows, components=1, coverage=0.5)
    means, covariances = model.filter(rows)
    lower, upper = norm.interval(0.5, means[:, 1], np.sqrt(covariances[:, 1, 1]))
    (band,) = display.bands_
    vertices = band.get_paths()[0].vertices
    for t in (0, 30, 59):
        y = vertices[vertices[:, 0] == t, 1]
        np.testing.assert_allclose([y.min(), y.max()], [lower[t], upper[t]])
    assert [line.get_label() for line in display.lines_] == ["1"]


def test_states_of_an_lds_regressor(rows):
    model = LDSRegressor(2).fit(rows)
    display = HiddenStateDisplay.from_estimator(model, rows)
    means, covariances = model.system_.filter(rows - model.mean_)
    np.testing.assert_allclose(display.states, means)
    np.testing.assert_allclose(
        display.std, np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
    )
    driven = LDSRegressor(2, exogenous=[1]).fit(rows)
    display = HiddenStateDisplay.from_estimator(driven, rows)
    inner = np.hstack([rows[:, :1] - driven.mean_, rows[:, 1:] - driven.input_mean_])
    np.testing.assert_allclose(display.states, driven.system_.filter(inner)[0])


def test_states_of_a_driven_lds_follow_from_the_inputs_alone(rows):
    model = LDSRegressor(2).fit(rows, rows.sum(axis=1))
    display = HiddenStateDisplay.from_estimator(model, rows)
    system, state = model.system_, model.system_.initial_state_mean_
    for t in range(60):
        np.testing.assert_allclose(display.states[t], state, atol=1e-9)
        inputs = rows[t] - model.input_mean_
        state = system.transition_matrix_ @ state + system.input_matrix_ @ inputs


def test_states_of_predictors_with_a_hidden_markov_model(rows):
    model = HMMRegressor(3, random_state=0).fit(rows)
    display = HiddenStateDisplay.from_estimator(model, rows)
    np.testing.assert_allclose(display.states, model.model_.transform(rows))

    y = rows[:, 0] ** 2
    of_y = HMMRegressor(2, random_state=0).fit(rows, y).model_
    model = HMMRegressor(2, random_state=0).fit(rows, y)
    display = HiddenStateDisplay.from_estimator(model, rows)
    marginal = GaussianHMM.from_parameters(
        startprob=of_y.startprob_,
        transmat=of_y.transmat_,
        means=of_y.means_[:, :2],
        covariances=of_y.covariances_[:, :2, :2],
    )
    np.testing.assert_allclose(display.states, marginal.transform(rows), atol=1e-9)

    labels = np.repeat(["low", "high", "low", "top"], [20, 15, 10, 15])
    model = HMMClassifier(2, random_state=0).fit(rows, labels)
    display = HiddenStateDisplay.from_estimator(model, rows)
    np.testing.assert_allclose(display.states, model.model_.transform(rows))
    assert display.names[:3] == ["high/0", "high/1", "low/0"]
    by_class = display.states.reshape(60, 3, 2).sum(axis=2)
    np.testing.assert_allclose(by_class, model.predict_proba(rows), atol=1e-9)


def test_from_states_refuses_what_does_not_fit():
    states = np.zeros((5, 2))
    with pytest.raises(ValueError, match="not covariances"):
        HiddenStateDisplay.from_states(states, np.zeros((5, 3)))
    with pytest.raises(ValueError, match=r"states has shape \(5, 2, 1\)"):
        HiddenStateDisplay.from_states(states[:, :, None])
    with pytest.raises(ValueError, match="kind='bars'.*'lines', 'image'"):
        HiddenStateDisplay.from_states(states, kind="bars")
    with pytest.raises(ValueError, match="coverage=0"):
        HiddenStateDisplay.from_states(states, coverage=0)


# Segments


def runs(states):
    """(state, first row, last row) of each run of equal states."""
    row = 0
    for state, run in groupby(states.tolist()):
        length = len(list(run))
        yield state, row, row + length - 1
        row += length


def assert_segments_are_runs(display, states):
    expected = {}
    for state, first, last in runs(states):
        expected.setdefault(state, []).append((first - 0.5, last + 0.5))
    drawn = {
        state: sorted(
            (path.vertices[:, 0].min(), path.vertices[:, 0].max())
            for path in collection.get_paths()
        )
        for state, collection in display.segments_.items()
    }
    assert drawn == expected


def test_segments_are_the_runs_of_decoded_states(rows):
    model = GaussianHMM(3, random_state=0).fit(rows)
    display = SegmentationDisplay.from_estimator(model, rows, features=[1])
    assert_segments_are_runs(display, model.predict(rows))
    (line,) = display.lines_
    np.testing.assert_array_equal(line.get_ydata(), rows[:, 1])
    low, high = display.ax_.get_ylim()  # the background sets no limits
    assert rows[:, 1].min() - 2 < low and high < rows[:, 1].max() + 2
    assert display.ax_.get_xlim() == (-0.5, 59.5)


def test_segments_of_labels_and_of_symbols(rows):
    labels = np.repeat(["low", "high", "low", "top"], [20, 15, 10, 15])
    model = HMMClassifier(random_state=0).fit(rows, labels)
    display = SegmentationDisplay.from_estimator(
        model, rows, display_labels={"top": "TOP"}
    )
    assert_segments_are_runs(display, model.predict(rows))
    assert display.segments_["top"].get_label() == "TOP"
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["high", "low", "TOP", "x0", "x1"]
    symbols = np.array(list("aaaabbbbab" * 6))[:, None]
    model = CategoricalHMM(2, random_state=0).fit(symbols)
    display = SegmentationDisplay.from_estimator(model, symbols)
    assert_segments_are_runs(display, model.predict(symbols))
    ticks = [text.get_text() for text in display.ax_.get_yticklabels()]
    np.testing.assert_array_equal(
        np.array(ticks)[display.lines_[0].get_ydata()], symbols[:, 0]
    )


def test_states_keep_their_colours_from_sequence_to_sequence():
    X = [np.zeros((3, 1)), np.ones((2, 1))]
    states = [np.array(["b", "b", "c"]), np.array(["c", "a"])]
    first = SegmentationDisplay.from_predictions(X, states)
    second = SegmentationDisplay.from_predictions(X, states, sequence=-1)
    assert set(first.segments_) == {"b", "c"} and set(second.segments_) == {"a", "c"}
    np.testing.assert_array_equal(
        first.segments_["c"].get_facecolor(), second.segments_["c"].get_facecolor()
    )
    assert_segments_are_runs(second, states[1])


def test_segments_must_fit_the_rows():
    with pytest.raises(ValueError, match="states has 4 entries.*3 samples"):
        SegmentationDisplay.from_predictions(np.zeros((3, 1)), [0, 1, 1, 0])
    with pytest.raises(ValueError, match=r"states has shape \(2,\).*3 rows"):
        SegmentationDisplay.from_predictions([np.zeros((3, 1))], [[0, 1]])
    with pytest.raises(ValueError, match="no column 1"):
        SegmentationDisplay.from_predictions(np.zeros((2, 1)), [0, 1], features=1)


# Transitions


def test_the_matrix_is_drawn_with_its_numbers(rows):
    model = GaussianHMM(3, random_state=0).fit(rows)
    display = TransitionMatrixDisplay.from_estimator(model)
    np.testing.assert_array_equal(np.asarray(display.im_.get_array()), model.transmat_)
    for i, j in np.ndindex(3, 3):
        text = display.text_[i, j]
        assert text.get_position() == (j, i)
        assert text.get_text() == f"{model.transmat_[i, j]:.2f}"
    display.plot(values_format=".0%", colorbar=False)
    assert display.text_[0, 0].get_text() == f"{model.transmat_[0, 0]:.0%}"
    assert display.colorbar_ is None
    assert display.plot(include_values=False).text_ is None
    regressor = HMMRegressor(2, random_state=0).fit(rows)
    display = TransitionMatrixDisplay.from_estimator(regressor)
    np.testing.assert_array_equal(display.transmat, regressor.model_.transmat_)


def test_numbers_stand_out_from_their_colour():
    display = TransitionMatrixDisplay.from_transmat(np.eye(2), cmap="gray")
    assert display.text_[0, 0].get_color() == "black"  # on white
    assert display.text_[0, 1].get_color() == "white"  # on black


def test_states_are_named_by_their_labels(rows):
    def ticks(model, **options):
        display = TransitionMatrixDisplay.from_estimator(model, **options)
        texts = [text.get_text() for text in display.ax_.get_xticklabels()]
        assert texts == [text.get_text() for text in display.ax_.get_yticklabels()]
        return texts

    labels = np.repeat(["low", "high"], [40, 20])
    assert ticks(HMMClassifier().fit(rows, labels)) == ["high", "low"]
    names = ticks(HMMClassifier(2, random_state=0).fit(rows, labels))
    assert names == ["high/0", "high/1", "low/0", "low/1"]
    switching = LDSClassifier(1).fit(rows, labels)
    assert ticks(switching) == ["high", "low"]
    assert ticks(switching, display_labels=["H", "L"]) == ["H", "L"]
    symbols = np.array(list("abab" * 10))[:, None]
    assert ticks(HMMClassifier(2, random_state=0).fit(symbols)) == ["0", "1"]


def test_from_transmat_takes_probabilities_only():
    with pytest.raises(ValueError, match="transmat must sum to 1 in each row"):
        TransitionMatrixDisplay.from_transmat([[0.5, 0.6], [0.5, 0.5]])
    with pytest.raises(ValueError, match=r"transmat has shape \(1, 2\)"):
        TransitionMatrixDisplay.from_transmat([[0.5, 0.5]])
    with pytest.raises(ValueError, match=r"transmat has shape \(1,\), .*\(1, 1\)"):
        TransitionMatrixDisplay.from_transmat(0.5)
    with pytest.raises(ValueError, match="display_labels has 1 entries"):
        TransitionMatrixDisplay.from_transmat(np.eye(2), display_labels=["a"])


# The course of a fit


def test_loss_curves_of_nets_with_held_out_data():
    X = make_sines(20, 30, random_state=0)
    net = RNNRegressor(3, max_iter=6, early_stopping=True, random_state=0).fit(X)
    display = LossCurveDisplay.from_estimator(net)
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), net.loss_curve_)
    np.testing.assert_array_equal(
        display.validation_lines_[0].get_ydata(), np.negative(net.validation_scores_)
    )
    assert display.validation_lines_[0].get_color() == display.lines_[0].get_color()
    mlp = MLPSequenceRegressor(2, solver="adam", max_iter=4, random_state=0).fit(X)
    both = LossCurveDisplay.from_estimator(mlp, name="other", ax=display.ax_)
    assert both.validation_lines_ == []
    texts = [text.get_text() for text in both.ax_.get_legend().get_texts()]
    assert texts == ["RNNRegressor", "RNNRegressor, held out", "other"]


def test_loss_curves_of_expectation_maximisation(rows):
    hmm = GaussianHMM(3, random_state=0).fit(rows)
    display = LossCurveDisplay.from_estimator(hmm)
    losses = display.lines_[0].get_ydata()
    # The last is that of the fitted model, of which score is the mean log-likelihood.
    assert losses[-1] == pytest.approx(-hmm.score_samples(rows).mean(), rel=1e-2)
    assert losses[-1] < losses[0]
    regressor = HMMRegressor(3, random_state=0).fit(rows)
    display = LossCurveDisplay.from_estimator(regressor)
    expected = regressor.model_.loss_curve_
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), expected)
    with pytest.raises(ValueError, match="no loss_curve_.*LinearDynamicalSystem"):
        LossCurveDisplay.from_estimator(LDSRegressor(2).fit(rows))
    panel, y = rows.reshape(6, 10, 2), [0, 1, 0, 1, 0, 1]
    models = HMMClassifier(random_state=0).fit(panel, y)
    display = LossCurveDisplay.from_estimator(models, name="HMM")
    assert [line.get_label() for line in display.lines_] == ["HMM, 0", "HMM, 1"]
    for line, model in zip(display.lines_, models.models_, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), model.loss_curve_)


def test_from_curves_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="Put a single curve into a list"):
        LossCurveDisplay.from_curves([3.0, 2.0, 1.0])
    with pytest.raises(ValueError, match="names has 2 entries.*1 loss curves"):
        LossCurveDisplay.from_curves([[3.0, 2.0]], names=["a", "b"])
    with pytest.raises(ValueError, match="validation_losses has 0 entries"):
        LossCurveDisplay.from_curves([[3.0, 2.0]], validation_losses=[])


# Gradients


def test_gradient_norms_are_those_of_gradient_flow():
    X, y = make_adding_problem(5, n_timesteps=12, random_state=0)
    net = RNNRegressor((4, 3), max_iter=1, random_state=0).fit(X, y)
    flow = gradient_flow(net, X, y)
    display = GradientFlowDisplay.from_estimator(net, X, y)
    assert len(display.lines_) == 2
    for line, norms in zip(display.lines_, flow.norms, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), flow.lags)
        np.testing.assert_array_equal(line.get_ydata(), norms)
    assert display.ax_.get_yscale() == "log"
    labels = [line.get_label() for line in display.lines_]
    assert labels == ["RNNRegressor, Layer 0", "RNNRegressor, Layer 1"]


def test_from_norms_refuses_what_does_not_fit():
    display = GradientFlowDisplay.from_norms([[1.0, 0.1], [2.0, 0.2]], [3, 5])
    np.testing.assert_array_equal(display.lines_[1].get_xdata(), [3, 5])
    with pytest.raises(ValueError, match="not negative"):
        GradientFlowDisplay.from_norms([1.0, -1.0])
    with pytest.raises(ValueError, match=r"lags has shape \(3,\).*2 lags"):
        GradientFlowDisplay.from_norms([1.0, 0.5], [0, 1, 2])
