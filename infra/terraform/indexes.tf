# What the package's queries need, and nothing else, from the file that is generated from them (make generate). All other
# fields are exempt: indexed, each field of each map in a state's data would be written twice more at each change.
locals {
  indexing = jsondecode(file("${path.module}/../firestore/firestore.indexes.json"))

  fields = {
    for field in local.indexing.fieldOverrides : "${field.collectionGroup}.${field.fieldPath}" => field
  }

  composite_indexes = {
    for index in local.indexing.indexes :
    join(".", concat([index.collectionGroup, index.queryScope], [for field in index.fields : "${field.fieldPath}-${try(field.order, field.arrayConfig)}"])) => index
  }
}

resource "google_firestore_field" "single" {
  for_each = local.fields

  project    = var.project_id
  database   = google_firestore_database.store.name
  collection = each.value.collectionGroup
  field      = each.value.fieldPath

  # An empty block is an exemption: no index at all.
  index_config {
    dynamic "indexes" {
      for_each = each.value.indexes

      content {
        order        = try(indexes.value.order, null)
        array_config = try(indexes.value.arrayConfig, null)
        query_scope  = indexes.value.queryScope
      }
    }
  }

  # Receipts, records of transactions, parts and waits go by themselves once they have expired, within a day or so. Nothing depends
  # on it, since what has expired is not believed; without it they stay until `tai-state gc` removes them.
  dynamic "ttl_config" {
    for_each = try(each.value.ttl, false) ? ["expires"] : []

    content {}
  }
}

resource "google_firestore_index" "composite" {
  for_each = local.composite_indexes

  project     = var.project_id
  database    = google_firestore_database.store.name
  collection  = each.value.collectionGroup
  query_scope = each.value.queryScope

  dynamic "fields" {
    for_each = each.value.fields

    content {
      field_path   = fields.value.fieldPath
      order        = try(fields.value.order, null)
      array_config = try(fields.value.arrayConfig, null)
    }
  }
}
