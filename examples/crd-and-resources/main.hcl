# A kind of our own, a namespace, and objects of both, in one run on an empty cluster.

clinch {
  name = "crd-and-resources"
}

locals {
  group = "stable.example.com"

  jobs = {
    "nightly" = { schedule = "0 2 * * *", replicas = 1 }
    "often"   = { schedule = "* * * * */5", replicas = 3 }
  }
}

resource "object" "crontab" {
  manifest = {
    apiVersion = "apiextensions.k8s.io/v1"
    kind       = "CustomResourceDefinition"

    metadata = {
      name = "crontabs.${local.group}"
    }

    spec = {
      group = local.group
      scope = "Namespaced"

      names = {
        plural     = "crontabs"
        singular   = "crontab"
        kind       = "CronTab"
        shortNames = ["ct"]
      }

      versions = [{
        name    = "v1"
        served  = true
        storage = true

        schema = {
          openAPIV3Schema = {
            type     = "object"
            required = ["spec"]

            properties = {
              spec = {
                type     = "object"
                required = ["cronSpec", "image"]

                properties = {
                  cronSpec = {
                    type    = "string"
                    pattern = "^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$"
                  }
                  image    = { type = "string" }
                  replicas = { type = "integer", minimum = 1, maximum = 10 }
                }
              }
            }
          }
        }
      }]
    }
  }
}

resource "namespace" "jobs" {
  name = "crontabs-example"
}

# Objects of the new kind. That the definition and the namespace come first follows from what
# is written here; `depends_on` is not needed.
resource "object" "job" {
  for_each = local.jobs

  manifest = {
    apiVersion = "${local.group}/v1"
    kind       = "CronTab"

    metadata = {
      namespace = "crontabs-example"
      name      = each.key
    }

    spec = {
      cronSpec = each.value.schedule
      image    = "my-awesome-cron-image"
      replicas = each.value.replicas
    }
  }
}

# Who may look after them.
resource "role" "crontabs" {
  namespace = namespace.jobs.name
  name      = "crontabs"

  rule {
    api_groups = [local.group]
    resources  = ["crontabs"]
    verbs      = ["get", "list", "watch", "create", "update", "patch", "delete"]
  }
}

output "kind" {
  value       = "crontabs.${local.group}"
  description = "What to ask for: kubectl get crontabs.stable.example.com -A"
}
