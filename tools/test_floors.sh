#!/usr/bin/env bash
# Tests of every family with the oldest packages that pyproject.toml allows.
#
#     tools/test_floors.sh [FOLDER]
#
# The virtual environment is made in FOLDER, or else in a temporary folder that is
# removed. PYTHON is the interpreter, by default python3; it must be one for which these
# packages have wheels (3.11 to 3.13).
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/environment.sh
"$PYTHON" -m venv "$folder"
"$programs/python" -m pip install -c tools/floors.txt -e '.[test]'
"$programs/python" -m pytest -n auto \
  tests/test_common.py \
  tests/test_sequences.py \
  tests/test_time_index.py \
  tests/test_packaging.py \
  tests/autoregressive/test_ar.py \
  tests/hmm/test_hmm.py \
  tests/lds/test_lds.py \
  tests/echo_state/test_echo_state.py \
  tests/rnn/test_rnn_regressor.py
