# Point-in-time recovery covers seven days, in the database's own project. Backups reach further back, and stay when the
# database goes. `infra/restore-drill.sh` proves that both can be restored.
resource "google_firestore_backup_schedule" "daily" {
  project   = var.project_id
  database  = google_firestore_database.store.name
  retention = "${var.daily_backup_days * 24 * 60 * 60}s"

  daily_recurrence {}
}

resource "google_firestore_backup_schedule" "weekly" {
  project   = var.project_id
  database  = google_firestore_database.store.name
  retention = "${var.weekly_backup_weeks * 7 * 24 * 60 * 60}s"

  weekly_recurrence {
    day = var.weekly_backup_day
  }
}
