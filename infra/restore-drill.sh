#!/usr/bin/env bash
# Restore the database under another name, prove that the copy is whole, and throw the copy away: now and then, so that the day
# on which it matters is not the first time.
#
#   infra/restore-drill.sh pitr   --project my-project --database tai-state [--at 2026-03-31T19:04:00Z]
#   infra/restore-drill.sh backup --project my-project --database tai-state [--backup projects/.../backups/...]
#
# pitr clones the database as it was at a whole minute of the last seven days (an hour ago unless --at says which); backup restores
# the newest backup that is ready, or the one that is named. Both write into a new database, never into the one that is in use.
#
#   --into NAME     the copy's name; restore-drill-DATE-TIME by default. It must not be there yet.
#   --keep          leave the copy there; also done, and said, when it is not sound
#   --dry-run       print the commands, run none
#
# It needs gcloud, signed in as somebody with roles/datastore.owner on the project, and tai-state.
set -euo pipefail

usage() {
    sed -n '2,/^set -euo/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
}

fail() {
    echo "restore-drill.sh: $1" >&2
    exit 2
}

# Whether an option has a value behind it.
needs_value() {
    [[ $# -ge 2 && -n "$2" && "$2" != --* ]] || fail "$1 takes a value"
}

run() {
    if [[ "$is_dry" == yes ]]; then
        printf '%q ' "$@" | sed 's/ $//'
        echo
    else
        echo "+ $*" >&2
        "$@"
    fi
}

way="${1:-}"
case "$way" in
    pitr | backup) shift ;;
    -h | --help)
        usage
        exit 0
        ;;
    *)
        usage >&2
        exit 2
        ;;
esac

project="" database="" at="" backup="" into="" is_dry=no keep=no
while [[ $# -gt 0 ]]; do
    case "$1" in
        --dry-run) is_dry=yes ;;
        --keep) keep=yes ;;
        --project | --database | --at | --backup | --into)
            needs_value "$@"
            case "$1" in
                --project) project="$2" ;;
                --database) database="$2" ;;
                --at) at="$2" ;;
                --backup) backup="$2" ;;
                --into) into="$2" ;;
            esac
            shift
            ;;
        *) fail "unknown argument $1" ;;
    esac
    shift
done

[[ -n "$project" ]] || fail "--project is missing"
[[ -n "$database" ]] || fail "--database is missing"
[[ -n "$into" ]] || into="restore-drill-$(date -u +%Y%m%d-%H%M%S)"
[[ "$into" =~ ^[a-z][a-z0-9-]{2,61}[a-z0-9]$ ]] || fail "--into $into: 4 to 63 lower-case letters, digits and hyphens, a letter first"
[[ "$into" != "$database" ]] || fail "--into names the database itself: a copy goes beside it"
[[ "$way" == pitr || -z "$at" ]] || fail "--at goes with pitr: a backup is of its own moment"
[[ "$way" == backup || -z "$backup" ]] || fail "--backup goes with backup"

source="projects/$project/databases/$database"
store="firestore://$project/$into"

# Times are those of whole minutes: nothing else can be read further back than an hour.
if [[ "$way" == pitr ]]; then
    [[ -n "$at" ]] || at="$(date -u -d '1 hour ago' +%Y-%m-%dT%H:%M:00Z 2>/dev/null || date -u -v-1H +%Y-%m-%dT%H:%M:00Z)"
    [[ "$at" =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:00(\.0+)?Z$ ]] || fail "--at $at: a whole minute in UTC, such as 2026-03-31T19:04:00Z"
fi

if [[ "$way" == backup && -z "$backup" ]]; then
    # Quoted for gcloud, too: the parentheses of (default) are a part of its language of filters.
    list=(gcloud firestore backups list --project="$project" --filter="database=\"$source\" AND state=READY"
        --sort-by=~snapshotTime --limit=1 --format="value(name)")
    if [[ "$is_dry" == yes ]]; then
        run "${list[@]}"
        backup="THE_NEWEST"
    else
        backup="$(run "${list[@]}")"
        [[ -n "$backup" ]] || fail "no backup of $source is ready; terraform makes the schedules"
    fi
fi

began=$SECONDS
case "$way" in
    pitr) run gcloud firestore databases clone --project="$project" --source-database="$source" --snapshot-time="$at" --destination-database="$into" ;;
    backup) run gcloud firestore databases restore --project="$project" --source-backup="$backup" --destination-database="$into" ;;
esac

# Both commands may return when the work has begun. The copy can be read once none of its operations is under way.
unfinished=(gcloud firestore operations list --project="$project" --database="$into" --filter="NOT done=true" --format="value(name)")
while true; do
    under_way="$(run "${unfinished[@]}")"
    [[ "$is_dry" == no ]] || echo "$under_way"
    [[ "$is_dry" == no && -n "$under_way" ]] || break
    sleep "${RESTORE_DRILL_POLL_SECONDS:-15}"
done

# What was restored is a store like any other: its chains prove it, whoever made the copy. Of nothing they prove nothing.
verdict=0
governors="$(run tai-state --store "$store" governors)" || verdict=$?
if [[ -n "$governors" ]]; then
    echo "$governors"
elif [[ "$verdict" == 0 ]]; then
    echo "restore-drill.sh: the copy has no governor" >&2
    verdict=1
fi
run tai-state --store "$store" verify || verdict=$?
[[ "$is_dry" == yes ]] || echo "restore-drill.sh: $((SECONDS - began)) s from the first command to the verdict" >&2

if [[ "$verdict" != 0 ]]; then
    echo "restore-drill.sh: the copy is not sound (exit code $verdict); it stays as $into, to be looked at" >&2
    exit 1
fi
if [[ "$keep" == yes ]]; then
    echo "restore-drill.sh: the copy stays as $into" >&2
    exit 0
fi
run gcloud firestore databases delete --project="$project" --database="$into" --quiet
