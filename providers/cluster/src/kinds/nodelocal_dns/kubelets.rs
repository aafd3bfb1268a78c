//! What kubelets give to pods, and what follows from it.

use super::NAMESPACE;
use super::situation::Situation;
use crate::args::{entries, items};
use crate::codes;
use plans::Problem;
use std::net::IpAddr;
use values::{Path, Value};

/// So many nodes are named.
const MOST: usize = 5;

/// How to see by hand what clinch could not.
const BY_HAND: &str = "Look yourself:\n  kubectl get --raw /api/v1/nodes/NODE/proxy/configz";

/// An answer of the I/O half: addresses by node under `nodes`, names under `unseen`; `null` where
/// nodes may not be listed.
#[derive(Clone, Copy)]
pub(super) struct Kubelets<'a>(pub(super) &'a Value);

impl Kubelets<'_> {
    /// Nodes whose kubelets give this address to pods; or, the other way round, another one.
    fn nodes(self, giving: bool, address: IpAddr) -> Vec<String> {
        let nodes = self.0.get("nodes").unwrap_or(&Value::Null);
        let gives = |given: &Value| {
            items(given)
                .iter()
                .any(|one| one.as_str().is_some_and(|one| one.parse() == Ok(address)))
        };
        let nodes = entries(nodes).filter(|(_, given)| gives(given) == giving);
        nodes.map(|(name, _)| name.to_owned()).collect()
    }

    /// Of whom it is not known, as a list for people; `None` when there is nobody.
    fn unseen(self) -> Option<String> {
        if self.0.is_null() {
            return Some("any node (nodes cannot be listed)".to_owned());
        }
        let unseen = self.0.get("unseen").map(items).unwrap_or_default();
        let names: Vec<String> =
            unseen.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
        (!names.is_empty()).then(|| listed(&names))
    }
}

fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    let more = names.len() - shown.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", shown.join(", "))
}

/// What is to be done at the kubelets, in lines for people; none where they give the address.
pub(super) fn to_do(
    kubelets: Kubelets<'_>,
    situation: Situation<'_>,
    address: IpAddr,
) -> Vec<String> {
    let mut lines = Vec::new();
    let others = kubelets.nodes(false, address);
    if !others.is_empty() {
        lines.push(format!(
            "kubelets do not give {address} to pods yet, so these ask the cluster's DNS as before: \
             {}; set `clusterDNS = [\"{address}\"]` in their `kubelet_config`, which comes after this",
            listed(&others)
        ));
    }
    if let Some(unseen) = kubelets.unseen() {
        lines.push(format!(
            "what kubelets give to pods could not be seen for {unseen}; it must be \
             `clusterDNS = [\"{address}\"]`"
        ));
    }
    let joining = situation.joining();
    if !joining.is_empty() && !joining.contains(&address) {
        lines.push(format!(
            "kubelets of nodes that join will not give {address} to pods, by the ConfigMap \
             {NAMESPACE}/kubelet-config; a `kubelet_base_config` changes that"
        ));
    }
    lines
}

/// The cache is there, and pods are not told of it.
pub(super) fn unused(kubelets: Kubelets<'_>, address: IpAddr) -> Option<Problem> {
    let others = kubelets.nodes(false, address);
    if others.is_empty() {
        return None;
    }
    let detail = format!(
        "The cache answers at {address} alone, and kubelets of these nodes give another address to \
         pods: {}.",
        listed(&others)
    );
    let summary = "DNS cache is not used on all nodes";
    let problem = Problem::warning(codes::NODELOCAL_EFFECT, summary, Path::root(), detail);
    Some(problem.with_help(format!(
        "Set `clusterDNS = [\"{address}\"]` in the `kubelet_config` of these nodes."
    )))
}

/// Who still gives out an address that goes away: the nodes, and the settings of those that join.
pub(super) fn still_give(
    kubelets: Kubelets<'_>,
    situation: Situation<'_>,
    address: IpAddr,
) -> Option<String> {
    let nodes = kubelets.nodes(true, address);
    let joining = situation.joining().contains(&address);
    let base = format!("the ConfigMap {NAMESPACE}/kubelet-config for nodes that join");
    match (nodes.as_slice(), joining) {
        ([], false) => None,
        ([], true) => Some(base),
        (nodes, false) => Some(format!("the kubelets of {}", listed(nodes))),
        (nodes, true) => Some(format!("the kubelets of {}, and {base}", listed(nodes))),
    }
}

pub(super) fn cannot_go(who: &str, address: IpAddr) -> Problem {
    let detail = format!(
        "{address} is still given to pods as their DNS server, by {who}. Without the cache these \
         pods would have no DNS."
    );
    Problem::error(codes::KUBELETS_USE, "DNS cache is in use", Path::root(), detail).with_help(
        "Put `clusterDNS` back first and apply that: remove the setting, or its `kubelet_config` and \
         `kubelet_base_config` blocks (`clinch destroy -target=ADDRESS`). Then recreate the pods that \
         were started before, and plan again.",
    )
}

pub(super) fn cannot_move(who: &str, from: IpAddr, to: IpAddr) -> Problem {
    let detail = format!(
        "{from} is given to pods as their DNS server, by {who}. A cache that answers at {to} instead \
         would leave these pods without DNS."
    );
    let path = Path::of("local_ip");
    Problem::error(codes::KUBELETS_USE, "DNS cache is in use", path, detail).with_help(format!(
        "Let kubelets give the address of the cluster's DNS, apply that and recreate the pods; then \
         change `local_ip`. Or keep `{from}`."
    ))
}

/// What could not be seen before the cache goes.
pub(super) fn not_seen(kubelets: Kubelets<'_>, address: IpAddr) -> Option<Problem> {
    let unseen = kubelets.unseen()?;
    let detail = format!(
        "Pods that have {address} as their DNS server lose it with the cache. Whether kubelets still \
         give it to them could not be seen for {unseen}."
    );
    let summary = "Kubelets may still use the DNS cache";
    let problem = Problem::warning(codes::NODELOCAL_EFFECT, summary, Path::root(), detail);
    Some(problem.with_help(BY_HAND))
}
