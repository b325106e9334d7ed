locals {
  store_url = "firestore://${var.project_id}/${var.database_id}"
}

resource "google_cloud_run_v2_service" "service" {
  project             = var.project_id
  name                = var.name
  location            = var.region
  ingress             = var.ingress
  deletion_protection = true

  template {
    service_account                  = google_service_account.service.email
    max_instance_request_concurrency = var.concurrency

    # Longer than a call of the store may take (30 s by default), so that the caller hears how it ended.
    timeout = "60s"

    scaling {
      min_instance_count = var.min_instances
      max_instance_count = var.max_instances
    }

    containers {
      image = var.images.service

      ports {
        container_port = 8080
      }

      env {
        name  = "TAI_STATE_STORE"
        value = local.store_url
      }

      resources {
        limits = {
          cpu    = var.cpu
          memory = var.memory
        }

        # Between requests, too: the heartbeats of locks, the reading of watches and the drain run in the background.
        cpu_idle          = false
        startup_cpu_boost = true
      }

      startup_probe {
        http_get {
          path = var.probes.readiness
        }

        period_seconds    = 2
        timeout_seconds   = 2
        failure_threshold = 30
      }

      liveness_probe {
        http_get {
          path = var.probes.liveness
        }

        period_seconds    = 10
        timeout_seconds   = 5
        failure_threshold = 3
      }
    }
  }

  # The right to the data comes before the first instance, which is not ready without it.
  depends_on = [google_project_iam_member.data]
}
