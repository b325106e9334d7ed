# Whom to wake, why, and what to do first. Thresholds are per minute, all instances together.
locals {
  alerts = {
    conflict_rate = {
      metric    = "conflicts"
      threshold = var.conflicts_per_minute
      duration  = "600s"
      severity  = "WARNING"
      title     = "many conflicts"
      advice    = "Writers meet on the same states. `tai-state stats GOVERNOR` names the busiest. Route the calls of a state to one instance (callers of one process share commits), move several states with transition_many, or split what one state counts."
    }
    retries_exhausted = {
      metric    = "retries_exhausted"
      threshold = 0
      duration  = "0s"
      severity  = "ERROR"
      title     = "calls give up"
      advice    = "Callers were told that nothing was written. Look at the field `cause`: store_unavailable points at Firestore or its quota (`tai-state doctor`), a conflict at a state that is too hot."
    }
    outcome_unknown = {
      metric    = "outcome_unknown"
      threshold = 0
      duration  = "0s"
      severity  = "ERROR"
      title     = "commits of unknown outcome"
      advice    = "The caller who sends the same idempotency key again is told what became of it. Without a key, look: `tai-state history GOVERNOR STATE` has the version that the record names, by its transition_id, or not. No move is half made."
    }
    locks_lost = {
      metric    = "locks_lost"
      threshold = 0
      duration  = "0s"
      severity  = "WARNING"
      title     = "locks are lost"
      advice    = "What a former holder still writes under its lock is refused. `cause` says how it was lost: `expired` is a process that was starved or frozen (give it CPU between requests, or a longer ttl), `unreachable` a store that did not answer, `broken` an operator."
    }
    damage = {
      metric    = "damage"
      threshold = 0
      duration  = "0s"
      severity  = "CRITICAL"
      title     = "damaged documents"
      advice    = "Somebody wrote past the library. `tai-state verify GOVERNOR` says what is wrong and `tai-state recover GOVERNOR --dry-run` what can be proven; docs/operations.md goes on from there. Find out who may write to the database."
    }
    findings = {
      metric    = "findings"
      threshold = 0
      duration  = "0s"
      severity  = "CRITICAL"
      title     = "recovery left something"
      advice    = "The job's report names each finding in `unresolved`; docs/operations.md says of each kind what it is. If the documents are gone, clone the database as it was before (infra/restore-drill.sh shows the commands) and carry the governor over with export and import."
    }
    failed_runs = {
      metric    = "runs"
      only      = "metric.labels.result=\"failed\""
      by        = ["resource.label.job_name"]
      threshold = 0
      duration  = "0s"
      severity  = "ERROR"
      title     = "a run failed"
      advice    = "Exit code 1: something is left, and the last lines of the run's log say what. 3: the store did not answer. 2: the arguments are wrong. The next run begins anew; nothing is half done."
    }
  }
}

resource "google_monitoring_alert_policy" "told" {
  for_each = local.alerts

  project               = var.project_id
  display_name          = "${var.name}: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = var.notification_channels

  conditions {
    display_name = each.value.title

    condition_threshold {
      filter          = join(" AND ", compact(["metric.type=\"${local.series[each.value.metric].metric}\"", local.series[each.value.metric].of, try(each.value.only, "")]))
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = each.value.duration

      # No record is good news.
      evaluation_missing_data = each.value.duration == "0s" ? null : "EVALUATION_MISSING_DATA_INACTIVE"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = try(each.value.by, null)
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "${local.series[each.value.metric].description} ${each.value.advice}"
  }

  alert_strategy {
    auto_close = "86400s"
  }
}
