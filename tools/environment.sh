# For the scripts beside it: $PYTHON, $folder for a virtual environment and the $programs
# in it. The folder is the script's first argument, or temporary.
PYTHON=${PYTHON:-python3}
if [ $# -gt 0 ]; then
  folder=$1
else
  temporary=$(mktemp -d)
  trap 'rm -rf "$temporary"' EXIT
  folder=$temporary/venv
fi
# Windows has another name for it.
programs=$folder/$("$PYTHON" -c 'import os; print("Scripts" if os.name == "nt" else "bin")' | tr -d '\r')
