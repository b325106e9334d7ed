# The store itself. Three things stand between it and a slip: Firestore's own delete protection, Terraform's
# prevent_destroy, and a deletion policy under which Terraform would only forget it.
resource "google_firestore_database" "store" {
  project     = var.project_id
  name        = var.database_id
  location_id = var.database_location
  type        = "FIRESTORE_NATIVE"

  # tai_state opens no transactions of the server's: every commit carries its own preconditions. Whoever reads beside it
  # in a transaction should not block it.
  concurrency_mode            = "OPTIMISTIC"
  app_engine_integration_mode = "DISABLED"

  # Every minute of the last seven days can be read and cloned.
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"

  delete_protection_state = "DELETE_PROTECTION_ENABLED"
  deletion_policy         = "ABANDON"

  lifecycle {
    prevent_destroy = true
  }

  depends_on = [google_project_service.required]
}
