# An account for continuous integration that may ask what would happen, and do nothing of it.

clinch {
  name = "ci-planner"
}

variable "managed" {
  description = "Resources that the planned configuration declares, by API group"
  default = {
    ""                          = ["namespaces", "configmaps", "resourcequotas", "limitranges"]
    "networking.k8s.io"         = ["networkpolicies"]
    "rbac.authorization.k8s.io" = ["roles", "rolebindings"]
  }
}

locals {
  name = "ci-planner-example"
}

resource "namespace" "ci" {
  name = local.name
}

resource "service_account" "planner" {
  namespace = namespace.ci.name
  name      = "planner"
}

# A dry run asks for the same rights as the real thing.
resource "cluster_role" "planner" {
  name = local.name

  rule {
    api_groups = keys(var.managed)
    resources  = flatten(values(var.managed))
    verbs      = ["get", "list", "create", "patch", "delete"]
  }
}

# And this is what keeps the real thing from it.
resource "object" "only_dry_runs" {
  manifest = {
    apiVersion = "admissionregistration.k8s.io/v1"
    kind       = "ValidatingAdmissionPolicy"
    metadata   = { name = local.name }
    spec = {
      failurePolicy = "Fail"
      matchConstraints = {
        resourceRules = [{
          apiGroups   = ["*"]
          apiVersions = ["*"]
          operations  = ["CREATE", "UPDATE", "DELETE"]
          resources   = ["*/*"]
        }]
        # A question about rights is a creation, too.
        excludeResourceRules = [{
          apiGroups   = ["authorization.k8s.io"]
          apiVersions = ["*"]
          operations  = ["*"]
          resources   = ["*"]
        }]
      }
      matchConditions = [{
        name       = "the-planner"
        expression = "request.userInfo.username == 'system:serviceaccount:${namespace.ci.name}:${service_account.planner.name}'"
      }]
      validations = [{
        expression = "has(request.dryRun) && request.dryRun"
        message    = "this account may only ask what would happen (dry run)"
      }]
    }
  }
}

resource "object" "for_the_planner" {
  depends_on = [object.only_dry_runs]

  manifest = {
    apiVersion = "admissionregistration.k8s.io/v1"
    kind       = "ValidatingAdmissionPolicyBinding"
    metadata   = { name = local.name }
    spec = {
      policyName        = local.name
      validationActions = ["Deny"]
    }
  }
}

# The rights come last: never without what limits them.
resource "cluster_role_binding" "planner" {
  name       = local.name
  depends_on = [object.for_the_planner]

  role_ref {
    name = cluster_role.planner.name
  }
  subject {
    kind      = "ServiceAccount"
    namespace = namespace.ci.name
    name      = service_account.planner.name
  }
}
