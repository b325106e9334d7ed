variable "database_id" {
  description = "The id of the Firestore database. Give the store one of its own: indexes and TTL policies go by the names of collections, whoever they belong to."
  type        = string
  default     = "tai-state"

  validation {
    condition     = var.database_id == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.database_id))
    error_message = "A database id is (default), or 4 to 63 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "database_location" {
  description = "Where the database is: a multi-region (eur3, nam5), which survives the loss of a region, or a region. It can never be changed."
  type        = string

  validation {
    condition     = can(regex("^([a-z]+[0-9]+|[a-z]+-[a-z]+[0-9]+)$", var.database_location))
    error_message = "A location is named like eur3 or europe-west1."
  }
}

variable "daily_backup_days" {
  description = "For how many days a daily backup is kept."
  type        = number
  default     = 7

  validation {
    condition     = var.daily_backup_days >= 1 && var.daily_backup_days <= 98 && floor(var.daily_backup_days) == var.daily_backup_days
    error_message = "Firestore keeps a backup for 1 to 98 days."
  }
}

variable "weekly_backup_weeks" {
  description = "For how many weeks a weekly backup is kept."
  type        = number
  default     = 14

  validation {
    condition     = var.weekly_backup_weeks >= 1 && var.weekly_backup_weeks <= 14 && floor(var.weekly_backup_weeks) == var.weekly_backup_weeks
    error_message = "Firestore keeps a backup for 1 to 14 weeks."
  }
}

variable "weekly_backup_day" {
  description = "The day of the weekly backup."
  type        = string
  default     = "SUNDAY"

  validation {
    condition     = contains(["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"], var.weekly_backup_day)
    error_message = "A day is named like SUNDAY."
  }
}
