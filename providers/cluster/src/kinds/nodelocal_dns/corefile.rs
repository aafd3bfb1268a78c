//! The Corefile of the cache.
//!
//! What stays a placeholder is filled in by the program in the pod: the address of
//! `kube-dns-upstream`, and the servers that the node itself asks.
//!
//! Source: [the add-on's manifest](https://github.com/kubernetes/kubernetes/blob/master/cluster/addons/dns/nodelocaldns/nodelocaldns.yaml).

use super::objects::{HEALTH_PORT, METRICS_PORT};
use super::settings::Settings;
use std::fmt::Write as _;
use std::net::IpAddr;

/// The program puts the address of the Service `kube-dns-upstream` here.
const CLUSTER_DNS: &str = "__PILLAR__CLUSTER__DNS__";
/// The program puts the servers of the `ConfigMap` `kube-dns` here, or those of the node.
const UPSTREAM_SERVERS: &str = "__PILLAR__UPSTREAM__SERVERS__";

/// How long answers are kept: so many, for so many seconds.
const LASTING: &str = "cache {\n        success 9984 30\n        denial 9984 5\n    }";
const SHORT: &str = "cache 30";

pub(super) fn corefile(settings: &Settings) -> String {
    let cluster_dns = if settings.mode.intercepts() {
        CLUSTER_DNS.to_owned()
    } else {
        settings.cluster_dns.to_string()
    };
    let cluster = format!("{cluster_dns} {{\n        force_tcp\n    }}");
    let upstream = match settings.upstream.as_slice() {
        [] => UPSTREAM_SERVERS.to_owned(),
        servers => servers.join(" "),
    };
    let local = match settings.local {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    let health = format!("health {local}:{HEALTH_PORT}");
    let domain = settings.domain.as_str();
    let mut text = String::new();
    for (zone, cache, forward, health) in [
        (domain, LASTING, &cluster, Some(&health)),
        ("in-addr.arpa", SHORT, &cluster, None),
        ("ip6.arpa", SHORT, &cluster, None),
        (".", SHORT, &upstream, None),
    ] {
        let bind = settings.listens().join(" ");
        let metrics = format!("prometheus :{METRICS_PORT}");
        let forward = format!("forward . {forward}");
        let bind = format!("bind {bind}");
        let plugins = ["errors", cache, "reload", "loop", &bind, &forward, &metrics];
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{zone}:53 {{");
        for plugin in plugins.into_iter().chain(health.map(String::as_str)) {
            let _ = writeln!(text, "    {plugin}");
        }
        text.push_str("}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::settings::{Mode, Settings};
    use super::corefile;
    use insta::assert_snapshot;

    fn text(mode: Mode, local: &str, cluster_dns: &str, upstream: &[&str]) -> String {
        let mut settings = Settings::for_tests(mode);
        settings.local = local.parse().expect("an address");
        settings.cluster_dns = cluster_dns.parse().expect("an address");
        settings.upstream = upstream.iter().map(|&server| server.to_owned()).collect();
        corefile(&settings)
    }

    #[test]
    fn with_iptables_it_listens_on_both_addresses_and_asks_the_upstream_service() {
        assert_snapshot!(text(Mode::Iptables, "169.254.20.10", "10.96.0.10", &[]), @r"
        cluster.local:53 {
            errors
            cache {
                success 9984 30
                denial 9984 5
            }
            reload
            loop
            bind 169.254.20.10 10.96.0.10
            forward . __PILLAR__CLUSTER__DNS__ {
                force_tcp
            }
            prometheus :9253
            health 169.254.20.10:8080
        }
        in-addr.arpa:53 {
            errors
            cache 30
            reload
            loop
            bind 169.254.20.10 10.96.0.10
            forward . __PILLAR__CLUSTER__DNS__ {
                force_tcp
            }
            prometheus :9253
        }
        ip6.arpa:53 {
            errors
            cache 30
            reload
            loop
            bind 169.254.20.10 10.96.0.10
            forward . __PILLAR__CLUSTER__DNS__ {
                force_tcp
            }
            prometheus :9253
        }
        .:53 {
            errors
            cache 30
            reload
            loop
            bind 169.254.20.10 10.96.0.10
            forward . __PILLAR__UPSTREAM__SERVERS__
            prometheus :9253
        }
        ");
    }

    #[test]
    fn with_ipvs_it_listens_on_its_own_address_and_asks_the_clusters_dns() {
        assert_snapshot!(text(Mode::Ipvs, "169.254.20.10", "10.96.0.10", &[]), @r"
        cluster.local:53 {
            errors
            cache {
                success 9984 30
                denial 9984 5
            }
            reload
            loop
            bind 169.254.20.10
            forward . 10.96.0.10 {
                force_tcp
            }
            prometheus :9253
            health 169.254.20.10:8080
        }
        in-addr.arpa:53 {
            errors
            cache 30
            reload
            loop
            bind 169.254.20.10
            forward . 10.96.0.10 {
                force_tcp
            }
            prometheus :9253
        }
        ip6.arpa:53 {
            errors
            cache 30
            reload
            loop
            bind 169.254.20.10
            forward . 10.96.0.10 {
                force_tcp
            }
            prometheus :9253
        }
        .:53 {
            errors
            cache 30
            reload
            loop
            bind 169.254.20.10
            forward . __PILLAR__UPSTREAM__SERVERS__
            prometheus :9253
        }
        ");
    }

    #[test]
    fn with_nftables_it_is_as_with_ipvs() {
        let of = |mode| text(mode, "169.254.20.10", "10.96.0.10", &[]);
        assert_eq!(of(Mode::Nftables), of(Mode::Ipvs));
    }

    #[test]
    fn address_of_ipv6_has_brackets_before_a_port_and_nowhere_else() {
        let text = text(Mode::Iptables, "fd00::a", "fd00:96::a", &["fd00::53", "[fd00::54]:5353"]);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert!(lines.contains(&"health [fd00::a]:8080"), "{text}");
        assert!(lines.contains(&"bind fd00::a fd00:96::a"), "{text}");
        assert!(lines.contains(&"forward . fd00::53 [fd00::54]:5353"), "{text}");
    }
}
