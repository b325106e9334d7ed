# What there is to see. A line is the sum over all instances, each minute, unless it says otherwise.
locals {
  of_service  = local.log_sources.service.filter
  of_database = "resource.type=\"firestore.googleapis.com/Database\" AND resource.labels.database_id=\"${var.database_id}\""

  charts = [
    {
      title = "Requests a second, by class"
      lines = [{ metric = "run.googleapis.com/request_count", of = local.of_service, aligner = "ALIGN_RATE", by = "metric.label.response_code_class" }]
    },
    {
      title = "Latency of requests"
      unit  = "ms"
      lines = [
        for percentile in [50, 95, 99] : {
          metric  = "run.googleapis.com/request_latencies"
          of      = local.of_service
          aligner = "ALIGN_PERCENTILE_${percentile}"
          reducer = "REDUCE_MAX"
          legend  = "${percentile} %"
        }
      ]
    },
    {
      title = "Instances"
      lines = [{ metric = "run.googleapis.com/container/instance_count", of = local.of_service, aligner = "ALIGN_MAX", by = "metric.label.state" }]
    },
    {
      title = "Conflicts, retries and lost replies a minute"
      lines = [local.series.conflicts, local.series.store_retries, local.series.ambiguous_commits]
    },
    {
      title = "Given up, and of unknown outcome, a minute"
      lines = [local.series.retries_exhausted, local.series.outcome_unknown]
    },
    {
      title = "Locks lost and damage a minute"
      lines = [local.series.locks_lost, local.series.damage]
    },
    {
      title = "Recovery: governors repaired, and left"
      lines = [local.series.repairs, local.series.findings]
    },
    {
      title = "Runs of the jobs, by result"
      lines = [merge(local.series.runs, { by = "metric.label.result" })]
    },
    {
      title = "Documents read and written a second"
      lines = [
        { metric = "firestore.googleapis.com/document/read_ops_count", of = local.of_database, aligner = "ALIGN_RATE", legend = "read" },
        { metric = "firestore.googleapis.com/document/write_ops_count", of = local.of_database, aligner = "ALIGN_RATE", legend = "written" },
      ]
    },
    {
      title = "Latency of Firestore"
      unit  = "s"
      lines = [
        {
          metric  = "firestore.googleapis.com/api/request_latencies"
          of      = local.of_database
          aligner = "ALIGN_PERCENTILE_99"
          reducer = "REDUCE_MAX"
          by      = "metric.label.api_method"
          legend  = "99 %"
        },
      ]
    },
  ]
}

resource "google_monitoring_dashboard" "overview" {
  project = var.project_id

  dashboard_json = jsonencode({
    displayName = var.name
    gridLayout = {
      columns = "2"
      widgets = [
        for chart in local.charts : {
          title = chart.title
          xyChart = {
            yAxis = merge({ scale = "LINEAR" }, try({ label = chart.unit }, {}))
            dataSets = [
              for line in chart.lines : merge(
                {
                  plotType = "LINE"
                  timeSeriesQuery = {
                    timeSeriesFilter = {
                      filter = "metric.type=\"${line.metric}\" AND ${line.of}"
                      aggregation = merge(
                        {
                          alignmentPeriod    = "60s"
                          perSeriesAligner   = try(line.aligner, "ALIGN_DELTA")
                          crossSeriesReducer = try(line.reducer, "REDUCE_SUM")
                        },
                        try({ groupByFields = [line.by] }, {}),
                      )
                    }
                  }
                },
                try({ legendTemplate = line.legend }, {}),
              )
            ]
          }
        }
      ]
    }
  })
}
