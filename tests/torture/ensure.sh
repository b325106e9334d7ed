#!/usr/bin/env bash
# Make sure that spin and gcc are here: `make torture` explores the model of the lease protocol with them.
#
# Silent when both are there. What is missing is installed where a package manager can do it without a question;
# otherwise the exact command is printed and the exit code is 1.
set -euo pipefail

missing=()
for program in spin gcc; do
    command -v "$program" >/dev/null || missing+=("$program")
done
((${#missing[@]})) || exit 0

echo "tests/torture/ensure.sh: installing ${missing[*]}" >&2
as_root=()
[[ "$(id -u)" == 0 ]] || as_root=(sudo -n)
if command -v apt-get >/dev/null; then
    manual="sudo apt-get update && sudo apt-get install -y ${missing[*]}"
    # Fresh machines have no package lists; where the lists are there, an update would only cost time.
    apt-cache show "${missing[@]}" >/dev/null 2>&1 || "${as_root[@]}" apt-get update -qq >&2 || true
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 || true
elif command -v brew >/dev/null; then
    manual="brew install ${missing[*]}"
    brew install --quiet "${missing[@]}" >&2 || true
else
    manual="install ${missing[*]} with your package manager; spin's source is at https://spinroot.com"
fi

for program in "${missing[@]}"; do
    command -v "$program" >/dev/null && continue
    echo "tests/torture/ensure.sh: $program is missing and could not be installed; run: $manual" >&2
    exit 1
done
