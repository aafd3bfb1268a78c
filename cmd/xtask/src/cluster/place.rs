//! Where a cluster is on this machine: all of it follows from its name.
//!
//! That is why `down` needs no record to find what an interrupted `up` has left.

use super::network;
use crate::checkout;
use crate::control_plane::cache;
use crate::trouble::Trouble;
use std::path::PathBuf;

/// The folder of a cluster, and the names of what it has outside of it.
pub(super) struct Place {
    /// Name on the command line.
    pub(super) name: String,
    pub(super) folder: PathBuf,
    /// Of the bridge; and with a dash and a number, of each host's control groups, machine and
    /// cable. A link's name has at most 15 characters.
    pub(super) id: String,
    /// A number that differs from cluster to cluster, most of the time.
    pub(super) lot: u8,
}

impl Place {
    pub(super) fn of(name: &str) -> Result<Self, Trouble> {
        let folder = cache::base()?.join("cluster").join(name);
        let digest = cache::short_digest(folder.as_os_str().as_encoded_bytes());
        let lot = u8::from_str_radix(&digest[..2], 16).unwrap_or(0);
        Ok(Self { name: name.to_owned(), folder, id: format!("cl{}", &digest[..6]), lot })
    }

    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.folder.join("admin.kubeconfig")
    }

    pub(super) fn ssh_config(&self) -> PathBuf {
        self.folder.join("ssh_config")
    }
}

/// `testdata/cluster` of the checkout.
pub(super) fn sources() -> PathBuf {
    checkout::root().join("testdata/cluster")
}

/// A host and the node that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) name: String,
    /// 0 for the control plane.
    pub(super) number: u8,
    pub(super) address: String,
}

/// One node for the control plane, and the workers.
pub(super) fn nodes(workers: u8, range: network::Range) -> Vec<Node> {
    (0..=workers)
        .map(|number| Node {
            name: match number {
                0 => "control-plane-1".to_owned(),
                _ => format!("worker-{number}"),
            },
            number,
            address: range.host(number),
        })
        .collect()
}
