# A cloud's controller manager as a DaemonSet on the nodes of the control plane.

clinch {
  name = "cloud-controller-manager"
}

variable "image" {
  description = "The image of your cloud's controller manager."
  default     = "registry.k8s.io/cloud-controller-manager:v1.36.0"
}

variable "cloud_provider" {
  description = "The name of your cloud, as its controller manager knows it."
  default     = "example"
}

variable "cluster_cidr" {
  description = "The addresses of pods, for clouds whose routes are configured. Left out: none."
  default     = ""
}

locals {
  name = "cloud-controller-manager"
  routes = var.cluster_cidr == "" ? ["--configure-cloud-routes=false"] : [
    "--allocate-node-cidrs=true",
    "--configure-cloud-routes=true",
    "--cluster-cidr=${var.cluster_cidr}",
  ]
}

resource "service_account" "manager" {
  namespace = "kube-system"
  name      = local.name
}

# What the manager does itself. The page binds `cluster-admin`, which is far more.
resource "cluster_role" "manager" {
  name = "system:${local.name}"

  rule {
    api_groups = ["", "events.k8s.io"]
    resources  = ["events"]
    verbs      = ["create", "patch", "update"]
  }
  rule {
    api_groups = ["coordination.k8s.io"]
    resources  = ["leases"]
    verbs      = ["create", "get", "list", "update", "watch"]
  }
  rule {
    api_groups = [""]
    resources  = ["nodes"]
    verbs      = ["delete", "get", "list", "patch", "update", "watch"]
  }
  rule {
    api_groups = [""]
    resources  = ["nodes/status", "services/status"]
    verbs      = ["patch", "update"]
  }
  rule {
    api_groups = [""]
    resources  = ["services"]
    verbs      = ["get", "list", "patch", "update", "watch"]
  }
  rule {
    api_groups = [""]
    resources  = ["configmaps"]
    verbs      = ["get", "list", "watch"]
  }
}

resource "cluster_role_binding" "manager" {
  name = "system:${local.name}"

  role_ref {
    name = cluster_role.manager.name
  }
  subject {
    kind      = "ServiceAccount"
    namespace = service_account.manager.namespace
    name      = service_account.manager.name
  }
}

resource "object" "manager" {
  # Rights first, or its first minutes are spent failing.
  depends_on = [cluster_role_binding.manager]

  manifest = {
    apiVersion = "apps/v1"
    kind       = "DaemonSet"
    metadata = {
      namespace = "kube-system"
      name      = local.name
      labels    = { k8s-app = local.name }
    }
    spec = {
      selector = { matchLabels = { k8s-app = local.name } }
      template = {
        metadata = { labels = { k8s-app = local.name } }
        spec = {
          serviceAccountName = service_account.manager.name
          priorityClassName  = "system-cluster-critical"
          # There may be no network for pods before it is up.
          hostNetwork = true
          dnsPolicy   = "Default"
          containers = [{
            name  = "cloud-controller-manager"
            image = var.image
            command = concat([
              "/usr/local/bin/cloud-controller-manager",
              "--cloud-provider=${var.cloud_provider}",
              "--leader-elect=true",
            ], local.routes)
          }]
          tolerations = [
            # So that it can make nodes ready that wait for it.
            { key = "node.cloudprovider.kubernetes.io/uninitialized", value = "true", effect = "NoSchedule" },
            { key = "node.kubernetes.io/not-ready", operator = "Exists", effect = "NoSchedule" },
            { key = "node-role.kubernetes.io/control-plane", operator = "Exists", effect = "NoSchedule" },
          ]
          nodeSelector = { "node-role.kubernetes.io/control-plane" = "" }
        }
      }
    }
  }
}
