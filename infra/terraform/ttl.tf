# Receipts, records of transactions and waits go by themselves once they have expired, within a day or so. Nothing depends on
# it, since what has expired is not believed; without it they stay until `tai-state gc` removes them.
locals {
  expiring_fields = {
    for field in local.indexing.fieldOverrides : field.collectionGroup => field if try(field.ttl, false)
  }
}

resource "google_firestore_field" "expiring" {
  for_each = local.expiring_fields

  project    = var.project_id
  database   = google_firestore_database.store.name
  collection = each.value.collectionGroup
  field      = each.value.fieldPath

  ttl_config {}

  # A time that rises with every document would make a hot spot of its index, and no query asks for it.
  index_config {}
}
