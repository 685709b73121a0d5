import pytest
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from sklearn_seq._core import documentation_link
from sklearn_seq.autoregressive import ARRegressor
from sklearn_seq.hmm import GaussianHMM
from sklearn_seq.preprocessing import PerTimestep

LABELS = ["Homepage, https://example.org", "Documentation, https://example.org/docs/"]


@pytest.mark.parametrize(
    "estimator", [ARRegressor(), GaussianHMM(), PerTimestep(StandardScaler())]
)
def test_the_representation_leads_to_the_page(monkeypatch, estimator):
    metadata = {"Project-URL": LABELS}

    class Metadata:
        get_all = metadata.get

    monkeypatch.setattr(documentation_link, "metadata", lambda name: Metadata)
    page = f"https://example.org/docs/api/sklearn_seq.{type(estimator).__name__}.html"
    assert f'href="{page}"' in estimator_html_repr(estimator)


def test_no_page_no_link(monkeypatch):
    def missing(name):
        raise documentation_link.PackageNotFoundError

    monkeypatch.setattr(documentation_link, "metadata", missing)
    text = estimator_html_repr(ARRegressor())
    assert "ARRegressor" in text and "href" not in text
