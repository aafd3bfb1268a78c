//! What was seen of the cluster: the objects themselves, and what they depend on.

use super::objects::RESTARTS;
use super::settings::{Mode, Settings, server};
use super::{NAMESPACE, PARTS};
use crate::api::ObjectRef;
use crate::args::{entries, get, items, text};
use crate::codes;
use plans::{ObjectKey, Problem};
use std::collections::BTreeSet;
use std::net::IpAddr;
use values::{Path, Value};

/// What is looked at besides the objects: what it is called in the answer, its kind, its name.
pub(crate) const LOOKED_FOR: [(&str, &str, &str); 3] = [
    ("kube_dns", "Service", "kube-dns"),
    ("kube_proxy", "ConfigMap", "kube-proxy"),
    ("kubelet_config", "ConfigMap", "kubelet-config"),
];

/// An answer of the I/O half: objects under `objects`; under `seen` what else was looked at, and
/// under `unseen` why something could not be.
#[derive(Clone, Copy)]
pub(super) struct Situation<'a>(pub(super) &'a Value);

/// Where the cache that runs answers.
pub(super) struct Running {
    pub(super) local: IpAddr,
    /// Whether queries to the cluster's DNS come to it without the kubelets' doing.
    pub(super) intercepts: bool,
}

impl<'a> Situation<'a> {
    /// The object of this part as it is.
    pub(super) fn live(self, part: &str) -> Option<&'a Value> {
        self.0.get("objects")?.get(part).filter(|live| !live.is_null())
    }

    pub(super) fn nothing_is_there(self) -> bool {
        PARTS.iter().all(|part| self.live(part.name).is_none())
    }

    /// What is there of this name; why it could not be looked at, as a sentence.
    fn seen(self, name: &str) -> Result<Option<&'a Value>, &'a str> {
        match self.0.get("unseen").and_then(|unseen| unseen.get(name)).and_then(Value::as_str) {
            Some(why) => Err(why),
            None => Ok(self.0.get("seen").and_then(|s| s.get(name)).filter(|s| !s.is_null())),
        }
    }

    pub(super) fn running(self) -> Option<Running> {
        let spec = self.live("daemon_set")?.get("spec")?.get("template")?.get("spec")?;
        let container = items(get(spec, "containers")).first()?;
        let args = items(get(container, "args"));
        let at = args.iter().position(|arg| arg.as_str() == Some("-localip"))?;
        let mut addresses = args.get(at + 1)?.as_str()?.split(',');
        let local = addresses.next()?.parse().ok()?;
        Some(Running { local, intercepts: addresses.next().is_some() })
    }

    /// How often the pods were started anew because the upstream Service was made anew: they learn
    /// its address when they start. It is written on them, so that a change of it starts them.
    pub(super) fn restarts(self, settings: &Settings) -> i64 {
        let template = |live: &'a Value| live.get("spec")?.get("template")?.get("metadata");
        let written = self.live("daemon_set").and_then(template);
        let written = written.and_then(|meta| meta.get("annotations")?.get(RESTARTS)?.as_str());
        let so_far = written.and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
        let lost = self.live("daemon_set").is_some() && self.live("upstream_service").is_none();
        if lost && settings.mode.intercepts() { so_far.saturating_add(1) } else { so_far }
    }

    /// What kubelets of nodes that join will give to pods; empty where nobody says so.
    pub(super) fn joining(self) -> Vec<IpAddr> {
        let base = self.kubelet_config();
        let given = base.as_ref().map_or(&[][..], |base| items(get(base, "clusterDNS")));
        given.iter().filter_map(|address| address.as_str()?.parse().ok()).collect()
    }

    fn kubelet_config(self) -> Option<Value> {
        let object = self.seen("kubelet_config").ok()??;
        read(object.get("data")?.get("kubelet")?.as_str()?).ok()
    }

    /// The mode that kube-proxy's configuration says; why it is not known, as a sentence.
    fn detected(self) -> Result<Mode, String> {
        let place = format!("The ConfigMap {NAMESPACE}/kube-proxy");
        let object = match self.seen("kube_proxy") {
            Ok(Some(object)) => object,
            Ok(None) => {
                return Err(format!(
                    "{place}, which would say it, does not exist: kube-proxy is set up in another \
                     way, or something else does its work."
                ));
            }
            Err(why) => return Err(format!("{place} could not be looked at: {why}")),
        };
        let text = object.get("data").and_then(|data| data.get("config.conf"));
        let Some(text) = text.and_then(Value::as_str) else {
            return Err(format!("{place} has no text `config.conf`."));
        };
        let config = read(text).map_err(|why| format!("{place} cannot be read: {why}"))?;
        match get(&config, "mode") {
            Value::Null => Ok(Mode::Iptables),
            Value::String(mode) if mode.is_empty() => Ok(Mode::Iptables),
            Value::String(mode) => Mode::parse(mode).ok_or_else(|| {
                format!("{place} says `{}`, which is no mode on Linux.", mode.escape_debug())
            }),
            other => Err(format!("{place} has a `mode` that is a {}.", other.kind())),
        }
    }

    /// All that the objects follow from, with what people should know about it.
    pub(super) fn settings(
        self,
        args: &Value,
        created: &BTreeSet<ObjectKey>,
    ) -> Result<(Settings, Vec<Problem>), Vec<Problem>> {
        known(args)?;
        let mut warnings = Vec::new();
        let mode = self.mode(args, &mut warnings).map_err(|problem| vec![problem]);
        let cluster_dns = self.cluster_dns(args, created, &mut warnings).map_err(|p| vec![p]);
        let (mode, cluster_dns) = match (mode, cluster_dns) {
            (Ok(mode), Ok(cluster_dns)) => (mode, cluster_dns),
            (Err(mut first), Err(second)) => {
                first.extend(second);
                return Err(first);
            }
            (Err(problems), _) | (_, Err(problems)) => return Err(problems),
        };
        let texts = |name: &str| {
            let list = items(get(args, name)).iter();
            list.filter_map(|text| text.as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        let Ok(local) = text(args, "local_ip").parse::<IpAddr>() else {
            let detail = "`local_ip` is not an IP address.";
            return Err(vec![invalid(Path::of("local_ip"), detail.to_owned())]);
        };
        let settings = Settings {
            mode,
            local,
            cluster_dns,
            domain: text(args, "cluster_domain").to_owned(),
            upstream: texts("upstream_servers"),
            image: text(args, "image").to_owned(),
            resources: without_nulls(get(args, "resources")),
            tolerations: get(args, "tolerations").clone(),
            node_selector: get(args, "node_selector").clone(),
        };
        let problems = self.problems(&settings);
        if !problems.is_empty() {
            return Err(problems);
        }
        warnings.extend(tight(&settings));
        Ok((settings, warnings))
    }

    fn mode(self, args: &Value, warnings: &mut Vec<Problem>) -> Result<Mode, Problem> {
        let path = || Path::of("proxy_mode");
        let detected = self.detected();
        match (Mode::parse(text(args, "proxy_mode")), detected) {
            (None, Ok(mode)) => Ok(mode),
            (None, Err(why)) => {
                let detail = format!("How kube-proxy works is not known. {why}");
                Err(Problem::error(codes::PROXY_MODE, "Unknown proxy mode", path(), detail)
                    .with_help(
                        "Set `proxy_mode`. `ipvs` fits any other data plane too, since it needs no \
                         rules at the address of the cluster's DNS; Cilium has a redirection of its \
                         own for this.",
                    ))
            }
            (Some(given), Ok(mode)) if given != mode => {
                let detail = format!(
                    "`proxy_mode` is `{}`, and the ConfigMap {NAMESPACE}/kube-proxy says `{}`.",
                    given.name(),
                    mode.name()
                );
                let summary = "Proxy mode differs from that of kube-proxy";
                let problem = Problem::warning(codes::NODELOCAL_EFFECT, summary, path(), detail)
                    .with_help(
                        "Ask a node which is right: `curl http://127.0.0.1:10249/proxyMode`. Leave \
                         `proxy_mode` out to follow the ConfigMap.",
                    );
                warnings.push(problem);
                Ok(given)
            }
            (Some(given), _) => Ok(given),
        }
    }

    fn cluster_dns(
        self,
        args: &Value,
        created: &BTreeSet<ObjectKey>,
        warnings: &mut Vec<Problem>,
    ) -> Result<IpAddr, Problem> {
        let path = || Path::of("cluster_dns_ip");
        let service = format!("the Service {NAMESPACE}/kube-dns");
        let found = self.seen("kube_dns");
        let address = found.ok().flatten().and_then(|s| s.get("spec")?.get("clusterIP")?.as_str());
        let address_of_service = address.and_then(|address| address.parse::<IpAddr>().ok());
        if let Ok(given) = text(args, "cluster_dns_ip").parse::<IpAddr>() {
            if let Some(other) = address_of_service.filter(|address| *address != given) {
                let detail = format!("`cluster_dns_ip` is `{given}`, and {service} has `{other}`.");
                let summary = "Another address than that of the cluster's DNS";
                let problem = Problem::warning(codes::NODELOCAL_EFFECT, summary, path(), detail);
                warnings
                    .push(problem.with_help("Leave `cluster_dns_ip` out to follow the Service."));
            }
            return Ok(given);
        }
        let key = ObjectRef::namespaced("v1", "Service", NAMESPACE, "kube-dns").key();
        let why = match (found, address_of_service) {
            (_, Some(address)) => return Ok(address),
            (Err(why), None) => format!("It is that of {service}, which could not be seen: {why}"),
            (Ok(None), None) if created.contains(&key) => {
                format!("It is that of {service}, which is created by this very plan.")
            }
            (Ok(None), None) => format!("It is that of {service}, which does not exist."),
            (Ok(Some(_)), None) => format!(
                "It is that of {service}, which has none (`clusterIP` is `{}`).",
                address.unwrap_or_default()
            ),
        };
        let detail = format!("The address of the cluster's DNS is not known. {why}");
        let problem = Problem::error(codes::CLUSTER_DNS, "Unknown cluster DNS", path(), detail);
        Err(problem.with_help(
            "Set `cluster_dns_ip` to the address that kubelets give to pods (`clusterDNS`).",
        ))
    }

    fn problems(self, settings: &Settings) -> Vec<Problem> {
        let Settings { local, cluster_dns, domain, .. } = settings;
        let mut problems = Vec::new();
        if local == cluster_dns {
            let detail = format!("`{local}` is the address of the cluster's DNS.");
            problems.push(invalid(Path::of("local_ip"), detail));
        } else if local.is_ipv4() != cluster_dns.is_ipv4() {
            let detail = format!(
                "`{local}` and the address of the cluster's DNS, `{cluster_dns}`, are of different \
                 families."
            );
            let usual = if local.is_ipv4() { "`fd00::/8`" } else { "`169.254.0.0/16`" };
            let help = format!("Choose an address in {usual}.");
            problems.push(invalid(Path::of("local_ip"), detail).with_help(help));
        }
        for (i, other) in settings.upstream.iter().enumerate() {
            if server(other).is_some_and(|other| other == *local || other == *cluster_dns) {
                let detail = format!("`{other}` is the cache's own address: it would ask itself.");
                problems.push(invalid(Path::of("upstream_servers").index(i), detail));
            }
        }
        let base = self.kubelet_config();
        let of_kubelets = base.as_ref().and_then(|base| base.get("clusterDomain")?.as_str());
        if let Some(other) = of_kubelets.filter(|other| other != domain && !other.is_empty()) {
            let detail = format!(
                "`{domain}` is not the domain of this cluster: kubelets have `{other}`, by the \
                 ConfigMap {NAMESPACE}/kubelet-config. Names in `{other}` would be asked of servers \
                 outside."
            );
            let help = format!("Set `cluster_domain = \"{other}\"`.");
            problems.push(invalid(Path::of("cluster_domain"), detail).with_help(help));
        }
        problems
    }
}

fn read(text: &str) -> Result<Value, String> {
    let documents = yaml::documents(text).map_err(|mistake| mistake.why)?;
    match documents.as_slice() {
        [document] => Ok(document.to_value()),
        others => Err(format!("It holds {} documents, and one was expected.", others.len())),
    }
}

fn invalid(path: Path, detail: String) -> Problem {
    Problem::error(codes::NODELOCAL, "Invalid setting of the DNS cache", path, detail)
}

/// Several objects follow from each argument, and the server is asked about all of them.
fn known(args: &Value) -> Result<(), Vec<Problem>> {
    let problem = |(name, value): (&str, &Value)| {
        let path = Path::of(name);
        let problem = |detail: String| {
            let summary = "Setting of the DNS cache must be known";
            Some(Problem::error(codes::NODELOCAL_LATE, summary, path, detail))
        };
        if value.has_sensitive() {
            problem(format!("`{name}` is sensitive, and would stand readable in the objects."))
        } else if !value.is_known() {
            problem(format!("`{name}` is known after apply, and the objects follow from it."))
                .map(|p| p.with_help("Apply first what it comes from, with `-target`."))
        } else {
            None
        }
    };
    let computed = ["mode", "kubelet_cluster_dns"];
    let arguments = entries(args).filter(|(name, _)| !computed.contains(name));
    let problems: Vec<Problem> = arguments.filter_map(problem).collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn without_nulls(value: &Value) -> Value {
    let given = entries(value).filter(|(_, value)| !value.is_null());
    Value::map(given.map(|(name, value)| (name, value.clone())))
}

/// A pod that is killed at once leaves its interface and its rules, and nobody who answers there.
fn tight(settings: &Settings) -> Option<Problem> {
    let limit = get(get(&settings.resources, "limits"), "memory").as_str()?;
    if !settings.mode.intercepts() {
        return None;
    }
    let path = Path::of("resources").attr("limits").attr("memory");
    let detail = format!(
        "A cache that needs more than {limit} is killed at once. Its interface and its rules stay, \
         and until it is back nothing on the node has DNS."
    );
    let summary = "Limit of memory can take DNS from a node";
    let problem = Problem::warning(codes::NODELOCAL_EFFECT, summary, path, detail);
    Some(problem.with_help("Leave the limit out, or well above what the cache ever used."))
}
