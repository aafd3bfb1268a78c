# A cache for DNS on every node.

clinch {
  name = "nodelocal-dns"
}

variable "proxy_mode" {
  description = "How kube-proxy works: iptables, ipvs or nftables; or detect, to read it from its ConfigMap."
  type        = string
  default     = "iptables"
}

variable "cluster_dns_ip" {
  description = "The address of the cluster's DNS; or detect, to take that of the Service kube-dns."
  type        = string
  default     = "10.96.0.10"
}

variable "kubelets" {
  description = "Nodes whose kubelets give the cache's address to pods: all of them, unless kube-proxy works with iptables."
  type        = list(string)
  default     = []
}

resource "nodelocal_dns" "cache" {
  proxy_mode     = var.proxy_mode == "detect" ? null : var.proxy_mode
  cluster_dns_ip = var.cluster_dns_ip == "detect" ? null : var.cluster_dns_ip
}

# What refers to the cache comes after it, and goes before it.
resource "kubelet_config" "dns" {
  for_each = toset(var.kubelets)
  node     = each.value
  settings = { clusterDNS = nodelocal_dns.cache.kubelet_cluster_dns }
}

output "kubelets_must_give" {
  description = "What kubelets must give to pods as their DNS server."
  value       = nodelocal_dns.cache.kubelet_cluster_dns
}
