variable "invokers" {
  description = "Who may call the service: members such as serviceAccount:web@my-project.iam.gserviceaccount.com. Nobody else may."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.invokers : can(regex("^(serviceAccount|user|group):.+@.+$", member))])
    error_message = "An invoker is a serviceAccount:, user: or group: with an address. The public is none: put a load balancer with authentication before the service."
  }
}

variable "ingress" {
  description = "From where the service can be reached at all."
  type        = string
  default     = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"

  validation {
    condition     = contains(["INGRESS_TRAFFIC_ALL", "INGRESS_TRAFFIC_INTERNAL_ONLY", "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"], var.ingress)
    error_message = "One of INGRESS_TRAFFIC_ALL, INGRESS_TRAFFIC_INTERNAL_ONLY and INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER."
  }
}

variable "min_instances" {
  description = "How many instances wait for requests. One spares the first caller the start of a container."
  type        = number
  default     = 1

  validation {
    condition     = var.min_instances >= 0
    error_message = "Not less than none."
  }
}

variable "max_instances" {
  description = "How many instances there are at most. More of them on the same states make more conflicts, not more throughput."
  type        = number
  default     = 10

  validation {
    condition     = var.max_instances >= 1 && var.max_instances >= var.min_instances
    error_message = "At least one, and not less than min_instances."
  }
}

variable "concurrency" {
  description = "How many requests an instance takes at once. Callers of one process who wait for the same state share a commit."
  type        = number
  default     = 80

  validation {
    condition     = var.concurrency >= 1 && var.concurrency <= 1000
    error_message = "Cloud Run takes 1 to 1000."
  }
}

variable "cpu" {
  description = "How many processors an instance has."
  type        = string
  default     = "1"

  validation {
    condition     = contains(["1", "2", "4", "8"], var.cpu)
    error_message = "Cloud Run gives 1, 2, 4 or 8."
  }
}

variable "memory" {
  description = "How much memory an instance has, the cache of states included."
  type        = string
  default     = "512Mi"

  validation {
    condition     = can(regex("^[0-9]+(Mi|Gi)$", var.memory))
    error_message = "A size is written like 512Mi."
  }
}

variable "probes" {
  description = "Where the service says that its process works, which must not ask the store (restarting a process mends no outage), and that it can take requests: that its store answers."
  type = object({
    liveness  = string
    readiness = string
  })
  default = {
    liveness  = "/health/live"
    readiness = "/health/ready"
  }

  validation {
    condition     = alltrue([for path in values(var.probes) : startswith(path, "/")])
    error_message = "A path begins with a slash."
  }
}
