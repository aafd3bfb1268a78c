//! What is wrong with the arguments whatever the cluster is.

use super::settings::{Mode, server};
use crate::args::{entries, get, items, quantity_hint};
use crate::codes;
use apimachinery::{Quantity, names};
use plans::Problem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use values::{Path, Value};

/// `CoreDNS` takes no more in one `forward`. Source: [forward](https://coredns.io/plugins/forward/).
const MOST_SERVERS: usize = 15;

fn wrong(path: Path, detail: String) -> Problem {
    Problem::error(codes::NODELOCAL, "Invalid setting of the DNS cache", path, detail)
}

/// What is hidden is refused as a whole when it is planned; there is nothing to say about it here.
pub(super) fn check(args: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(get(args, "local_ip").as_str().and_then(local_ip));
    problems.extend(get(args, "cluster_dns_ip").as_str().and_then(cluster_dns_ip));
    problems.extend(get(args, "cluster_domain").as_str().and_then(cluster_domain));
    problems.extend(get(args, "proxy_mode").as_str().and_then(proxy_mode));
    problems.extend(get(args, "image").as_str().and_then(image));
    problems.extend(upstream_servers(args));
    problems.extend(resources(get(args, "resources")));
    problems.extend(tolerations(get(args, "tolerations")));
    problems.extend(node_selector(get(args, "node_selector")));
    problems
}

/// An address in one of the ranges that nobody routes, and not one that clouds answer at.
///
/// Sources: [`NodeLocal DNSCache`](https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/#configuration);
/// [RFC 3927](https://www.rfc-editor.org/rfc/rfc3927#section-2.1); metadata, time and DNS of machines
/// are at `169.254.169.x` in most clouds, and rights of containers at `169.254.170.x` in
/// [AWS](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html).
fn local_ip(text: &str) -> Option<Problem> {
    let usual = "The usual one is `169.254.20.10`.";
    let say = |why: String| Some(wrong(Path::of("local_ip"), why).with_help(usual));
    match text.parse::<IpAddr>() {
        Err(_) => say(format!("`{text}` is not an IP address.")),
        Ok(IpAddr::V4(address)) => match address.octets() {
            [169, 254, 169 | 170, _] => say(format!(
                "Clouds answer at `{address}`'s network with what belongs to a machine: its \
                 metadata and its rights. Pods could not reach that any more."
            )),
            [169, 254, 0 | 255, _] => {
                say(format!("`{address}` is reserved: the first and the last 256 are not used."))
            }
            [169, 254, _, _] => None,
            _ => say(format!(
                "`{address}` is not in `169.254.0.0/16`. Another address may be somebody's."
            )),
        },
        Ok(IpAddr::V6(address)) if address.octets()[0] == 0xfd => None,
        Ok(IpAddr::V6(address)) => {
            say(format!("`{address}` is not in `fd00::/8`. Another address may be somebody's."))
        }
    }
}

fn cluster_dns_ip(text: &str) -> Option<Problem> {
    let path = || Path::of("cluster_dns_ip");
    match text.parse::<IpAddr>() {
        Err(_) => Some(wrong(path(), format!("`{text}` is not an IP address."))),
        Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED) | IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => {
            Some(wrong(path(), format!("`{text}` is not the address of anything.")))
        }
        Ok(_) => None,
    }
}

fn cluster_domain(text: &str) -> Option<Problem> {
    let why = names::dns_1123_subdomain(text).into_iter().next()?;
    let detail = format!("`{text}` cannot be a domain: {why}.");
    let problem = wrong(Path::of("cluster_domain"), detail);
    Some(match text.strip_suffix('.') {
        Some(without) => problem.with_help(format!("Write `{without}`, without the dot.")),
        None => problem,
    })
}

fn proxy_mode(text: &str) -> Option<Problem> {
    if Mode::parse(text).is_some() {
        return None;
    }
    let modes = Mode::ALL.map(Mode::name);
    let help = match diags::did_you_mean(&text.to_lowercase(), modes) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => format!("Use `{}`.", modes.join("`, `")),
    };
    let detail = format!("kube-proxy has no mode `{text}` on Linux.");
    Some(wrong(Path::of("proxy_mode"), detail).with_help(help))
}

fn image(text: &str) -> Option<Problem> {
    let bad = text.is_empty() || text.chars().any(char::is_whitespace);
    bad.then(|| wrong(Path::of("image"), format!("`{text}` is not the name of an image.")))
}

fn upstream_servers(args: &Value) -> Vec<Problem> {
    let at = Path::of("upstream_servers");
    let given = items(get(args, "upstream_servers"));
    let mut problems = Vec::new();
    if given.len() > MOST_SERVERS {
        let detail = format!("These are {} servers, and {MOST_SERVERS} are allowed.", given.len());
        problems.push(wrong(at.clone(), detail));
    }
    let own = ["local_ip", "cluster_dns_ip"].map(|name| (name, get(args, name).as_str()));
    for (i, given) in given.iter().enumerate() {
        let (path, Some(text)) = (at.clone().index(i), given.as_str()) else { continue };
        let Some(address) = server(text) else {
            let detail = format!("`{text}` is not an address, with or without a port.");
            let help = "Write `10.0.0.53`, `10.0.0.53:5353` or `[fd00::53]:5353`.";
            problems.push(wrong(path, detail).with_help(help));
            continue;
        };
        let same = |own: &&str| own.parse() == Ok(address);
        if let Some((name, _)) = own.iter().find(|(_, own)| own.as_ref().is_some_and(same)) {
            let detail = format!("`{text}` is `{name}`: the cache would ask itself.");
            problems.push(wrong(path, detail));
        }
    }
    problems
}

fn resources(given: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    for of in ["requests", "limits"] {
        for (name, amount) in entries(get(given, of)) {
            let path = Path::of("resources").attr(of).attr(name);
            let Some(text) = amount.as_str() else { continue };
            let why = match Quantity::parse(text) {
                Ok(amount) if amount.is_negative() => "it is negative".to_owned(),
                Ok(_) => continue,
                Err(why) => why.to_string(),
            };
            let problem = wrong(path, format!("`{text}` is not an amount of {name}: {why}."));
            problems.push(Problem { help: quantity_hint(text), ..problem });
        }
    }
    problems
}

fn tolerations(given: &Value) -> Vec<Problem> {
    let at = Path::of("tolerations");
    let Some(list) = given.as_list() else {
        return match given {
            Value::Null | Value::Unknown(_) | Value::Sensitive(_) => Vec::new(),
            other => {
                let detail =
                    format!("This must be a list of objects, and it is a {}.", other.kind());
                vec![wrong(at, detail)]
            }
        };
    };
    let fields = ["key", "operator", "value", "effect", "tolerationSeconds"];
    let mut problems = Vec::new();
    for (i, toleration) in list.iter().enumerate() {
        let path = at.clone().index(i);
        if !matches!(toleration, Value::Map(_) | Value::Unknown(_) | Value::Sensitive(_)) {
            let detail = format!("A toleration is an object, and this is a {}.", toleration.kind());
            problems.push(wrong(path, detail));
            continue;
        }
        for (name, _) in entries(toleration).filter(|(name, _)| !fields.contains(name)) {
            let detail = format!("A toleration has no field `{name}`.");
            let problem = wrong(path.clone().attr(name), detail);
            problems.push(match diags::did_you_mean(name, fields) {
                Some(near) => problem.with_help(format!("Did you mean `{near}`?")),
                None => problem,
            });
        }
    }
    problems
}

fn node_selector(given: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (key, value) in entries(given) {
        let path = Path::of("node_selector").attr(key);
        for why in names::qualified_name(key) {
            let detail = format!("`{key}` cannot be the key of a label: {why}.");
            problems.push(wrong(path.clone(), detail));
        }
        for why in value.as_str().map(names::label_value).unwrap_or_default() {
            let value = value.as_str().unwrap_or_default();
            let detail = format!("`{value}` cannot be the value of a label: {why}.");
            problems.push(wrong(path.clone(), detail));
        }
    }
    problems
}
