//! The objects of the set, in the order in which they are made.
//!
//! Source: [the add-on's manifest](https://github.com/kubernetes/kubernetes/blob/master/cluster/addons/dns/nodelocaldns/nodelocaldns.yaml).
//! Other than there, pods run on Linux nodes alone: the add-on's tolerate everything, also what
//! keeps pods off Windows nodes. Labels of the add-on manager are left out; nothing here is its.

use super::corefile::corefile;
use super::settings::Settings;
use super::{NAME, NAMESPACE};
use crate::api::ObjectRef;
use crate::args;
use values::{Map, Value};

/// The image of the add-on of Kubernetes 1.36.
pub(super) const IMAGE: &str = "registry.k8s.io/dns/k8s-dns-node-cache:1.26.7";
pub(super) const HEALTH_PORT: i64 = 8080;
pub(super) const METRICS_PORT: i64 = 9253;
const DNS_PORT: i64 = 53;
/// The annotation that says of which resource of several objects an object is a part.
pub(crate) const OWNER: &str = "clinch.dev/part-of-resource";
/// The annotation of the pods that says how often the upstream Service was made anew.
pub(super) const RESTARTS: &str = "clinch.dev/upstream-service";
const CACHE: &str = "node-local-dns";
const UPSTREAM: &str = "kube-dns-upstream";
const KUBE_DNS: &str = "kube-dns";

/// One of the objects.
pub(crate) struct Part {
    /// What it is called in a plan.
    pub(crate) name: &'static str,
    api_version: &'static str,
    kind: &'static str,
    object: &'static str,
}

impl Part {
    pub(crate) fn object(&self) -> ObjectRef {
        ObjectRef::namespaced(self.api_version, self.kind, NAMESPACE, self.object)
    }
}

const fn part(
    name: &'static str,
    api_version: &'static str,
    kind: &'static str,
    object: &'static str,
) -> Part {
    Part { name, api_version, kind, object }
}

/// All of them. The address of the upstream Service is given to pods when they start, so it is
/// there before the `DaemonSet` is; they are deleted the other way round.
pub(crate) const PARTS: [Part; 5] = [
    part("service_account", "v1", "ServiceAccount", CACHE),
    part("upstream_service", "v1", "Service", UPSTREAM),
    part("config_map", "v1", "ConfigMap", CACHE),
    part("metrics_service", "v1", "Service", CACHE),
    part("daemon_set", "apps/v1", "DaemonSet", CACHE),
];

pub(super) fn resources() -> Value {
    Value::map([("requests", Value::map([("cpu", "25m".into()), ("memory", "5Mi".into())]))])
}

pub(super) fn tolerations() -> Value {
    let exists =
        |name: &str, of: &str| Value::map([(name, of.into()), ("operator", "Exists".into())]);
    Value::list([
        exists("key", "CriticalAddonsOnly"),
        exists("effect", "NoExecute"),
        exists("effect", "NoSchedule"),
    ])
}

/// The objects as these settings want them, in the order of [`PARTS`].
pub(super) fn intents(settings: &Settings, restarts: i64) -> [Value; 5] {
    let [account, upstream, config, metrics, daemons] = &PARTS;
    let label = |app: &str| Value::map([("k8s-app", app.into())]);
    [
        object(account, None, None, Map::new()),
        object(upstream, Some(label(KUBE_DNS)), None, spec(upstream_spec())),
        object(config, None, None, data(settings)),
        object(metrics, Some(label(CACHE)), Some(scraped()), spec(metrics_spec())),
        object(daemons, Some(label(CACHE)), None, spec(daemons_spec(settings, restarts))),
    ]
}

/// The object without what it has for clinch's own sake.
pub(super) fn plain(intent: &Value) -> Value {
    let mut object = intent.as_map().cloned().unwrap_or_default();
    let mut metadata = object.get("metadata").and_then(Value::as_map).cloned().unwrap_or_default();
    let annotations = metadata.get("annotations").and_then(Value::as_map).into_iter().flatten();
    let others = annotations.filter(|(name, _)| &***name != OWNER);
    let others = Value::map(others.map(|(name, value)| (name.clone(), value.clone())));
    metadata.remove("annotations");
    if others.as_map().is_some_and(|others| !others.is_empty()) {
        metadata.insert("annotations".into(), others);
    }
    object.insert("metadata".into(), Value::map(metadata));
    Value::map(object)
}

fn object(part: &Part, labels: Option<Value>, notes: Option<Value>, rest: Map) -> Value {
    let mut annotations = notes.and_then(|notes| notes.as_map().cloned()).unwrap_or_default();
    annotations.insert(OWNER.into(), NAME.into());
    let metadata = Value::map([
        ("labels", labels.unwrap_or(Value::Null)),
        ("annotations", Value::map(annotations)),
    ]);
    let mut object = args::head(&part.object(), &metadata);
    object.extend(rest);
    Value::map(object)
}

fn spec(spec: Value) -> Map {
    [("spec".into(), spec)].into_iter().collect()
}

fn data(settings: &Settings) -> Map {
    let data = Value::map([("Corefile", corefile(settings).into())]);
    [("data".into(), data)].into_iter().collect()
}

fn upstream_spec() -> Value {
    Value::map([
        ("selector", Value::map([("k8s-app", KUBE_DNS.into())])),
        ("ports", Value::list([port("dns", "UDP", DNS_PORT), port("dns-tcp", "TCP", DNS_PORT)])),
    ])
}

/// Without an address of its own: each pod is scraped for itself.
fn metrics_spec() -> Value {
    Value::map([
        ("clusterIP", "None".into()),
        ("selector", Value::map([("k8s-app", CACHE.into())])),
        ("ports", Value::list([port("metrics", "TCP", METRICS_PORT)])),
    ])
}

fn scraped() -> Value {
    Value::map([
        ("prometheus.io/scrape", "true".into()),
        ("prometheus.io/port", METRICS_PORT.to_string().into()),
    ])
}

fn port(name: &str, protocol: &str, port: i64) -> Value {
    Value::map([
        ("name", name.into()),
        ("protocol", protocol.into()),
        ("port", port.into()),
        ("targetPort", port.into()),
    ])
}

fn daemons_spec(settings: &Settings, restarts: i64) -> Value {
    let label = || Value::map([("k8s-app", CACHE.into())]);
    let update = Value::map([
        ("type", "RollingUpdate".into()),
        ("rollingUpdate", Value::map([("maxUnavailable", "10%".into())])),
    ]);
    let pod = Value::map([
        ("priorityClassName", "system-node-critical".into()),
        ("serviceAccountName", CACHE.into()),
        ("hostNetwork", true.into()),
        // Its own questions go to the servers of the node.
        ("dnsPolicy", "Default".into()),
        ("nodeSelector", settings.node_selector.clone()),
        ("tolerations", settings.tolerations.clone()),
        ("containers", Value::list([container(settings)])),
        ("volumes", volumes()),
    ]);
    let mut annotations = scraped().as_map().cloned().unwrap_or_default();
    if restarts > 0 {
        annotations.insert(RESTARTS.into(), restarts.to_string().into());
    }
    let metadata = Value::map([("labels", label()), ("annotations", Value::map(annotations))]);
    let template = Value::map([("metadata", metadata), ("spec", pod)]);
    Value::map([
        ("updateStrategy", update),
        ("selector", Value::map([("matchLabels", label())])),
        ("template", template),
    ])
}

fn container(settings: &Settings) -> Value {
    let listens = settings.listens().join(",");
    // With the file of its process id it writes its rules when it listens, else a minute later.
    // Source: [kubernetes/dns, issue 448](https://github.com/kubernetes/dns/issues/448).
    let started = ["-pidfile", "/tmp/node-cache.pid"];
    let args = ["-localip", &listens, "-conf", "/etc/Corefile", "-upstreamsvc", UPSTREAM];
    let port = |name: &str, protocol: &str, port: i64| {
        Value::map([
            ("name", name.into()),
            ("containerPort", port.into()),
            ("protocol", protocol.into()),
        ])
    };
    let ports = [
        port("dns", "UDP", DNS_PORT),
        port("dns-tcp", "TCP", DNS_PORT),
        port("metrics", "TCP", METRICS_PORT),
    ];
    let health = Value::map([
        ("host", settings.local.to_string().into()),
        ("path", "/health".into()),
        ("port", HEALTH_PORT.into()),
    ]);
    let alive = Value::map([
        ("httpGet", health),
        ("initialDelaySeconds", 60_i64.into()),
        ("timeoutSeconds", 5_i64.into()),
    ]);
    let mount =
        |name: &str, path: &str| Value::map([("name", name.into()), ("mountPath", path.into())]);
    let mounts = [
        mount("xtables-lock", "/run/xtables.lock"),
        mount("config-volume", "/etc/coredns"),
        mount("kube-dns-config", "/etc/kube-dns"),
    ];
    let capabilities = Value::map([("add", Value::list(["NET_ADMIN".into()]))]);
    Value::map([
        ("name", "node-cache".into()),
        ("image", settings.image.as_str().into()),
        ("resources", settings.resources.clone()),
        ("args", Value::list(args.into_iter().chain(started).map(Value::from))),
        ("securityContext", Value::map([("capabilities", capabilities)])),
        ("ports", Value::list(ports)),
        ("livenessProbe", alive),
        ("volumeMounts", Value::list(mounts)),
    ])
}

fn volumes() -> Value {
    let lock = Value::map([("path", "/run/xtables.lock".into()), ("type", "FileOrCreate".into())]);
    // The program makes of it the Corefile that is read.
    let base = Value::map([("key", "Corefile".into()), ("path", "Corefile.base".into())]);
    let config = Value::map([("name", CACHE.into()), ("items", Value::list([base]))]);
    let kube_dns = Value::map([("name", KUBE_DNS.into()), ("optional", true.into())]);
    let volume =
        |name: &str, kind: &str, of: Value| Value::map([("name", name.into()), (kind, of)]);
    Value::list([
        volume("xtables-lock", "hostPath", lock),
        volume("kube-dns-config", "configMap", kube_dns),
        volume("config-volume", "configMap", config),
    ])
}
