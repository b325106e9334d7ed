variable "schedules" {
  description = "When each job runs, as cron writes it. Recovery reads every document of the store: its rhythm is a price."
  type = object({
    recover = string
    gc      = string
  })
  default = {
    recover = "17 3 * * *"
    gc      = "47 4 * * *"
  }

  validation {
    condition     = alltrue([for schedule in values(var.schedules) : length(split(" ", schedule)) == 5])
    error_message = "A schedule has five fields."
  }
}

variable "time_zone" {
  description = "The time zone of the schedules."
  type        = string
  default     = "Etc/UTC"
}

variable "gc_arguments" {
  description = "What of the histories the job removes, beside what has expired: arguments of `tai-state gc`, such as [\"--compact-after\", \"30\"]. Nothing by default."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for argument in var.gc_arguments : can(regex("^(--(compact-after|max-age|max-events|snapshots)|[0-9.]+)$", argument))])
    error_message = "Only --compact-after, --max-age, --max-events and --snapshots, each with a number."
  }
}

variable "due_machines" {
  description = "Machines whose moves a job makes when they are due, each as module:name in the image. None: services do it, or nothing is ever due."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for machine in var.due_machines : can(regex("^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_.]*$", machine))])
    error_message = "A machine is named as module:name."
  }
}

variable "due_schedule" {
  description = "When that job looks, as cron writes it: a move is late by as much at most."
  type        = string
  default     = "* * * * *"

  validation {
    condition     = length(split(" ", var.due_schedule)) == 5
    error_message = "A schedule has five fields."
  }
}

variable "job_timeout_seconds" {
  description = "How long a run of a job may take. It may be ended anywhere and run again."
  type        = number
  default     = 3600

  validation {
    condition     = var.job_timeout_seconds >= 60 && var.job_timeout_seconds <= 86400
    error_message = "From a minute to a day."
  }
}

variable "notification_channels" {
  description = "Whom the alerts reach: ids such as projects/my-project/notificationChannels/123. Without any they are seen in the console alone."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for channel in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[0-9]+$", channel))])
    error_message = "A channel is named like projects/my-project/notificationChannels/123."
  }
}

variable "conflicts_per_minute" {
  description = "More conflicts a minute than these, for ten minutes, are told: writers meet on the same states."
  type        = number
  default     = 60

  validation {
    condition     = var.conflicts_per_minute > 0
    error_message = "More than none."
  }
}
