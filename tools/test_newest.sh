#!/usr/bin/env bash
# The whole suite with the newest packages: by the command in README.md, and then the slow
# tests. The first must run most lines of the package (in other processes, none counts).
#
#     tools/test_newest.sh [FOLDER]
#
# The virtual environment is made in FOLDER, or else in a temporary folder that is
# removed. PYTHON is the interpreter, by default python3. pip heeds its own variables:
# PIP_PRE=1 takes pre-releases, PIP_EXTRA_INDEX_URL another source of wheels.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/environment.sh
command=$(sed -n '/<!-- test command -->/,/^```$/p' README.md | sed '1,2d;$d')
case $command in
  'python3 -m venv .venv && .venv/bin/pip install -e '*) ;;
  *) echo "README.md: no test command, or another than is expected" >&2; exit 1 ;;
esac
printf '+ %s\n' "$command"
command=${command/python3/\"\$PYTHON\"}
command=${command//.venv\/bin/\"\$programs\"}
command=${command/.venv/\"\$folder\"}
export PYTHON programs folder
coverage='--cov=sklearn_seq --cov-report=term:skip-covered --cov-fail-under=98'
PYTEST_ADDOPTS=$coverage bash -euo pipefail -c "$command"
"$programs/python" -m pytest -n auto -m slow
