#!/bin/sh
# Run PYTHON, python3 by default, with these arguments, if it is new enough for the course.
set -eu
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
  { echo "Python 3.11 or newer is needed, '$python' is not one: make PYTHON=/path/to/python3.11 TARGET" >&2; exit 2; }
exec "$python" "$@"
