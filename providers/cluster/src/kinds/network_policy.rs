//! Which connections the pods of a namespace may have.
//!
//! A `NetworkPolicy` selects pods and lists what they may be reached from (`ingress`) and
//! what they may reach (`egress`). A pod that no policy selects is open; from the first
//! policy on, only what some policy allows is let through.
//!
//! ```hcl
//! resource "network_policy" "access_nginx" {
//!   namespace = "team-a"
//!   name      = "access-nginx"
//!
//!   pod_selector {
//!     match_labels = { app = "nginx" }
//!   }
//!
//!   ingress {
//!     from {
//!       pod_selector {
//!         match_labels = { access = "true" }
//!       }
//!     }
//!     port {
//!       port = 80
//!     }
//!   }
//! }
//! ```
//!
//! # How it reads
//!
//! - A policy without `pod_selector`, or with an empty one, selects every pod of its
//!   namespace.
//! - No `ingress` block, with `Ingress` among the `policy_types`, lets nothing in. An empty
//!   block, `ingress {}`, lets everything in.
//! - Several `from` blocks: any of them. One `from` block with `pod_selector` *and*
//!   `namespace_selector`: such pods in such namespaces. `pod_selector` alone means pods of
//!   the policy's own namespace.
//! - Several `port` blocks: any of them; none: every port. A port counts on the pod, after a
//!   Service has translated it.
//! - Without `policy_types` the policy is about ingress, and about egress when it has an
//!   `egress` block.
//! - Policies add up: there is no order, and nothing that one allows can be denied by another.
//!
//! # Risks
//!
//! A policy with egress cuts off DNS unless one allows port 53. A network plugin that does
//! not enforce policies accepts them silently.
//!
//! # See also
//!
//! [Declare Network Policy](https://kubernetes.io/docs/tasks/administer-cluster/declare-network-policy/)

use crate::api::{ApiType, ObjectRef, Seen};
use crate::args::{self, each, get, items, put, renamed};
use crate::codes;
use crate::fields::Names;
use crate::kinds::selector;
use apimachinery::names;
use ipnet::IpNet;
use plans::{Note, Problem};
use values::{Attr, Map, Path, Role, Schema, Type, Value};

/// Which connections pods may have.
pub struct NetworkPolicy;

impl ApiType for NetworkPolicy {
    const NAME: &'static str = "network_policy";
    const NAMES: Names = Names(&[
        ("namespace", "metadata.namespace"),
        ("name", "metadata.name"),
        ("labels", "metadata.labels"),
        ("annotations", "metadata.annotations"),
        ("pod_selector", "spec.podSelector"),
        ("pod_selector.match_labels", "spec.podSelector.matchLabels"),
        ("pod_selector.match_expressions", "spec.podSelector.matchExpressions"),
        ("policy_types", "spec.policyTypes"),
        ("ingress", "spec.ingress"),
        ("ingress[].from", "spec.ingress[].from"),
        ("ingress[].from[].pod_selector", "spec.ingress[].from[].podSelector"),
        ("ingress[].from[].namespace_selector", "spec.ingress[].from[].namespaceSelector"),
        ("ingress[].from[].ip_block", "spec.ingress[].from[].ipBlock"),
        ("ingress[].port", "spec.ingress[].ports"),
        ("ingress[].port[].end_port", "spec.ingress[].ports[].endPort"),
        ("egress", "spec.egress"),
        ("egress[].to", "spec.egress[].to"),
        ("egress[].to[].pod_selector", "spec.egress[].to[].podSelector"),
        ("egress[].to[].namespace_selector", "spec.egress[].to[].namespaceSelector"),
        ("egress[].to[].ip_block", "spec.egress[].to[].ipBlock"),
        ("egress[].port", "spec.egress[].ports"),
        ("egress[].port[].end_port", "spec.egress[].ports[].endPort"),
    ]);

    fn schema() -> Schema {
        let mut attrs = vec![
            args::namespace(),
            args::name("The name: at most 253 lower case letters, digits, `-` and `.`."),
            Attr::new(
                "pod_selector",
                selector::shape(),
                Role::Optional,
                "Which pods of the namespace it is about: `match_labels` and \
                 `match_expressions` (`key`, `operator`, `values`). Left out or empty: all.",
            )
            .as_block(),
            Attr::new(
                "policy_types",
                Type::list(Type::String),
                Role::Optional,
                "`Ingress`, `Egress` or both. Left out: `Ingress`, and `Egress` when there is \
                 an `egress` block.",
            ),
            Attr::new(
                "ingress",
                Type::list(rule_type("from")),
                Role::Optional,
                "What may reach the pods: from any of the `from` blocks (`pod_selector`, \
                 `namespace_selector`, `ip_block` with `cidr` and `except`), on any of the \
                 `port` blocks (`port`, `protocol`, `end_port`). An empty block allows all.",
            )
            .as_block(),
            Attr::new(
                "egress",
                Type::list(rule_type("to")),
                Role::Optional,
                "What the pods may reach: any of the `to` blocks, on any of the `port` blocks. \
                 An empty block allows all.",
            )
            .as_block(),
        ];
        attrs.extend(args::metadata_and_computed());
        Schema::new(attrs)
    }

    fn page() -> &'static str {
        args::page!("network_policy.rs")
    }

    fn object(args: &Value) -> Result<ObjectRef, Vec<Problem>> {
        args::namespaced("networking.k8s.io/v1", "NetworkPolicy", args)
    }

    fn intent(args: &Value) -> Value {
        let (namespace, name) = (args::text(args, "namespace"), args::text(args, "name"));
        let object =
            ObjectRef::namespaced("networking.k8s.io/v1", "NetworkPolicy", namespace, name);
        let mut spec = Map::new();
        let selector = match get(args, "pod_selector") {
            Value::Null => Value::empty_map(),
            given => selector::object(given),
        };
        spec.insert("podSelector".into(), selector);
        put(&mut spec, "policyTypes", get(args, "policy_types"));
        put(&mut spec, "ingress", &each(get(args, "ingress"), |r| rule(r, "from")));
        put(&mut spec, "egress", &each(get(args, "egress"), |r| rule(r, "to")));
        let mut object = args::head(&object, args);
        object.insert("spec".into(), Value::map(spec));
        Value::map(object)
    }

    fn check(args: &Value) -> Vec<Problem> {
        let mut found = Found(args::check_metadata(args, &Path::root()));
        check_selector(get(args, "pod_selector"), &Path::of("pod_selector"), &mut found);
        for (i, given) in items(get(args, "policy_types")).iter().enumerate() {
            let Some(given) = given.as_str() else { continue };
            if !["Ingress", "Egress"].contains(&given) {
                let path = Path::of("policy_types").index(i);
                let meant = diags::did_you_mean(given, ["Ingress", "Egress"]);
                found.wrong(path, format!("There is no policy type `{given}`."), meant);
            }
        }
        for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
            for (i, rule) in items(get(args, direction)).iter().enumerate() {
                let at = Path::of(direction).index(i);
                for (i, peer) in items(get(rule, peers)).iter().enumerate() {
                    check_peer(peer, &at.clone().attr(peers).index(i), &mut found);
                }
                for (i, port) in items(get(rule, "port")).iter().enumerate() {
                    check_port(port, &at.clone().attr("port").index(i), &mut found);
                }
            }
        }
        found.0
    }

    fn notes(seen: &Seen<'_>) -> (Vec<Note>, Vec<Problem>) {
        (Vec::new(), effects(seen.args))
    }
}

fn rule_type(peers: &str) -> Type {
    let block = Type::object([("cidr", Type::String), ("except?", Type::list(Type::String))]);
    let peer = Type::object([
        ("pod_selector?", selector::shape()),
        ("namespace_selector?", selector::shape()),
        ("ip_block?", block),
    ]);
    let port = Type::object([
        ("port?", Type::Any),
        ("protocol?", Type::String),
        ("end_port?", Type::Number),
    ]);
    Type::object([(format!("{peers}?").as_str(), Type::list(peer)), ("port?", Type::list(port))])
}

fn peer(given: &Value) -> Value {
    renamed(
        given,
        &[
            ("pod_selector", "podSelector", selector::object),
            ("namespace_selector", "namespaceSelector", selector::object),
            ("ip_block", "ipBlock", |block| {
                renamed(
                    block,
                    &[("cidr", "cidr", Value::clone), ("except", "except", Value::clone)],
                )
            }),
        ],
    )
}

fn port(given: &Value) -> Value {
    renamed(
        given,
        &[
            ("port", "port", args::int_or_text),
            ("protocol", "protocol", Value::clone),
            ("end_port", "endPort", Value::clone),
        ],
    )
}

fn rule(given: &Value, peers: &'static str) -> Value {
    renamed(
        given,
        &[(peers, peers, |list| each(list, peer)), ("port", "ports", |list| each(list, port))],
    )
}

/// Collects problems; `wrong` with what was probably meant.
struct Found(Vec<Problem>);

impl Found {
    fn wrong(&mut self, path: Path, detail: String, meant: Option<&str>) {
        let help = meant.map(|meant| format!("Did you mean `{meant}`?"));
        self.told(path, detail, help);
    }

    fn told(&mut self, path: Path, detail: String, help: Option<String>) {
        let problem = Problem::error(codes::POLICY, "Invalid network policy", path, detail);
        self.0.push(Problem { help, ..problem });
    }
}

fn check_selector(selector: &Value, at: &Path, found: &mut Found) {
    selector::check(selector, at, &mut |path, detail, help| found.told(path, detail, help));
}

fn check_peer(peer: &Value, at: &Path, found: &mut Found) {
    let given = |name: &str| !get(peer, name).is_null();
    let (pods, namespaces, block) =
        (given("pod_selector"), given("namespace_selector"), given("ip_block"));
    if block && (pods || namespaces) {
        let detail = "An `ip_block` stands alone: a block of addresses has no pods.";
        let help = "Write two blocks; any of them is then allowed.".to_owned();
        found.told(at.clone().attr("ip_block"), detail.to_owned(), Some(help));
    }
    if !block && !pods && !namespaces && peer.is_known() {
        let detail =
            "It says nothing: `pod_selector`, `namespace_selector` or `ip_block` is needed.";
        let help = "To allow everything, leave the block out.".to_owned();
        found.told(at.clone(), detail.to_owned(), Some(help));
    }
    for name in ["pod_selector", "namespace_selector"] {
        check_selector(get(peer, name), &at.clone().attr(name), found);
    }
    if block {
        check_block(get(peer, "ip_block"), &at.clone().attr("ip_block"), found);
    }
}

fn check_block(block: &Value, at: &Path, found: &mut Found) {
    let Some(text) = get(block, "cidr").as_str() else { return };
    let path = at.clone().attr("cidr");
    let Ok(whole) = text.parse::<IpNet>() else {
        let detail = format!("`{text}` is not a block of addresses.");
        let help = match text.parse::<std::net::IpAddr>() {
            Ok(std::net::IpAddr::V4(_)) => format!("For one address write `{text}/32`."),
            Ok(std::net::IpAddr::V6(_)) => format!("For one address write `{text}/128`."),
            Err(_) => "Write it as `10.0.0.0/8` or `fd00::/8`.".to_owned(),
        };
        found.told(path, detail, Some(help));
        return;
    };
    if whole.addr() != whole.network() {
        let detail = format!("`{text}` has bits behind its prefix, which do not count.");
        let help = format!("Write `{}`.", whole.trunc());
        found.0.push(
            Problem::warning(codes::POLICY, "Invalid network policy", path, detail).with_help(help),
        );
    }
    for (i, except) in items(get(block, "except")).iter().enumerate() {
        let Some(text) = except.as_str() else { continue };
        let path = at.clone().attr("except").index(i);
        match text.parse::<IpNet>() {
            Err(_) => found.wrong(path, format!("`{text}` is not a block of addresses."), None),
            Ok(part) if part.trunc() == whole.trunc() => {
                let detail = format!("`{text}` is the whole of `{whole}`: nothing is left.");
                found.wrong(path, detail, None);
            }
            Ok(part) if !whole.contains(&part) => {
                found.wrong(path, format!("`{text}` does not lie inside of `{whole}`."), None);
            }
            Ok(_) => {}
        }
    }
}

fn check_port(port: &Value, at: &Path, found: &mut Found) {
    const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];
    let given = args::int_or_text(get(port, "port"));
    let path = at.clone().attr("port");
    let number = match &given {
        Value::Number(number) => number.as_i64(),
        _ => None,
    };
    match &given {
        Value::Null | Value::Unknown(_) | Value::Sensitive(_) => {}
        Value::Number(given) => {
            if !number.is_some_and(|n| names::port_number(n).is_empty()) {
                let detail = format!("{given} is no port: a whole number from 1 to 65535.");
                found.wrong(path, detail, None);
            }
        }
        Value::String(name) => {
            for why in names::port_name(name) {
                let detail = format!("`{name}` cannot be the name of a port: {why}.");
                found.wrong(path.clone(), detail, None);
            }
        }
        Value::Bool(_) | Value::List(_) | Value::Map(_) => {
            let detail = format!("A port is a number or a name, and this is a {}.", given.kind());
            found.wrong(path, detail, None);
        }
    }
    if let Some(protocol) = get(port, "protocol").as_str()
        && !PROTOCOLS.contains(&protocol)
    {
        let detail = format!("There is no protocol `{protocol}` for policies.");
        let upper = protocol.to_uppercase();
        let meant = PROTOCOLS.iter().find(|known| **known == upper).copied();
        let meant = meant.or_else(|| diags::did_you_mean(&upper, PROTOCOLS));
        found.wrong(at.clone().attr("protocol"), detail, meant);
    }
    let Value::Number(end) = get(port, "end_port") else { return };
    let path = at.clone().attr("end_port");
    match (number, end.as_i64()) {
        (_, None) => found.wrong(path, format!("{end} is no port."), None),
        (_, Some(last)) if !names::port_number(last).is_empty() => {
            found.wrong(path, format!("{last} is no port."), None);
        }
        (Some(first), Some(last)) if last < first => {
            found.wrong(
                path,
                format!("The range ends at {last}, before it begins at {first}."),
                None,
            );
        }
        (None, Some(_)) if given.is_known() => {
            found.wrong(path, "A range needs a number as `port` to begin with.".to_owned(), None);
        }
        _ => {}
    }
}

/// What the policy probably does otherwise than was meant.
fn effects(args: &Value) -> Vec<Problem> {
    let mut warnings = Vec::new();
    let mut warn = |path: Path, detail: &str, help: &str| {
        let problem =
            Problem::warning(codes::POLICY_EFFECT, "Effect of the network policy", path, detail);
        warnings.push(problem.with_help(help));
    };
    let types: Vec<&str> =
        items(get(args, "policy_types")).iter().filter_map(Value::as_str).collect();
    let (ingress, egress) = (items(get(args, "ingress")), items(get(args, "egress")));
    let told = !types.is_empty();
    for (direction, ty, rules) in [("ingress", "Ingress", ingress), ("egress", "Egress", egress)] {
        if told && !types.contains(&ty) && !rules.is_empty() {
            warn(
                Path::of(direction),
                &format!("`policy_types` has no `{ty}`, so the `{direction}` blocks are ignored."),
                &format!("Add `{ty}` to `policy_types`, or remove the blocks."),
            );
        }
    }
    let isolates_egress = if told { types.contains(&"Egress") } else { !egress.is_empty() };
    if isolates_egress && !egress.iter().any(allows_dns) {
        let path = if egress.is_empty() { Path::of("policy_types") } else { Path::of("egress") };
        warn(
            path,
            "Nothing here lets the selected pods reach DNS on port 53, so they cannot resolve \
             names unless another policy allows it.",
            "Allow it with an `egress` block that has port 53 for both UDP and TCP.",
        );
    }
    warnings
}

/// Whether a rule may let DNS through: its ports decide, since the peers cannot be judged here.
fn allows_dns(rule: &Value) -> bool {
    let ports = get(rule, "port");
    if !ports.is_known() || items(ports).is_empty() {
        return true;
    }
    items(ports).iter().any(|port| {
        let protocol = get(port, "protocol").as_str().unwrap_or("TCP");
        let number = |name: &str| match args::int_or_text(get(port, name)) {
            Value::Number(number) => number.as_i64(),
            _ => None,
        };
        let first = number("port");
        let last = number("end_port").or(first);
        // A name may mean any port.
        let covers = get(port, "port").as_str().is_some_and(|name| name.parse::<i64>().is_err())
            || get(port, "port").is_null()
            || first.zip(last).is_some_and(|(first, last)| (first..=last).contains(&53));
        protocol == "UDP" && covers
    })
}
