//! Objects by chance: twelve kinds, spelled as people spell them.
//!
//! Values come from small pools, so that two draws agree often: a no-op, a conflict and a field
//! with two owners must all be common. Nothing here starts a pod.

use super::dice::Dice;
use serde_json::{Map, Value as Json, json};

/// A kind of object to compare.
pub(super) struct Kind {
    pub(super) api_version: &'static str,
    pub(super) name: &'static str,
    draw: fn(&mut Dice) -> Json,
}

const RBAC: &str = "rbac.authorization.k8s.io/v1";

pub(super) const KINDS: [Kind; 12] = [
    Kind { api_version: "v1", name: "ConfigMap", draw: config_map },
    Kind { api_version: "v1", name: "Secret", draw: secret },
    Kind { api_version: "networking.k8s.io/v1", name: "NetworkPolicy", draw: network_policy },
    Kind { api_version: "apps/v1", name: "Deployment", draw: deployment },
    Kind { api_version: "apps/v1", name: "DaemonSet", draw: daemon_set },
    Kind { api_version: "v1", name: "Service", draw: service },
    Kind { api_version: "v1", name: "ResourceQuota", draw: resource_quota },
    Kind { api_version: "v1", name: "LimitRange", draw: limit_range },
    Kind { api_version: RBAC, name: "Role", draw: role },
    Kind { api_version: RBAC, name: "ClusterRole", draw: cluster_role },
    Kind { api_version: RBAC, name: "RoleBinding", draw: role_binding },
    Kind { api_version: "v1", name: "ServiceAccount", draw: service_account },
];

/// Spellings of the same quantity, a row each.
pub(super) const QUANTITIES: [&[&str]; 6] = [
    &["1", "1000m", "1.0", "1e0"],
    &["500m", "0.5", ".5"],
    &["2", "2000m", "2.000"],
    &["1Gi", "1024Mi", "1048576Ki"],
    &["1M", "1000k", "1e6", "1000000"],
    &["0", "0m", "0Gi"],
];

impl Kind {
    /// Content for an object of this kind; what it is called is not part of it.
    pub(super) fn draw(&self, dice: &mut Dice) -> Json {
        let mut content = (self.draw)(dice);
        let metadata = part(
            dice,
            &[
                (55, "labels", |dice| map(dice, &["app", "tier", "example.com/team"], label)),
                (30, "annotations", |dice| map(dice, &["note", "example.com/why"], text)),
                (8, "finalizers", |dice| json!(dice.some(&["example.com/a", "example.com/b"]))),
            ],
        );
        content["metadata"] = metadata;
        content
    }

    /// The object of this name with this content, kept from starting pods.
    pub(super) fn object(&self, namespace: Option<&str>, name: &str, content: &Json) -> Json {
        let mut object = content.clone();
        object["apiVersion"] = self.api_version.into();
        object["kind"] = self.name.into();
        object["metadata"]["name"] = name.into();
        if let Some(namespace) = namespace {
            object["metadata"]["namespace"] = namespace.into();
        }
        self.keep_idle(&mut object);
        object
    }

    /// However the content was mixed, no pod comes of it.
    pub(super) fn keep_idle(&self, object: &mut Json) {
        match self.name {
            "Deployment" => object["spec"]["replicas"] = 0.into(),
            "DaemonSet" => {
                object["spec"]["template"]["spec"]["nodeSelector"] =
                    json!({"example.com/nowhere": "true"});
            }
            _ => {}
        }
    }
}

type Draw = fn(&mut Dice) -> Json;

/// An object of which each field is there so many times in a hundred.
fn part(dice: &mut Dice, fields: &[(usize, &str, Draw)]) -> Json {
    let mut object = Map::new();
    for (percent, name, draw) in fields {
        if dice.chance(*percent) {
            object.insert((*name).to_owned(), draw(dice));
        } else if dice.chance(2) {
            // People write this, too: no opinion.
            object.insert((*name).to_owned(), Json::Null);
        }
    }
    Json::Object(object)
}

fn map(dice: &mut Dice, keys: &[&str], value: Draw) -> Json {
    dice.some(keys).into_iter().map(|key| (key.to_owned(), value(dice))).collect()
}

/// Up to `most` of them.
fn list(dice: &mut Dice, most: usize, item: Draw) -> Json {
    (0..dice.below(most + 1)).map(|_| item(dice)).collect()
}

/// Items with these names, each at most once.
fn named(dice: &mut Dice, names: &[&str], item: fn(&mut Dice, &str) -> Json) -> Json {
    dice.some(names).into_iter().map(|name| item(dice, name)).collect()
}

fn text(dice: &mut Dice) -> Json {
    dice.pick(&["", "x", "yes", "1", "two\nlines", "{\"a\": [1]}", "\u{e9}"]).into()
}

fn label(dice: &mut Dice) -> Json {
    dice.pick(&["", "blue", "green", "true"]).into()
}

fn labels(dice: &mut Dice) -> Json {
    map(dice, &["app", "tier"], label)
}

fn flag(dice: &mut Dice) -> Json {
    dice.chance(50).into()
}

fn small(dice: &mut Dice) -> Json {
    dice.pick(&[0, 1, 5, 30]).into()
}

fn quantity(dice: &mut Dice) -> Json {
    let spelled = dice.pick(&QUANTITIES);
    let spelled = dice.pick(spelled);
    // A plain number is a quantity as well.
    match spelled.parse::<u32>() {
        Ok(number) if dice.chance(30) => number.into(),
        _ => spelled.into(),
    }
}

fn quantities(dice: &mut Dice) -> Json {
    map(dice, &["cpu", "memory"], quantity)
}

fn config_map(dice: &mut Dice) -> Json {
    part(
        dice,
        &[
            (85, "data", |dice| map(dice, &["a", "b", "c.d", "e_f"], text)),
            (20, "binaryData", |dice| map(dice, &["bin", "bin.2"], encoded)),
            (10, "immutable", |_| false.into()),
        ],
    )
}

fn encoded(dice: &mut Dice) -> Json {
    dice.pick(&["", "eA==", "AAEC", "cGFzcw=="]).into()
}

fn secret(dice: &mut Dice) -> Json {
    part(
        dice,
        &[
            (60, "type", |_| "Opaque".into()),
            (70, "data", |dice| map(dice, &["user", "password", "c.d"], encoded)),
            (35, "stringData", |dice| map(dice, &["user", "token"], text)),
        ],
    )
}

fn selector(dice: &mut Dice) -> Json {
    part(
        dice,
        &[
            (50, "matchLabels", labels),
            (20, "matchExpressions", |dice| {
                list(dice, 2, |dice| match dice.below(2) {
                    0 => json!({"key": "app", "operator": "In", "values": ["blue", "green"]}),
                    _ => json!({"key": "tier", "operator": "Exists"}),
                })
            }),
        ],
    )
}

fn network_policy(dice: &mut Dice) -> Json {
    let mut spec = part(
        dice,
        &[
            (60, "policyTypes", |dice| json!(dice.some(&["Ingress", "Egress"]))),
            (60, "ingress", |dice| {
                list(dice, 2, |dice| {
                    part(dice, &[(60, "ports", policy_ports), (60, "from", peers)])
                })
            }),
            (40, "egress", |dice| {
                list(dice, 2, |dice| part(dice, &[(60, "ports", policy_ports), (60, "to", peers)]))
            }),
        ],
    );
    spec["podSelector"] = selector(dice);
    json!({"spec": spec})
}

fn policy_ports(dice: &mut Dice) -> Json {
    list(dice, 2, |dice| {
        part(
            dice,
            &[
                (80, "port", |dice| dice.pick(&[json!(80), json!(443), json!("web")])),
                (40, "protocol", |dice| dice.pick(&["TCP", "UDP"]).into()),
                (5, "endPort", |_| 500.into()),
            ],
        )
    })
}

fn peers(dice: &mut Dice) -> Json {
    list(dice, 3, |dice| match dice.below(4) {
        0 => json!({"podSelector": selector(dice)}),
        1 => json!({"namespaceSelector": selector(dice)}),
        2 => json!({"namespaceSelector": {}, "podSelector": selector(dice)}),
        _ => json!({"ipBlock": part(dice, &[
            (98, "cidr", |_| "10.0.0.0/8".into()),
            (50, "except", |dice| json!(dice.some(&["10.1.0.0/16", "10.2.0.0/16"]))),
        ])}),
    })
}

fn deployment(dice: &mut Dice) -> Json {
    let mut spec = part(
        dice,
        &[
            (30, "minReadySeconds", small),
            (30, "revisionHistoryLimit", small),
            (15, "paused", |_| false.into()),
            (20, "progressDeadlineSeconds", |_| 600.into()),
            (30, "strategy", |dice| match dice.below(3) {
                0 => json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}),
                1 => json!({"rollingUpdate": {"maxUnavailable": 1}}),
                _ => json!({}),
            }),
        ],
    );
    spec["selector"] = json!({"matchLabels": {"run": "noop"}});
    spec["template"] = template(dice);
    json!({"spec": spec})
}

fn daemon_set(dice: &mut Dice) -> Json {
    let mut spec = part(
        dice,
        &[
            (30, "minReadySeconds", small),
            (30, "revisionHistoryLimit", small),
            (30, "updateStrategy", |dice| match dice.below(2) {
                0 => json!({"type": "OnDelete"}),
                _ => json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}),
            }),
        ],
    );
    spec["selector"] = json!({"matchLabels": {"run": "noop"}});
    spec["template"] = template(dice);
    json!({"spec": spec})
}

fn template(dice: &mut Dice) -> Json {
    let mut metadata = part(dice, &[(60, "labels", labels), (20, "annotations", labels)]);
    if metadata["labels"].is_object() {
        metadata["labels"]["run"] = "noop".into();
    } else {
        metadata["labels"] = json!({"run": "noop"});
    }
    json!({"metadata": metadata, "spec": pod(dice)})
}

fn pod(dice: &mut Dice) -> Json {
    let mut spec = part(
        dice,
        &[
            (20, "hostNetwork", |_| false.into()),
            (20, "terminationGracePeriodSeconds", small),
            (20, "dnsPolicy", |_| "ClusterFirst".into()),
            (20, "serviceAccountName", |_| "default".into()),
            (20, "securityContext", |dice| {
                part(
                    dice,
                    &[
                        (40, "runAsNonRoot", flag),
                        (30, "supplementalGroups", |dice| json!(dice.some(&[1, 2, 3]))),
                    ],
                )
            }),
            (25, "imagePullSecrets", |dice| {
                named(dice, &["one", "two"], |_, n| json!({"name": n}))
            }),
            (25, "tolerations", |dice| list(dice, 2, toleration)),
            (15, "hostAliases", |dice| {
                named(
                    dice,
                    &["10.0.0.1", "10.0.0.2"],
                    |dice, ip| json!({"ip": ip, "hostnames": dice.some(&["a", "b"])}),
                )
            }),
            (15, "topologySpreadConstraints", |dice| {
                named(dice, &["zone", "host"], |dice, key| {
                    json!({"topologyKey": key, "maxSkew": dice.pick(&[1, 2]),
                       "whenUnsatisfiable": "ScheduleAnyway"})
                })
            }),
            (30, "initContainers", |dice| named(dice, &["before"], container)),
            (40, "volumes", |dice| {
                named(dice, &["cache", "config"], |dice, name| match dice.below(3) {
                    0 => json!({"name": name, "emptyDir": {}}),
                    1 => json!({"name": name, "emptyDir": {"sizeLimit": quantity(dice)}}),
                    _ => json!({"name": name, "configMap": {"name": "settings"}}),
                })
            }),
        ],
    );
    let mut containers = named(dice, &["side", "log"], container);
    if let Some(containers) = containers.as_array_mut() {
        let at = dice.below(containers.len() + 1);
        containers.insert(at, container(dice, "main"));
    }
    spec["containers"] = containers;
    spec
}

fn toleration(dice: &mut Dice) -> Json {
    let mut toleration = json!({"key": "dedicated", "operator": "Exists"});
    if dice.chance(50) {
        toleration["effect"] = "NoSchedule".into();
    }
    toleration
}

fn container(dice: &mut Dice, name: &str) -> Json {
    let mut container = part(
        dice,
        &[
            (98, "image", |dice| dice.pick(&["nginx", "nginx:1", "busybox:1.36"]).into()),
            (25, "command", |dice| json!(dice.some(&["a", "b"]))),
            (25, "args", |dice| json!(dice.some(&["-v", "-x"]))),
            (20, "imagePullPolicy", |dice| dice.pick(&["Always", "IfNotPresent"]).into()),
            (20, "tty", flag),
            (50, "resources", |dice| part(dice, &[(70, "limits", quantities)])),
            (45, "env", |dice| named(dice, &["A", "B", "C"], variable)),
            (45, "ports", |dice| {
                named(dice, &["web", "admin"], |dice, name| {
                    let port = if name == "web" { 80 } else { 8080 };
                    let mut port = json!({"containerPort": port});
                    if dice.chance(40) {
                        port["name"] = name.into();
                    }
                    if dice.chance(40) {
                        port["protocol"] = dice.pick(&["TCP", "UDP"]).into();
                    }
                    port
                })
            }),
            (
                15,
                "readinessProbe",
                |dice| json!({"httpGet": {"path": "/", "port": dice.pick(&[json!(80), json!("web")])}}),
            ),
            (10, "securityContext", |dice| part(dice, &[(50, "privileged", |_| false.into())])),
        ],
    );
    container["name"] = name.into();
    container
}

fn variable(dice: &mut Dice, name: &str) -> Json {
    match dice.below(4) {
        0 => json!({"name": name}),
        1 => json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}),
        _ => json!({"name": name, "value": text(dice)}),
    }
}

fn service(dice: &mut Dice) -> Json {
    let mut spec = part(
        dice,
        &[
            (50, "selector", labels),
            (40, "type", |dice| dice.pick(&["ClusterIP", "ClusterIP", "NodePort"]).into()),
            (20, "sessionAffinity", |dice| dice.pick(&["None", "ClientIP"]).into()),
            (15, "publishNotReadyAddresses", flag),
            (10, "externalIPs", |dice| json!(dice.some(&["192.0.2.1", "192.0.2.2"]))),
            (10, "ipFamilyPolicy", |_| "SingleStack".into()),
            (5, "internalTrafficPolicy", |dice| dice.pick(&["Cluster", "Local"]).into()),
        ],
    );
    let mut ports = named(dice, &["admin", "metrics"], service_port);
    if let Some(ports) = ports.as_array_mut() {
        let at = dice.below(ports.len() + 1);
        ports.insert(at, service_port(dice, "web"));
    }
    spec["ports"] = ports;
    json!({"spec": spec})
}

fn service_port(dice: &mut Dice, name: &str) -> Json {
    let mut port = part(
        dice,
        &[
            (40, "targetPort", |dice| dice.pick(&[json!(80), json!(8080), json!("web")])),
            (40, "protocol", |dice| dice.pick(&["TCP", "TCP", "UDP"]).into()),
            (10, "appProtocol", |_| "http".into()),
        ],
    );
    port["name"] = name.into();
    port["port"] = match name {
        "web" => 80,
        "admin" => 8080,
        _ => 9090,
    }
    .into();
    port
}

fn resource_quota(dice: &mut Dice) -> Json {
    const NAMES: [&str; 5] = [
        "requests.cpu",
        "limits.memory",
        "pods",
        "count/configmaps",
        "requests.example.com/dongle",
    ];
    json!({"spec": part(dice, &[
        (90, "hard", |dice| map(dice, &NAMES, quantity)),
        (5, "scopes", |dice| json!(dice.some(&["NotTerminating"]))),
    ])})
}

fn limit_range(dice: &mut Dice) -> Json {
    json!({"spec": {"limits": list(dice, 2, |dice| match dice.below(3) {
        0 => json!({"type": "PersistentVolumeClaim", "max": {"storage": quantity(dice)}}),
        1 => part(dice, &[(100, "type", |_| "Pod".into()), (60, "max", quantities)]),
        // Others than these mostly contradict each other.
        _ => part(dice, &[
            (100, "type", |_| "Container".into()),
            (40, "default", |_| json!({"cpu": "2000m", "memory": "1Gi"})),
            (40, "defaultRequest", |_| json!({"cpu": "0.5"})),
            (30, "max", |dice| json!({"cpu": dice.pick(&["2", "4"])})),
            (30, "min", |dice| json!({"memory": dice.pick(&["0", "1M", "1000k"])})),
        ]),
    })}})
}

fn role(dice: &mut Dice) -> Json {
    part(dice, &[(90, "rules", |dice| list(dice, 3, rule))])
}

fn cluster_role(dice: &mut Dice) -> Json {
    let mut role = role(dice);
    if dice.chance(10) {
        // A controller writes the rules of these.
        let selector = json!({"matchLabels": {"example.com/aggregate": "noop"}});
        role["aggregationRule"] = json!({"clusterRoleSelectors": [selector]});
    }
    role
}

fn rule(dice: &mut Dice) -> Json {
    let mut rule = part(
        dice,
        &[
            (98, "verbs", |_| json!(["get"])),
            (15, "resourceNames", |dice| json!(dice.some(&["one", "two"]))),
        ],
    );
    if dice.chance(50) {
        rule["verbs"] = json!(["get", "list"]);
    }
    rule["apiGroups"] = json!([dice.pick(&["", "apps"])]);
    rule["resources"] = json!([dice.pick(&["pods", "secrets", "deployments"])]);
    rule
}

fn role_binding(dice: &mut Dice) -> Json {
    let mut binding = part(
        dice,
        &[(90, "subjects", |dice| {
            list(dice, 3, |dice| match dice.below(4) {
                0 => json!({"kind": "User", "name": "ann"}),
                1 => {
                    json!({"kind": "Group", "name": "ops", "apiGroup": "rbac.authorization.k8s.io"})
                }
                2 => json!({"kind": "Group", "name": "dev"}),
                _ => json!({"kind": "ServiceAccount", "name": "default", "namespace": "default"}),
            })
        })],
    );
    let role = if dice.chance(95) { "view" } else { "edit" };
    binding["roleRef"] = json!({"kind": "ClusterRole", "name": role});
    if dice.chance(50) {
        binding["roleRef"]["apiGroup"] = "rbac.authorization.k8s.io".into();
    }
    binding
}

fn service_account(dice: &mut Dice) -> Json {
    part(
        dice,
        &[
            (40, "automountServiceAccountToken", flag),
            (50, "imagePullSecrets", |dice| {
                named(dice, &["one", "two"], |_, n| json!({"name": n}))
            }),
            (40, "secrets", |dice| named(dice, &["s1", "s2", "s3"], |_, n| json!({"name": n}))),
        ],
    )
}
