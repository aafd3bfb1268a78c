//! The certificate of no-op against a real server: random objects, random changes to what is
//! asked for, and the server's own dry-run as the judge.

use super::stage::Stage;
use cluster::{canon, noop};
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value as Json, json};

const COMPARISONS: usize = 5_000;
const MANAGER: &str = "clinch";

/// xorshift: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    fn sometimes(&mut self) -> bool {
        self.below(3) == 0
    }
}

const KEYS: [&str; 5] = ["a", "b", "c.d", "e-f", "g"];
const AMOUNTS: [&str; 8] = ["1", "1000m", "2", "1Gi", "1024Mi", "500m", "0.5", "3"];

fn map(random: &mut Random, values: &[&str]) -> Json {
    let picked: serde_json::Map<String, Json> = KEYS
        .iter()
        .filter_map(|key| random.sometimes().then(|| ((*key).to_owned(), json!(random.of(values)))))
        .collect();
    Json::Object(picked)
}

fn ports(random: &mut Random) -> Json {
    let all = [
        json!({ "name": "http", "port": 80 }),
        json!({ "name": "https", "port": 443, "protocol": "TCP", "targetPort": 8443 }),
        json!({ "name": "dns", "port": 53, "protocol": "UDP" }),
        json!({ "name": "web", "port": 8080, "targetPort": "http" }),
    ];
    let mut ports: Vec<Json> = all.into_iter().filter(|_| random.sometimes()).collect();
    if ports.is_empty() {
        ports.push(json!({ "name": "http", "port": 80 }));
    }
    if random.sometimes() {
        ports.reverse();
    }
    Json::Array(ports)
}

fn labelled(random: &mut Random) -> Json {
    let labels = map(random, &["x", "y"]);
    if random.sometimes() { json!({}) } else { json!({ "matchLabels": labels }) }
}

/// A random intent of one of several kinds, as somebody may write it.
fn intent(random: &mut Random, kind: &str, name: &str, namespace: &str) -> Json {
    let mut metadata = json!({ "name": name, "namespace": namespace });
    if random.sometimes() {
        metadata["labels"] = map(random, &["x", "y", ""]);
    }
    if random.sometimes() {
        metadata["annotations"] = map(random, &["long text", "", "1"]);
    }
    let mut object = match kind {
        "ConfigMap" => json!({ "apiVersion": "v1", "data": map(random, &["x", "y", "", "1"]) }),
        "ResourceQuota" => {
            let mut hard = serde_json::Map::new();
            for what in ["requests.cpu", "limits.cpu", "requests.memory", "pods"] {
                if random.sometimes() {
                    let amount = *random.of(if what == "pods" { &["1", "2"] } else { &AMOUNTS });
                    hard.insert(what.to_owned(), json!(amount));
                }
            }
            json!({ "apiVersion": "v1", "spec": { "hard": hard } })
        }
        "LimitRange" => {
            let amount = *random.of(&["100m", "0.1", "200m"]);
            let mut limit = json!({ "type": "Container", "defaultRequest": { "cpu": amount } });
            if random.sometimes() {
                limit["default"] = json!({ "cpu": *random.of(&["1", "1000m", "2"]) });
            }
            if random.sometimes() {
                limit["max"] = json!({ "cpu": *random.of(&["4", "4000m"]) });
            }
            json!({ "apiVersion": "v1", "spec": { "limits": [limit] } })
        }
        "NetworkPolicy" => {
            let mut spec = json!({ "podSelector": labelled(random) });
            if random.sometimes() {
                spec["policyTypes"] = json!(["Ingress"]);
            }
            if random.sometimes() {
                let from = json!([{ "namespaceSelector": labelled(random) }]);
                let ports = json!([{ "port": *random.of(&[80, 443]) }]);
                spec["ingress"] = match random.below(4) {
                    0 => json!([]),
                    1 => json!([{}]),
                    2 => json!([{ "from": from }]),
                    _ => json!([{ "from": from, "ports": ports }]),
                };
            }
            json!({ "apiVersion": "networking.k8s.io/v1", "spec": spec })
        }
        _ => {
            let mut spec = json!({ "selector": { "app": "x" }, "ports": ports(random) });
            if random.sometimes() {
                spec["type"] = json!("ClusterIP");
            }
            if random.sometimes() {
                spec["sessionAffinity"] = json!(*random.of(&["None", "ClientIP"]));
            }
            json!({ "apiVersion": "v1", "spec": spec })
        }
    };
    object["kind"] = json!(kind);
    object["metadata"] = metadata;
    object
}

fn api(client: &Client, group: &str, kind: &str, namespace: Option<&str>) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

/// Without what moves by itself at every write.
fn lasting(object: &Json) -> Json {
    let mut object = object.clone();
    let metadata = object["metadata"].as_object_mut().expect("an object has metadata");
    metadata.remove("resourceVersion");
    metadata.remove("generation");
    for entry in
        metadata.get_mut("managedFields").and_then(Json::as_array_mut).into_iter().flatten()
    {
        entry.as_object_mut().expect("an entry").remove("time");
    }
    object
}

fn version_of(live: &Json) -> Option<&str> {
    live["metadata"]["resourceVersion"].as_str()
}

/// What the program sends for an intent.
fn canonical(intent: &Json) -> (values::Value, Json) {
    let canonical = canon::canonical(&access::json::from_json(intent));
    let sent = cluster::json::to_json(&canonical).expect("all of it is known");
    (canonical, sent)
}

#[derive(Default)]
struct Tally {
    compared: usize,
    certified: usize,
    idle: usize,
    wrong: Vec<String>,
}

/// One object of each kind, again and again: asked for something, edited by others, and each
/// time compared with a few intents that are near.
async fn lane(client: Client, namespace: String, kind: &str, share: usize) -> Tally {
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (kind.len() as u64) << 32);
    let group = if kind == "NetworkPolicy" { "networking.k8s.io" } else { "" };
    let api = api(&client, group, kind, Some(&namespace));
    let applying = PatchParams::apply(MANAGER);
    let mut tally = Tally::default();
    while tally.compared < share {
        let name = format!("o{}", random.below(4));
        let asked = intent(&mut random, kind, &name, &namespace);
        let _refusal =
            api.patch(&name, &applying.clone().force(), &Patch::Apply(&canonical(&asked).1)).await;
        if random.sometimes() {
            // Somebody else adds and takes over something, by an apply or by an update.
            let other = intent(&mut random, kind, &name, &namespace);
            let (apply, update) = (PatchParams::apply("other").force(), PatchParams::default());
            let _refusal = match random.below(2) {
                0 => api.patch(&name, &apply, &Patch::Apply(&other)).await,
                _ => api.patch(&name, &update, &Patch::Merge(&other)).await,
            };
        }
        let Ok(live) = api.get(&name).await else { continue };
        let mut live = serde_json::to_value(live).unwrap();
        let (version, of) = (asked["apiVersion"].clone(), asked["kind"].clone());
        (live["apiVersion"], live["kind"]) = (version, of);
        for attempt in 0..6 {
            let near = if attempt == 0 { asked.clone() } else { near(&mut random, &asked, kind) };
            let (wanted, sent) = canonical(&near);
            let seen = access::json::from_json(&live);
            let proven = noop::certify(&wanted, &seen, MANAGER).is_ok();
            let dry = applying.clone().dry_run();
            let answer = api.patch(&name, &dry, &Patch::Apply(&sent)).await;
            let changes = match &answer {
                Err(kube::Error::Api(_)) => true,
                Err(other) => panic!("the server does not answer: {other}"),
                // Its controller wrote in between, so this is about another object.
                Ok(after) if after.metadata.resource_version.as_deref() != version_of(&live) => {
                    break;
                }
                Ok(after) => lasting(&serde_json::to_value(after).unwrap()) != lasting(&live),
            };
            if changes && proven {
                tally.wrong.push(format!("{near}\nover {live}\nbecomes {answer:?}"));
            }
            tally.compared += 1;
            tally.certified += usize::from(proven);
            tally.idle += usize::from(!changes);
        }
    }
    tally
}

/// The intent with one thing changed, or written in another way.
fn near(random: &mut Random, asked: &Json, kind: &str) -> Json {
    let mut near = asked.clone();
    let (name, namespace) = (&asked["metadata"]["name"], &asked["metadata"]["namespace"]);
    let other = intent(
        random,
        kind,
        name.as_str().expect("a name"),
        namespace.as_str().expect("a namespace"),
    );
    match random.below(4) {
        0 => near["metadata"] = other["metadata"].clone(),
        1 => near["metadata"]["labels"] = map(random, &["x", "y"]),
        2 => {
            for part in ["spec", "data"] {
                if let Some(other) = other.get(part) {
                    near[part] = other.clone();
                }
            }
        }
        _ => {}
    }
    near
}

#[test]
fn the_certificate_is_never_given_where_a_real_server_would_change_something() {
    let Some(stage) = Stage::real("5,000 random comparisons of the certificate of no-op") else {
        return;
    };
    let namespace = format!("noop-{:x}", std::process::id());
    let tallies = stage.on(|client| async move {
        let namespaces = api(&client, "", "Namespace", None);
        let own: DynamicObject = serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace },
        }))
        .unwrap();
        namespaces.create(&PostParams::default(), &own).await.unwrap();
        let kinds = ["ConfigMap", "ResourceQuota", "LimitRange", "NetworkPolicy", "Service"];
        let lanes = kinds.map(|kind| {
            let (client, namespace) = (client.clone(), namespace.clone());
            let share = COMPARISONS / kinds.len();
            tokio::spawn(async move { (kind, lane(client, namespace, kind, share).await) })
        });
        let mut tallies = Vec::new();
        for lane in lanes {
            tallies.push(lane.await);
        }
        let _gone = namespaces.delete(&namespace, &DeleteParams::default()).await;
        tallies
    });
    let mut compared = 0;
    for tally in tallies {
        let (kind, tally) = tally.unwrap();
        let Tally { compared: of, certified, idle, wrong } = tally;
        println!("ORACLE noop-live-{kind}: {certified}/{idle} of {of} comparisons");
        assert!(wrong.is_empty(), "{} false certificates: {}", wrong.len(), wrong[0]);
        assert!(certified * 2 > idle, "{kind}: only {certified} of {idle} no-ops were proven");
        compared += of;
    }
    assert!(compared >= COMPARISONS);
}
