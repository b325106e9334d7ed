# Whom to wake, why, and what to do first. Each of them is about one counted record; thresholds are per minute, all instances
# together.
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
  }
}

resource "google_monitoring_alert_policy" "counted" {
  for_each = local.alerts

  project               = var.project_id
  display_name          = "${var.name}: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = var.notification_channels

  conditions {
    display_name = each.value.title

    condition_threshold {
      filter          = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.counted[each.value.metric].name}\" AND resource.type=\"${local.log_sources[local.log_metrics[each.value.metric].source].type}\""
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = each.value.duration

      # No record is good news.
      evaluation_missing_data = each.value.duration == "0s" ? null : "EVALUATION_MISSING_DATA_INACTIVE"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "${google_logging_metric.counted[each.value.metric].description} ${each.value.advice}"
  }

  alert_strategy {
    auto_close = "86400s"
  }
}

# A job that ends with another code than 0: it found something that it must leave, or could not work at all.
resource "google_monitoring_alert_policy" "failed_job" {
  for_each = google_cloud_run_v2_job.upkeep

  project               = var.project_id
  display_name          = "${each.value.name}: a run failed"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = var.notification_channels

  conditions {
    display_name = "a run failed"

    condition_threshold {
      filter          = "metric.type=\"run.googleapis.com/job/completed_execution_count\" AND resource.type=\"cloud_run_job\" AND resource.labels.job_name=\"${each.value.name}\" AND metric.labels.result=\"failed\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Exit code 1: something is left, and the last lines of the run's log say what. 3: the store did not answer. 2: the arguments are wrong. The next run begins anew; nothing is half done."
  }

  alert_strategy {
    auto_close = "172800s"
  }
}
