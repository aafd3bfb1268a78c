//! What the arguments and the cluster together say, with nothing left open.

use std::net::IpAddr;
use values::Value;

/// How kube-proxy makes addresses of Services reachable.
///
/// Source: [Virtual IPs and Service Proxies](https://kubernetes.io/docs/reference/networking/virtual-ips/#proxy-modes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Iptables,
    Ipvs,
    Nftables,
}

impl Mode {
    pub(super) const ALL: [Self; 3] = [Self::Iptables, Self::Ipvs, Self::Nftables];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Iptables => "iptables",
            Self::Ipvs => "ipvs",
            Self::Nftables => "nftables",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// Whether queries to the cluster's DNS are answered by the cache, so that kubelets stay as
    /// they are.
    pub(super) fn intercepts(self) -> bool {
        match self {
            Self::Iptables => true,
            // With IPVS the address is on kube-proxy's own interface. The rules are written with the
            // tool of iptables, and nobody says in which order those of nftables see a packet.
            Self::Ipvs | Self::Nftables => false,
        }
    }
}

/// All that the objects follow from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Settings {
    pub(super) mode: Mode,
    pub(super) local: IpAddr,
    pub(super) cluster_dns: IpAddr,
    pub(super) domain: String,
    /// Empty: as the node has them.
    pub(super) upstream: Vec<String>,
    pub(super) image: String,
    pub(super) resources: Value,
    pub(super) tolerations: Value,
    pub(super) node_selector: Value,
}

impl Settings {
    /// Where the cache answers.
    pub(super) fn listens(&self) -> Vec<String> {
        let intercepted = self.mode.intercepts().then_some(self.cluster_dns);
        [self.local].into_iter().chain(intercepted).map(|address| address.to_string()).collect()
    }

    /// What kubelets must give to pods.
    pub(super) fn kubelets_give(&self) -> IpAddr {
        if self.mode.intercepts() { self.cluster_dns } else { self.local }
    }
}

/// The address of a server that is written with or without a port; `None` for anything else.
pub(super) fn server(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok();
    address.or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
impl Settings {
    pub(super) fn for_tests(mode: Mode) -> Self {
        Self {
            mode,
            local: [169, 254, 20, 10].into(),
            cluster_dns: [10, 96, 0, 10].into(),
            domain: "cluster.local".to_owned(),
            upstream: Vec::new(),
            image: super::objects::IMAGE.to_owned(),
            resources: super::objects::resources(),
            tolerations: super::objects::tolerations(),
            node_selector: Value::map([("kubernetes.io/os", "linux".into())]),
        }
    }
}
