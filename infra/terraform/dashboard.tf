resource "google_monitoring_dashboard" "overview" {
  project = var.project_id

  dashboard_json = templatefile("${path.module}/dashboard.json.tftpl", {
    name     = var.name
    database = var.database_id
  })

  depends_on = [google_logging_metric.counted]
}
