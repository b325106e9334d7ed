# What the package tells in its log, counted. It writes each record with the field `event`; tai_state.telemetry.logs puts that
# into the entry's JSON. The jobs print their reports as JSON. tests/unit/infra holds each filter against records that
# the package really writes.
locals {
  log_sources = {
    service = {
      type   = "cloud_run_revision"
      filter = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${var.name}\""
    }
    recover = {
      type   = "cloud_run_job"
      filter = "resource.type=\"cloud_run_job\" AND resource.labels.job_name=\"${var.name}-recover\""
    }
  }

  log_metrics = {
    conflicts = {
      source      = "service"
      condition   = "jsonPayload.event=\"conflict\""
      description = "Changes that were made again, since another writer was first."
    }
    ambiguous_commits = {
      source      = "service"
      condition   = "jsonPayload.event=\"ambiguous\""
      description = "Commits whose reply was lost. They are resent as they are, and settled by reading."
    }
    store_retries = {
      source      = "service"
      condition   = "jsonPayload.event=\"retry\""
      description = "Calls that were made again, since the store did not answer."
    }
    retries_exhausted = {
      source      = "service"
      condition   = "jsonPayload.event=\"retries_exhausted\""
      description = "Calls that gave up, their attempts spent or their time over."
    }
    outcome_unknown = {
      source      = "service"
      condition   = "jsonPayload.event=\"outcome_unknown\""
      description = "Commits of which nobody knows whether they were applied."
    }
    locks_lost = {
      source      = "service"
      condition   = "jsonPayload.event=\"lock_lost\""
      description = "Locks that ended before their holder released them."
    }
    damage = {
      source      = "service"
      condition   = "jsonPayload.event=\"damage\""
      description = "Documents that a caller met and that cannot be read, or are missing."
    }
    findings = {
      source      = "recover"
      condition   = "jsonPayload.unresolved.kind:*"
      description = "Governors of which recovery left something for a person."
    }
    repairs = {
      source      = "recover"
      condition   = "jsonPayload.repaired.kind:*"
      description = "Governors of which recovery repaired something."
    }
  }

  # What alerts and charts are about: a metric of Cloud Monitoring, and whose.
  series = merge(
    {
      for key, metric in local.log_metrics : key => {
        metric      = "logging.googleapis.com/user/${google_logging_metric.counted[key].name}"
        of          = "resource.type=\"${local.log_sources[metric.source].type}\""
        description = metric.description
        legend      = key
      }
    },
    {
      runs = {
        metric      = "run.googleapis.com/job/completed_execution_count"
        of          = "resource.type=\"cloud_run_job\" AND resource.labels.job_name=one_of(${join(", ", [for job in google_cloud_run_v2_job.upkeep : "\"${job.name}\""])})"
        description = "Runs of the jobs, each counted when it has ended."
      }
    },
  )
}

resource "google_logging_metric" "counted" {
  for_each = local.log_metrics

  project     = var.project_id
  name        = "${var.name}/${each.key}"
  description = each.value.description
  filter      = "${local.log_sources[each.value.source].filter} AND ${each.value.condition}"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }

  depends_on = [google_project_service.required]
}
