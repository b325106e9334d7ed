#!/usr/bin/env bash
# Make sure that a program of Debian's is here: .ci/ensure.sh PROGRAM [PACKAGE]
#
# Silent when it is. Otherwise it is installed where apt can do it without a question; else the command is printed
# and the exit code is 1.
set -euo pipefail

program="$1"
package="${2:-$1}"
command -v "$program" >/dev/null && exit 0

as_root=()
[[ "$(id -u)" == 0 ]] || as_root=(sudo -n)
if command -v apt-get >/dev/null && "${as_root[@]}" true 2>/dev/null; then
    echo ".ci/ensure.sh: installing $package" >&2
    "${as_root[@]}" apt-get update -qq || true
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >&2 || true
fi
if ! command -v "$program" >/dev/null; then
    echo ".ci/ensure.sh: $program is missing; install it: sudo apt-get install $package" >&2
    exit 1
fi
