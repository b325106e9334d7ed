# Who may do what: the service and the jobs read and write documents of this one database, the scheduler starts the jobs.
# Nobody administers anything, and there are no keys: Cloud Run gives each its identity.
locals {
  # The accounts that work on documents.
  workers = {
    service = google_service_account.service.email
    jobs    = google_service_account.jobs.email
  }
}

resource "google_service_account" "service" {
  project      = var.project_id
  account_id   = "${var.name}-service"
  display_name = "The service ${var.name}"
  description  = "Reads and writes the documents of the database ${var.database_id}."
}

resource "google_service_account" "jobs" {
  project      = var.project_id
  account_id   = "${var.name}-jobs"
  display_name = "The jobs of ${var.name}"
  description  = "Recovers, and removes what has expired, in the database ${var.database_id}."
}

resource "google_service_account" "scheduler" {
  project      = var.project_id
  account_id   = "${var.name}-clock"
  display_name = "The clock of ${var.name}"
  description  = "Starts the jobs, and can do nothing else."
}

# Documents only: roles/datastore.user holds no permission to make, change, export or delete a database or its indexes.
resource "google_project_iam_member" "data" {
  for_each = local.workers

  project = var.project_id
  role    = "roles/datastore.user"
  member  = "serviceAccount:${each.value}"

  condition {
    title       = "only-${var.database_id == "(default)" ? "default" : var.database_id}"
    description = "The documents of one database."
    expression  = "resource.name == \"projects/${var.project_id}/databases/${var.database_id}\""
  }
}

resource "google_cloud_run_v2_job_iam_member" "start" {
  for_each = google_cloud_run_v2_job.upkeep

  project  = var.project_id
  location = each.value.location
  name     = each.value.name
  role     = "roles/run.invoker"
  member   = "serviceAccount:${google_service_account.scheduler.email}"
}

resource "google_cloud_run_v2_service_iam_member" "invoke" {
  for_each = var.invokers

  project  = var.project_id
  location = google_cloud_run_v2_service.service.location
  name     = google_cloud_run_v2_service.service.name
  role     = "roles/run.invoker"
  member   = each.value
}
