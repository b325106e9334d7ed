output "store_url" {
  description = "The store, as TAI_STATE_STORE and `tai-state --store` take it."
  value       = local.store_url
}

output "service_url" {
  description = "Where the service answers those who may call it."
  value       = google_cloud_run_v2_service.service.uri
}

output "service_account" {
  description = "As whom the service works."
  value       = google_service_account.service.email
}

output "jobs" {
  description = "The names of the jobs, for `gcloud run jobs execute`."
  value       = { for key, job in google_cloud_run_v2_job.upkeep : key => job.name }
}

output "dashboard" {
  description = "Where to look."
  value       = "https://console.cloud.google.com/monitoring/dashboards/builder/${reverse(split("/", google_monitoring_dashboard.overview.id))[0]}?project=${var.project_id}"
}
