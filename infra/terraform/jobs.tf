# What an operator would do by hand, by the clock: mend what can be proven, and remove what has expired. And what is due
# (timeouts of machines, and schedules), where no service runs a DueWorker: each move is made once, whoever makes it. All of
# them may be ended anywhere and run again, beside writers and beside another run of themselves.
locals {
  every_job = {
    recover = {
      is_wanted = true
      schedule  = var.schedules.recover
      command   = ["recover", "--yes"]
    }
    gc = {
      is_wanted = true
      schedule  = var.schedules.gc
      command   = concat(["gc", "--yes"], var.gc_arguments)
    }
    due = {
      is_wanted = length(var.due_machines) > 0
      schedule  = var.due_schedule
      command   = concat(["due", "run", "--once"], flatten([for machine in var.due_machines : ["--machine", machine]]))
    }
  }
  jobs = { for key, job in local.every_job : key => job if job.is_wanted }
}

resource "google_cloud_run_v2_job" "upkeep" {
  for_each = local.jobs

  project             = var.project_id
  name                = "${var.name}-${each.key}"
  location            = var.region
  deletion_protection = true

  template {
    task_count = 1

    template {
      service_account = google_service_account.jobs.email
      timeout         = "${var.job_timeout_seconds}s"

      # Exit code 1 says that something is left for a person, and another run would leave it again. A run that was cut off is
      # made up for by the next.
      max_retries = 0

      containers {
        image   = coalesce(var.images.jobs, var.images.service)
        command = ["python", "-m", "tai_state"]

        # With --json each line of the output is an entry with fields, by which metrics.tf counts.
        args = concat(["--json", "--actor", "${var.name}-${each.key}", "--reason", "scheduled"], each.value.command)

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

resource "google_cloud_scheduler_job" "upkeep" {
  for_each = local.jobs

  project          = var.project_id
  region           = var.region
  name             = "${var.name}-${each.key}"
  description      = "Starts `tai-state ${each.key}` on ${var.database_id}."
  schedule         = each.value.schedule
  time_zone        = var.time_zone
  attempt_deadline = "60s"

  retry_config {
    retry_count = 3
  }

  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/${google_cloud_run_v2_job.upkeep[each.key].id}:run"

    oauth_token {
      service_account_email = google_service_account.scheduler.email
    }
  }

  depends_on = [google_project_service.required]
}
