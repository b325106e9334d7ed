#!/usr/bin/env bash
# Make sure that programs are here: .ci/ensure.sh PROGRAM... (each is in a package of its own name, or PROGRAM=PACKAGE).
#
# Silent when they are. What is missing is installed where a package manager can do it without a question;
# otherwise the exact command is printed and the exit code is 1.
set -euo pipefail

missing=() programs=()
for one in "$@"; do
    command -v "${one%%=*}" >/dev/null && continue
    programs+=("${one%%=*}") missing+=("${one##*=}")
done
((${#missing[@]})) || exit 0

echo ".ci/ensure.sh: installing ${missing[*]}" >&2
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
    manual="install ${missing[*]} with your package manager"
fi

for program in "${programs[@]}"; do
    command -v "$program" >/dev/null && continue
    echo ".ci/ensure.sh: $program is missing and could not be installed; run: $manual" >&2
    exit 1
done
