"""What score, score_samples, aic and bic mean, by a density without any memory."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_seq.density import SequenceDensity


class IndependentGaussian(SequenceDensity):
    """Each row is drawn anew; NaN is integrated out."""

    _allow_nan = True

    def __init__(self, *, burn_in=0, gaps="auto"):
        self.burn_in = burn_in
        self.gaps = gaps

    def fit(self, X, y=None, groups=None):
        rows = self._read_sequences(X, groups, reset=True).rows
        self.mean_, self.std_ = np.nanmean(rows, axis=0), np.nanstd(rows, axis=0)
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "mean_")

    def _log_likelihood(self, sequences):
        return np.nansum(norm(self.mean_, self.std_).logpdf(sequences.rows), axis=1)

    def _n_parameters(self):
        return 2 * len(self.mean_)


LENGTHS = (7, 1, 4)
SEQUENCES = [np.random.default_rng(n).normal(size=(n, 2)) for n in LENGTHS]
ROWS, GROUPS = np.concatenate(SEQUENCES), np.repeat([5, 3, 4], LENGTHS)
MODEL = IndependentGaussian().fit(SEQUENCES)
EXPECTED = norm(ROWS.mean(axis=0), ROWS.std(axis=0)).logpdf(ROWS).sum(axis=1)


def test_score_samples_come_in_the_layout_of_the_input():
    ragged = MODEL.score_samples(SEQUENCES)
    assert ragged.dtype == object and [len(x) for x in ragged] == list(LENGTHS)
    assert_allclose(np.concatenate(list(ragged)), EXPECTED)
    assert_allclose(MODEL.score_samples(ROWS, groups=GROUPS), EXPECTED)
    panel = MODEL.score_samples(ROWS.reshape(3, 4, 2))
    assert_allclose(panel, EXPECTED.reshape(3, 4))


def test_score_is_the_mean_over_time_steps():
    """Each time step counts alike, however long its sequence."""
    assert_allclose(MODEL.score(SEQUENCES), EXPECTED.mean())
    assert_allclose(MODEL.score(ROWS, groups=GROUPS), EXPECTED.mean())
    burnt = IndependentGaussian(burn_in=2).fit(SEQUENCES)
    counted = np.r_[EXPECTED[2:7], EXPECTED[10:]]
    assert_allclose(burnt.score(SEQUENCES), counted.mean())
    assert_allclose(burnt.score(ROWS, groups=GROUPS), counted.mean())
    with pytest.raises(ValueError, match="no row of X has a target to score by"):
        IndependentGaussian(burn_in=7).fit(SEQUENCES).score(SEQUENCES)


def test_sample_weight_weighs_rows_or_whole_sequences_in_the_mean():
    weights = np.array([1.0, 0.0, 3.0])
    by_row = np.repeat(weights, LENGTHS)
    expected = np.average(EXPECTED, weights=by_row)
    assert_allclose(MODEL.score(SEQUENCES, sample_weight=weights), expected)
    score = MODEL.score(ROWS, sample_weight=by_row, groups=GROUPS)
    assert_allclose(score, expected)
    far = [*SEQUENCES, np.full((1, 2), 1e100)]  # as good as impossible
    assert_allclose(MODEL.score(far, sample_weight=[*weights, 0]), expected)
    with pytest.raises(ValueError, match="sample_weight"):
        MODEL.score(SEQUENCES, sample_weight=by_row)
    with pytest.raises(ValueError, match="at least one non-zero"):
        MODEL.score(SEQUENCES, sample_weight=np.zeros(3))


def test_a_pipeline_scores_a_density_with_metadata_routing():
    pipeline = make_pipeline(FunctionTransformer(), IndependentGaussian())
    with sklearn.config_context(enable_metadata_routing=True):
        score = pipeline.fit(ROWS, groups=GROUPS).score(ROWS, groups=GROUPS)
    assert_allclose(score, EXPECTED.mean())


def test_criteria():
    """The log-likelihood is the total, and rows are the samples."""
    total = EXPECTED.sum()
    assert_allclose(MODEL.aic(SEQUENCES), 2 * 4 - 2 * total)
    assert_allclose(MODEL.bic(SEQUENCES), 4 * np.log(12) - 2 * total)
    assert_allclose(MODEL.bic(ROWS, groups=GROUPS), MODEL.bic(SEQUENCES))
    # Burn-in is for scores.
    burnt = IndependentGaussian(burn_in=2).fit(SEQUENCES)
    assert_allclose(burnt.aic(SEQUENCES), MODEL.aic(SEQUENCES))


def test_y_is_ignored():
    y = np.arange(12)
    assert_array_equal(MODEL.score_samples(ROWS, y), MODEL.score_samples(ROWS))
    assert MODEL.score(ROWS, y) == MODEL.score(ROWS)


def test_a_row_that_is_wholly_missing_counts_as_zero():
    holed = ROWS.copy()
    holed[3], holed[5, 0] = np.nan, np.nan
    log_density = MODEL.score_samples(holed)
    assert log_density[3] == 0.0
    only = norm(MODEL.mean_[1], MODEL.std_[1]).logpdf(ROWS[5, 1])
    assert_allclose(log_density[5], only)
    assert_allclose(MODEL.score(holed), log_density.mean())


@pytest.mark.parametrize("method", ["score", "score_samples", "aic", "bic"])
def test_errors(method):
    with pytest.raises(NotFittedError):
        getattr(IndependentGaussian(), method)(ROWS)
    with pytest.raises(ValueError, match="X has 1 features, but .* is expecting 2"):
        getattr(MODEL, method)(ROWS[:, :1])
    with pytest.raises(ValueError, match="groups must be contiguous"):
        getattr(MODEL, method)(ROWS, groups=np.arange(12) % 2)
    with pytest.raises(ValueError, match="infinity"):
        getattr(MODEL, method)(np.full((3, 2), np.inf))
