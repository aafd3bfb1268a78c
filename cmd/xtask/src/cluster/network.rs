//! One bridge for the hosts of a cluster, with a private range of addresses that nobody else uses.
//!
//! Nothing is forwarded and nothing is translated: the hosts reach each other and this machine.

use crate::program;
use crate::trouble::{Doing, Trouble};
use std::fs;
use std::process::Command;

/// The third number of the range is chosen; the fourth is that of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range(u8);

impl Range {
    /// The first range, beginning at one that the cluster's name decides, to which no route leads.
    pub(super) fn free(start: u8) -> Result<Self, Trouble> {
        let routes = ip(&["-4", "route", "show", "table", "all"])?;
        (0..=u8::MAX)
            .map(|step| Self(start.wrapping_add(step)))
            .find(|range| !range.is_used(&routes))
            .ok_or_else(|| Trouble::new("no free range of addresses below 10.231.0.0/16"))
    }

    fn is_used(self, routes: &str) -> bool {
        let prefix = self.prefix();
        routes.split_whitespace().any(|word| word.starts_with(&prefix))
    }

    fn prefix(self) -> String {
        format!("10.231.{}.", self.0)
    }

    /// The address of this machine on the bridge.
    fn machine(self) -> String {
        format!("{}1/24", self.prefix())
    }

    /// The address of a host.
    pub(super) fn host(self, number: u8) -> String {
        format!("{}{}", self.prefix(), 10 + number)
    }
}

/// The range of the pods on a host.
pub(super) fn pods(number: u8) -> String {
    format!("10.244.{number}.0/24")
}

/// Makes the bridge with this machine's address on it.
pub(super) fn make(bridge: &str, range: Range) -> Result<(), Trouble> {
    ip(&["link", "add", bridge, "type", "bridge"])?;
    ip(&["address", "add", &range.machine(), "dev", bridge])?;
    ip(&["link", "set", bridge, "up"]).map(drop)
}

/// Removes the bridge and the ends of the hosts' cables, if any is left.
pub(super) fn clear(bridge: &str) -> Result<(), Trouble> {
    let cable = format!("vb-{bridge}-");
    for name in links()?.iter().filter(|name| *name == bridge || name.starts_with(&cable)) {
        let deleted = ip(&["link", "delete", name]);
        // The kernel removes a cable together with the host's end of it, which may be just now.
        if exists(name)? {
            deleted?;
        }
    }
    Ok(())
}

/// Whether there is a link of that name.
pub(super) fn exists(name: &str) -> Result<bool, Trouble> {
    Ok(links()?.iter().any(|link| link == name))
}

/// The names of this machine's links.
fn links() -> Result<Vec<String>, Trouble> {
    let folder = "/sys/class/net";
    let entries = fs::read_dir(folder).doing(|| format!("reading {folder}"))?;
    Ok(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

fn ip(arguments: &[&str]) -> Result<String, Trouble> {
    program::output(Command::new("ip").args(arguments)).doing(|| "setting up the bridge".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_with_a_route_or_an_address_in_it_is_used() {
        let routes =
            "default via 192.0.2.1 dev eth0\n10.231.7.0/24 dev b scope link src 10.231.7.1\n";
        assert!(Range(7).is_used(routes));
        assert!(!Range(70).is_used(routes));
        assert_eq!(
            (Range(70).host(0), Range(70).host(2)),
            ("10.231.70.10".into(), "10.231.70.12".into())
        );
    }
}
