#!/usr/bin/env bash
# Run the tests on every Python from 3.11 up that this machine has, each in a virtual environment of its own.
#
# Usage: .ci/test_all.sh [PYTEST ARGUMENT...]
#
# Looks for python3.N on PATH, where it must really run, and under ~/.pyenv/versions. One interpreter for each
# minor version: the one on PATH first, then pyenv's newest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The minor version that interpreter $1 runs as, such as 3.12; fails when it does not run or cannot make a venv.
version_of() {
    "$1" -c 'import ensurepip, sys, venv; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

# Every candidate on one line each, in the order of preference.
candidates() {
    local folder
    while IFS= read -r -d: folder; do
        find "${folder:-.}" -maxdepth 1 -regex '.*/python3\.\(1[1-9]\|[2-9][0-9]\)' 2>/dev/null | sort -V
    done <<<"${PATH}:"
    find "${HOME}/.pyenv/versions" -mindepth 3 -maxdepth 3 -path '*/bin/python3' 2>/dev/null | sort -rV
}

declare -A interpreters
while IFS= read -r candidate; do
    if ! version=$(version_of "${candidate}"); then
        echo "passed over: ${candidate} (does not run, or has no venv and ensurepip)"
        continue
    fi
    minor=${version#3.}
    if [[ ${version} != 3.* || ${minor} -lt 11 || -n ${interpreters[${version}]:-} ]]; then
        continue
    fi
    interpreters[${version}]=${candidate}
    echo "found: Python ${version} at ${candidate}"
done < <(candidates)

if [[ ${#interpreters[@]} -eq 0 ]]; then
    echo "no Python from 3.11 up on PATH or under ~/.pyenv/versions" >&2
    exit 1
fi

# A virtual environment is built anew when pyproject.toml is newer than its stamp.
prepare() {
    local venv=$1 interpreter=$2
    if [[ -e ${venv}/.stamp && ! pyproject.toml -nt ${venv}/.stamp ]]; then
        return
    fi
    "${interpreter}" -m venv --clear "${venv}"
    "${venv}/bin/pip" install --quiet --quiet --disable-pip-version-check --editable '.[dev]'
    touch "${venv}/.stamp"
}

summary=()
failed=0
for version in $(printf '%s\n' "${!interpreters[@]}" | sort -V); do
    venv=.venvs/${version}
    echo "== Python ${version}"
    prepare "${venv}" "${interpreters[${version}]}"
    if "${venv}/bin/pytest" "$@"; then
        summary+=("Python ${version}: passed")
    else
        summary+=("Python ${version}: FAILED")
        failed=1
    fi
done

echo "== Summary"
printf '%s\n' "${summary[@]}"
exit "${failed}"
