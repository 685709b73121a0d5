#!/usr/bin/env bash
# The site of the documentation, in docs/_build/html: without a network, without a warning.
#
#     tools/build_docs.sh [FOLDER]
#
# FOLDER and PYTHON are as in test_newest.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/environment.sh
"$PYTHON" -m venv "$folder"
"$programs/python" -m pip install -e '.[docs]'
"$programs/python" -m sphinx -W --keep-going -b html docs docs/_build/html
