variable "project_id" {
  description = "The Google Cloud project that everything is made in. It must exist, with billing."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "A project id has 6 to 30 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "region" {
  description = "Where the service, the jobs and their schedules run. Take one that the database's location covers, or each call crosses an ocean."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region is named like europe-west1."
  }
}

variable "name" {
  description = "The name of the service, and what the names of its accounts, jobs and metrics begin with. A second installation in one project needs another."
  type        = string
  default     = "tai-state"

  validation {
    # The id of a service account has at most 30 characters, with the suffix that is put behind the name.
    condition     = can(regex("^[a-z][a-z0-9-]{2,18}[a-z0-9]$", var.name))
    error_message = "The name has 4 to 20 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "images" {
  description = "The container images by their digests, so that what was tested is what runs: of the service, and of the jobs, in which `python -m tai_state` works. Without one of their own the jobs run in that of the service."
  type = object({
    service = string
    jobs    = optional(string)
  })

  validation {
    condition     = alltrue([for image in [var.images.service, coalesce(var.images.jobs, var.images.service)] : can(regex("@sha256:[0-9a-f]{64}$", image))])
    error_message = "Name an image by digest: REGION-docker.pkg.dev/PROJECT/REPOSITORY/IMAGE@sha256:..."
  }
}
