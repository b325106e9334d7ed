# Nobody but servers gets at the store: phones and browsers are refused, whatever token they bring. Servers are authorised
# by IAM (identities.tf) and pass rules by.
resource "google_firebaserules_ruleset" "deny" {
  project = var.project_id

  source {
    files {
      name    = "firestore.rules"
      content = file("${path.module}/../firestore/firestore.rules")
    }
  }

  # The old rules cannot go while they are in force.
  lifecycle {
    create_before_destroy = true
  }

  depends_on = [google_project_service.required]
}

resource "google_firebaserules_release" "deny" {
  project      = var.project_id
  name         = var.database_id == "(default)" ? "cloud.firestore" : "cloud.firestore/${var.database_id}"
  ruleset_name = "projects/${var.project_id}/rulesets/${google_firebaserules_ruleset.deny.name}"

  depends_on = [google_firestore_database.store]
}
