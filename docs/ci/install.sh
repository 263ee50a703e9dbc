#!/bin/sh
# ci/install.sh: one version of secrets-pipeline, and of all that it needs, each with its hash.
#
# ci/requirements.txt is requirements/runtime.txt of secrets-pipeline's repository at the version that is used, and
# ci/*.whl its wheel: `python -m pip wheel --no-deps --wheel-dir ci CHECKOUT`. Both are reviewed like any other file.
set -eu
cd "$(dirname "$0")"
python -I -m pip install --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r requirements.txt
python -I -m pip install --disable-pip-version-check --no-deps --no-index ./secrets_pipeline-*.whl
