terraform {
  # A variable's validation may speak of another variable since then.
  required_version = ">= 1.9, < 2.0"

  # `terraform init -backend-config=bucket=...` says which bucket.
  backend "gcs" {
    prefix = "tai-state"
  }

  required_providers {
    google = {
      source = "hashicorp/google"
      # .terraform.lock.hcl, which `terraform init` writes, pins the exact one and its hashes. Commit it.
      version = ">= 6.30, < 8.0"
    }
  }
}

provider "google" {
  project = var.project_id
  region  = var.region
}
