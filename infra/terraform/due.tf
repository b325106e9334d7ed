# What is due (timeouts of machines, and schedules) is done by the services that run a DueWorker. Where nothing runs between
# requests, this job does it by the clock: each move is made once, whoever makes it. It is there where machines are named.
resource "google_cloud_run_v2_job" "due" {
  count = length(var.due_machines) > 0 ? 1 : 0

  project             = var.project_id
  name                = "${var.name}-due"
  location            = var.region
  deletion_protection = true

  template {
    task_count = 1

    template {
      service_account = google_service_account.jobs.email
      timeout         = "${var.job_timeout_seconds}s"

      # What a run leaves is due for the next one.
      max_retries = 0

      containers {
        image   = coalesce(var.images.jobs, var.images.service)
        command = ["python", "-m", "tai_state"]
        args = concat(
          ["--json", "--actor", "${var.name}-due", "due", "run", "--once"],
          flatten([for machine in var.due_machines : ["--machine", machine]])
        )

        env {
          name  = "TAI_STATE_STORE"
          value = local.store_url
        }

        resources {
          limits = {
            cpu    = "1"
            memory = "1Gi"
          }
        }
      }
    }
  }

  depends_on = [google_project_iam_member.data]
}

resource "google_cloud_scheduler_job" "due" {
  count = length(var.due_machines) > 0 ? 1 : 0

  project          = var.project_id
  region           = var.region
  name             = "${var.name}-due"
  description      = "Starts `tai-state due run --once` on ${var.database_id}."
  schedule         = var.due_schedule
  time_zone        = var.time_zone
  attempt_deadline = "60s"

  retry_config {
    retry_count = 3
  }

  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/${google_cloud_run_v2_job.due[0].id}:run"

    oauth_token {
      service_account_email = google_service_account.scheduler.email
    }
  }

  depends_on = [google_project_service.required]
}
