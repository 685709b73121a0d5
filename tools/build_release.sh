#!/usr/bin/env bash
# The source archive and the wheel for every system, which has no compiled kernels, in
# dist/, and a try of both. The archive's kernels are compiled here.
#
#     tools/build_release.sh [FOLDER]
#
# FOLDER and PYTHON are as in test_newest.sh. In a checkout of a tag, the version must be
# that of the tag.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/environment.sh
"$PYTHON" -m venv "$folder"
"$programs/python" -m pip install build twine
rm -rf dist
SKLEARN_SEQ_PURE=1 "$programs/python" -m build --outdir dist
"$programs/python" -m twine check --strict dist/*
"$programs/python" -m pip install dist/*.whl
checkout=$PWD
cd "$folder"  # away from the sources, so that the wheel is imported
version=$("$programs/python" -c '
import pathlib, sklearn_seq
from sklearn_seq.datasets import load_sunspots
X = load_sunspots().data
sklearn_seq.ARRegressor(9).fit(X).predict(X)
assert (pathlib.Path(sklearn_seq.__file__).parent / "py.typed").exists()
print(sklearn_seq.__version__)
' | tr -d '\r')
ls "$checkout"/dist/sklearn_seq-"$version"-py3-none-any.whl
SKLEARN_SEQ_PURE=0 "$programs/python" -m pip install --force-reinstall --no-deps \
  "$checkout"/dist/*.tar.gz
"$programs/python" -c '
from sklearn_seq.hmm.inference import compiled
assert compiled
'
tag=${GITHUB_REF_NAME:-$(git -C "$checkout" describe --tags --exact-match 2>/dev/null || true)}
case $tag in
  v[0-9]*) test "$tag" = "v$version" || { echo "tag $tag, version $version" >&2; exit 1; } ;;
esac
