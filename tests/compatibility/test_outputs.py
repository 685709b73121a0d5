import numpy as np
import pytest
from outputs import compare, difference, outputs
from test_common import CASES


def test_differences_are_relative_to_the_largest_value():
    one = np.array([1e6, 2.0])
    assert difference(one, one + [0.0, 1e-3]) == pytest.approx(1e-9)
    assert difference(one / 1e9, one / 1e9 + 1e-3) == pytest.approx(1e-3)
    assert difference(one, one[:1]) == np.inf
    labels = np.array(["a", "b"])
    assert difference(labels, labels) == 0
    assert difference(labels, labels[::-1]) == np.inf


def test_what_differs_is_told(tmp_path, capsys):
    case = CASES[0]
    arrays = {f"{case.name}|{name}": v for name, v in outputs(case).items()}
    np.savez(tmp_path / "one.npz", **arrays)
    assert compare(tmp_path / "one.npz", tmp_path / "one.npz")
    assert "differs" not in capsys.readouterr().out
    arrays["AR|predict"] = arrays["AR|predict"] + 2e-12 * arrays["AR|predict"].max()
    np.savez(tmp_path / "two.npz", **arrays)
    assert not compare(tmp_path / "one.npz", tmp_path / "two.npz")
    assert "AR  <-- differs" in capsys.readouterr().out
    np.savez(tmp_path / "none.npz")
    with pytest.raises(SystemExit, match="other estimators"):
        compare(tmp_path / "one.npz", tmp_path / "none.npz")
