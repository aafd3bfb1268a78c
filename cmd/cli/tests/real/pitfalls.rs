//! What makes planning against an API server go wrong, each pitfall once: that it is there, on
//! the real server and in the sandbox, and that clinch does not fall into it.
//!
//! Of the ninth (answers that make a client send again what it should not) only the half about
//! creations is here: nothing is evicted yet. Answers like that, and requests overheard on the
//! way, are the sandbox's alone.

use super::site::Site;
use super::stage::Stage;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use sandbox::{Fault, Matcher};
use serde_json::{Value as Json, json};

/// A site whose configuration is this text; `OWN` in it ends the names of the site.
fn site<'a>(stage: &'a Stage, text: &str) -> Site<'a> {
    let site = Site::new(stage, "quickstart");
    rewritten(&site, text);
    site
}

fn rewritten(site: &Site<'_>, text: &str) {
    site.desk.write("main.hcl", text.replace("OWN", &site.own));
}

/// A namespace, and whatever else is declared in it.
fn within_namespace(more: &str) -> String {
    format!("resource \"namespace\" \"team\" {{\n  name = \"team-OWN\"\n}}\n{more}")
}

/// One object of the site's namespace, and somebody else who works on it.
struct Other<'a> {
    site: &'a Site<'a>,
    version: &'a str,
    kind: &'a str,
    name: &'a str,
}

impl Other<'_> {
    fn namespace(&self) -> String {
        format!("team-{}", self.site.own)
    }

    fn on<T, F: Future<Output = T>>(&self, work: impl FnOnce(Api<DynamicObject>) -> F) -> T {
        let (group, version) = self.version.split_once('/').unwrap_or(("", self.version));
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, self.kind));
        let namespace = self.namespace();
        self.site
            .stage
            .on(|client| async move { work(Api::namespaced_with(client, &namespace, &kind)).await })
    }

    /// The object as it is; null if it is not there.
    fn now(&self) -> Json {
        let found = self.on(|api| async move { api.get_opt(self.name).await.unwrap() });
        found.map_or(Json::Null, |object| serde_json::to_value(object).unwrap())
    }

    /// Which version of the object it is, of its specification and of all.
    fn age(&self) -> (Json, Json) {
        let metadata = &self.now()["metadata"];
        (metadata["generation"].clone(), metadata["resourceVersion"].clone())
    }

    fn applies(&self, manager: &str, mut object: Json) {
        object["apiVersion"] = self.version.into();
        object["kind"] = self.kind.into();
        object["metadata"]["name"] = self.name.into();
        let params = PatchParams::apply(manager).force();
        self.on(|api| async move {
            api.patch(self.name, &params, &Patch::Apply(&object)).await.unwrap()
        });
    }

    /// Changes parts of the object, as `kubectl apply` without `--server-side` does.
    fn merges(&self, manager: &str, patch: &Json) {
        let params = PatchParams { field_manager: Some(manager.to_owned()), ..Default::default() };
        self.on(
            |api| async move { api.patch(self.name, &params, &Patch::Merge(patch)).await.unwrap() },
        );
    }

    fn deletes(&self) {
        self.on(
            |api| async move { api.delete(self.name, &DeleteParams::default()).await.unwrap() },
        );
    }
}

const SETTINGS: &str = r#"
resource "config_map" "settings" {
  namespace = namespace.team.name
  name      = "settings"
  data      = { DATA }
}
"#;

fn settings(data: &str) -> String {
    within_namespace(&SETTINGS.replace("DATA", data))
}

fn settings_of<'a>(site: &'a Site<'a>) -> Other<'a> {
    Other { site, version: "v1", kind: "ConfigMap", name: "settings" }
}

#[test]
fn pitfall_1_a_default_deny_policy_does_not_change_each_time_it_is_applied() {
    for stage in Stage::both("pitfall 1") {
        let manifest = r#"
resource "object" "deny" {
  manifest = {
    apiVersion = "networking.k8s.io/v1"
    kind       = "NetworkPolicy"
    metadata   = { namespace = namespace.team.name, name = "deny" }
    spec       = { podSelector = {}, policyTypes = ["Ingress"], ingress = [] }
  }
}
resource "network_policy" "deny" {
  namespace    = namespace.team.name
  name         = "deny-too"
  policy_types = ["Ingress"]
}
"#;
        let site = site(&stage, &within_namespace(manifest));
        site.well(&["apply", "-auto-approve"]);
        let policy = |name| Other {
            site: &site,
            version: "networking.k8s.io/v1",
            kind: "NetworkPolicy",
            name,
        };
        let before = ["deny", "deny-too"].map(|name| policy(name).age());
        site.is_converged();
        site.well(&["apply", "-auto-approve"]);
        assert_eq!(["deny", "deny-too"].map(|name| policy(name).age()), before, "{}", stage.name);

        // The pitfall: whoever sends the empty list gets a new generation for the same object.
        let theirs = policy("theirs");
        let spec =
            json!({ "spec": { "podSelector": {}, "policyTypes": ["Ingress"], "ingress": [] } });
        theirs.applies("someone", spec.clone());
        let (first, _) = theirs.age();
        theirs.applies("someone", spec);
        assert_ne!(theirs.age().0, first, "{}: the pitfall is gone", stage.name);
    }
}

#[test]
fn pitfall_2_a_field_that_kubectl_owns_too_does_not_stay_in_silence() {
    for stage in Stage::both("pitfall 2") {
        let site = site(&stage, &settings("colour = \"blue\""));
        site.well(&["apply", "-auto-approve"]);
        let object = settings_of(&site);
        object.merges("kubectl-client-side-apply", &json!({ "data": { "legacy": "1" } }));
        // Now both own it: an apply that changes something else claims what is equal, too.
        rewritten(&site, &settings("colour = \"green\", legacy = \"1\""));
        site.well(&["apply", "-auto-approve"]);
        site.is_converged();
        rewritten(&site, &settings("colour = \"green\""));
        let said = site.well(&["plan"]);
        let words = "`data.legacy` is no longer in the configuration, and stays on the object \
                     because `kubectl-client-side-apply` owns it too.";
        assert!(said.err.contains(words), "{}: {}", stage.name, said.all());
        site.well(&["apply", "-auto-approve"]);
        // The pitfall: an apply cannot take it away.
        let theirs = object.now()["data"]["legacy"].clone();
        assert_eq!(theirs, "1", "{}: the pitfall is gone", stage.name);
        object.merges("kubectl-edit", &json!({ "data": { "legacy": null } }));
        let said = site.well(&["plan", "-detailed-exitcode"]);
        assert!(!said.err.contains("stays"), "{}: {}", stage.name, said.all());
    }
}

#[test]
fn pitfall_3_a_string_that_leaves_a_secret_leaves_its_data() {
    for stage in Stage::both("pitfall 3") {
        let secret = |strings: &str| {
            within_namespace(&format!(
                r#"
resource "object" "login" {{
  manifest = {{
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = {{ namespace = namespace.team.name, name = "login" }}
    stringData = {{ {strings} }}
  }}
}}
"#
            ))
        };
        let site = site(&stage, &secret("user = \"ada\", old = \"x\""));
        let login = Other { site: &site, version: "v1", kind: "Secret", name: "login" };
        site.well(&["apply", "-auto-approve"]);
        assert_eq!(login.now()["data"], json!({ "user": "YWRh", "old": "eA==" }));
        rewritten(&site, &secret("user = \"ada\""));
        site.well(&["apply", "-auto-approve"]);
        assert_eq!(login.now()["data"], json!({ "user": "YWRh" }), "{}", stage.name);
        site.is_converged();

        // The pitfall: what was sent as a string stays when it is sent no more.
        let theirs = Other { name: "theirs", ..login };
        theirs.applies("someone", json!({ "stringData": { "user": "ada", "old": "x" } }));
        theirs.applies("someone", json!({ "stringData": { "user": "ada" } }));
        assert_eq!(theirs.now()["data"]["old"], "eA==", "{}: the pitfall is gone", stage.name);
    }
}

#[test]
fn pitfall_4_an_unknown_field_is_a_mistake_at_its_line_and_is_asked_about_once() {
    for stage in Stage::both("pitfall 4") {
        let site = site(&stage, &within_namespace(""));
        site.well(&["apply", "-auto-approve"]);
        let manifest = r#"
resource "object" "web" {
  manifest = {
    apiVersion = "apps/v1"
    kind       = "Deployment"
    metadata   = { namespace = namespace.team.name, name = "web" }
    spec = {
      replicsa = 2
      selector = { matchLabels = { app = "web" } }
      template = {
        metadata = { labels = { app = "web" } }
        spec     = { containers = [{ name = "web", image = "nginx" }] }
      }
    }
  }
}
"#;
        rewritten(&site, &within_namespace(manifest));
        let said = site.run(&["plan"]);
        assert_eq!(said.code, 1, "{}: {}", stage.name, said.all());
        // The answer is a 500, which for a request that reads would be worth another try.
        for words in ["main.hcl line 11", "replicsa"] {
            assert!(said.err.contains(words), "{}: {}", stage.name, said.all());
        }
        assert!(!said.err.contains("tried"), "{}: {}", stage.name, said.all());
    }
}

#[test]
fn pitfall_5_two_conflicts_of_one_status_and_one_that_is_none() {
    for stage in Stage::both("pitfall 5") {
        let site = site(&stage, &settings("colour = \"blue\""));
        site.well(&["apply", "-auto-approve"]);
        let object = settings_of(&site);
        // 409 for a version that others moved on: not ours, so it is none.
        rewritten(&site, &settings("colour = \"green\""));
        site.well(&["plan", "-out=tfplan"]);
        object.merges("someone", &json!({ "metadata": { "annotations": { "seen": "yes" } } }));
        site.well(&["apply", "tfplan"]);
        assert_eq!(object.now()["data"]["colour"], "green", "{}", stage.name);
        // 409 for a field of somebody else: a mistake that names them.
        object.applies("operator", json!({ "data": { "colour": "red" } }));
        let said = site.run(&["plan"]);
        assert_eq!(said.code, 1, "{}: {}", stage.name, said.all());
        let words = "belongs to the field manager `operator` and is `red`";
        assert!(said.err.contains(words), "{}: {}", stage.name, said.all());

        // 409 for a quantity that is only written differently: none at all.
        let quota = r#"
resource "resource_quota" "compute" {
  namespace = namespace.team.name
  name      = "compute"
  hard      = { "requests.cpu" = "1000m", "requests.memory" = "1024Mi" }
}
"#;
        rewritten(&site, &format!("{}{quota}", settings("colour = \"red\"")));
        site.well(&["apply", "-auto-approve"]);
        let quota = Other { site: &site, version: "v1", kind: "ResourceQuota", name: "compute" };
        let same = json!({ "spec": { "hard": { "requests.cpu": "1", "requests.memory": "1Gi" } } });
        quota.applies("operator", same);
        site.is_converged();
    }
}

#[test]
fn pitfall_6_lists_come_in_pages_and_the_server_sees_who_asks() {
    let stage = Stage::sandbox();
    let many = SETTINGS
        .replace("DATA", "")
        .replace("\"settings\"\n  data", "\"s-${count.index}\"\n  count = 20\n  data");
    let site = site(&stage, &within_namespace(&many));
    site.well(&["apply", "-auto-approve"]);
    let (kubeconfig, heard) = stage.overheard();
    let said = site.desk.run(&["plan", "-kubeconfig", &kubeconfig.display().to_string()]);
    assert_eq!(said.code, 0, "{}", said.all());
    let heard = heard.lock().unwrap().clone();
    let requests: Vec<&str> = heard.lines().filter(|l| l.ends_with(" HTTP/1.1")).collect();
    let lists: Vec<&&str> = requests.iter().filter(|l| l.contains("/configmaps?")).collect();
    assert!(!lists.is_empty(), "{heard}");
    for list in lists {
        assert!(list.contains("limit=") && !list.contains("resourceVersion="), "{list}");
    }
    let agents = heard.lines().filter(|l| l.to_ascii_lowercase().starts_with("user-agent: "));
    let agents: Vec<&str> = agents.map(|l| &l["user-agent: ".len()..]).collect();
    assert_eq!(agents.len(), requests.len(), "{heard}");
    assert!(agents.iter().all(|agent| agent.starts_with("clinch/")), "{agents:?}");
}

#[test]
fn pitfall_7_what_the_server_adds_inside_a_list_is_no_difference_and_what_goes_from_it_is() {
    for stage in Stage::both("pitfall 7") {
        let text = |ports: &str| {
            within_namespace(&format!(
                r#"
resource "limit_range" "memory" {{
  namespace = namespace.team.name
  name      = "memory"
  limit {{
    type    = "Container"
    default = {{ memory = "512Mi" }}
  }}
}}
resource "object" "policy" {{
  manifest = {{
    apiVersion = "networking.k8s.io/v1"
    kind       = "NetworkPolicy"
    metadata   = {{ namespace = namespace.team.name, name = "web" }}
    spec       = {{ podSelector = {{}}, ingress = [{{ ports = [{ports}] }}] }}
  }}
}}
resource "object" "binding" {{
  manifest = {{
    apiVersion = "rbac.authorization.k8s.io/v1"
    kind       = "RoleBinding"
    metadata   = {{ namespace = namespace.team.name, name = "view" }}
    roleRef    = {{ apiGroup = "rbac.authorization.k8s.io", kind = "ClusterRole", name = "view" }}
    subjects   = [{{ kind = "User", name = "ada" }}]
  }}
}}
resource "object" "web" {{
  manifest = {{
    apiVersion = "apps/v1"
    kind       = "Deployment"
    metadata   = {{ namespace = namespace.team.name, name = "web" }}
    spec = {{
      replicas = 0
      selector = {{ matchLabels = {{ app = "web" }} }}
      template = {{
        metadata = {{ labels = {{ app = "web" }} }}
        spec = {{ containers = [{{
          name = "web"
          image = "nginx"
          env = [{{ name = "POD", valueFrom = {{ fieldRef = {{ fieldPath = "metadata.name" }} }} }}]
        }}] }}
      }}
    }}
  }}
}}
"#
            ))
        };
        let site = site(&stage, &text("{ port = 80 }, { port = 443 }"));
        site.well(&["apply", "-auto-approve"]);
        site.is_converged();
        let policy = Other {
            site: &site,
            version: "networking.k8s.io/v1",
            kind: "NetworkPolicy",
            name: "web",
        };
        let ports = policy.now()["spec"]["ingress"][0]["ports"].clone();
        assert_eq!(ports[0], json!({ "port": 80, "protocol": "TCP" }), "{}", stage.name);
        // A subset of what is there is not what was asked for.
        rewritten(&site, &text("{ port = 80 }"));
        let said = site.run(&["plan", "-detailed-exitcode"]);
        assert_eq!(said.code, 2, "{}: {}", stage.name, said.all());
        site.well(&["apply", "-auto-approve"]);
        let ports = policy.now()["spec"]["ingress"][0]["ports"].clone();
        assert_eq!(ports, json!([{ "port": 80, "protocol": "TCP" }]), "{}", stage.name);
    }
}

#[test]
fn pitfall_8_what_the_server_ignores_is_told() {
    // A signing request of nobody's key; the server keeps what it was made with.
    const REQUEST: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlISU1IQUNBUUF3RGpFTU1Bb0dBMVVFQXd3RFlXUmhNRmt3RXdZSEtvWkl6ajBDQVFZSUtvWkl6ajBEQVFjRApRZ0FFNnFwZ05qdE9rbG8vZ0lHU0k4NmhMOHl3bVJNaE5Vek1vaTdlVjR5SUgwUkZOdW1rbkVDMDNLS2pDTFYxCmhieGpha1RSTVhDbW1NVzdPUXN4L01Kd1Q2QUFNQW9HQ0NxR1NNNDlCQU1DQTBnQU1FVUNJUURTRysxVkZDR3gKZkhtdVlSeGhtSVpMMEt6SWlzOU1KT2M5TDd4b1UwSGVBZ0lnWWFhR0E3VzMyRGFXZWszVjdCcDRYOGg1Y0hDVQpkTnF1dzRWODVXUlEwU289Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=";
    for stage in Stage::both("pitfall 8") {
        let text = |seconds: &str, more: &str| {
            format!(
                r#"
resource "object" "ada" {{
  manifest = {{
    apiVersion = "certificates.k8s.io/v1"
    kind       = "CertificateSigningRequest"
    metadata   = {{ name = "ada-OWN" }}
    spec = {{
      request           = "{REQUEST}"
      signerName        = "example.com/signer"
      expirationSeconds = {seconds}
      usages            = ["client auth"]
    }}
    {more}
  }}
  # Nobody approves it.
  lifecycle {{
    wait_timeout = "0s"
  }}
}}
"#
            )
        };
        let site = site(&stage, &text("3600", "status = { certificate = \"eA==\" }"));
        let said = site.run(&["plan"]);
        assert_eq!(said.code, 1, "{}: {}", stage.name, said.all());
        let words = "`status` is written by the server alone; an apply would ignore it.";
        assert!(said.err.contains(words), "{}: {}", stage.name, said.all());
        rewritten(&site, &text("3600", ""));
        site.well(&["apply", "-auto-approve"]);
        rewritten(&site, &text("7200", ""));
        let said = site.well(&["plan"]);
        let words = "The configuration wants `7200` for `spec.expirationSeconds`, and the server \
                     makes it `3600`";
        assert!(said.err.contains(words), "{}: {}", stage.name, said.all());
        site.well(&["destroy", "-auto-approve"]);
    }
}

#[test]
fn pitfall_9_a_creation_that_was_answered_504_is_not_sent_twice() {
    let stage = Stage::sandbox();
    let shared = "clinch {\n  state \"cluster\" {}\n}\n";
    let site = site(&stage, &format!("{shared}{}", settings("colour = \"blue\"")));
    let late = Fault::Status {
        code: 504,
        reason: "Timeout".to_owned(),
        message: "request did not complete within the allotted timeout".to_owned(),
    };
    stage.faults().always(Matcher::verb("create", "secrets"), late);
    let (kubeconfig, heard) = stage.overheard();
    let kubeconfig = kubeconfig.display().to_string();
    let said = site.desk.run(&["apply", "-auto-approve", "-kubeconfig", &kubeconfig]);
    assert_eq!(said.code, 1, "{}", said.all());
    let heard = heard.lock().unwrap().clone();
    // Whoever does not know what became of it looks before trying again.
    let path = "/api/v1/namespaces/clinch-system/secrets";
    let about = heard.lines().filter(|l| l.contains(path) && l.ends_with(" HTTP/1.1"));
    let methods: Vec<&str> = about.filter_map(|l| Some(&l[..l.find(path)?])).collect();
    let methods: Vec<&str> = methods.iter().map(|m| m.rsplit('}').next().unwrap().trim()).collect();
    assert!(methods.contains(&"POST"), "{heard}");
    let twice = methods.windows(2).any(|pair| pair == ["POST", "POST"]);
    assert!(!twice && methods.last() == Some(&"GET"), "{methods:?}");
    assert!(said.err.contains("answered 504"), "{}", said.all());
}

#[test]
fn pitfall_10_a_missing_kind_and_a_missing_namespace_are_two_things() {
    for stage in Stage::both("pitfall 10") {
        let site = site(
            &stage,
            r#"
resource "object" "tab" {
  manifest = {
    apiVersion = "OWN.example.com/v1"
    kind       = "Tab"
    metadata   = { namespace = "default", name = "one" }
  }
}
resource "config_map" "settings" {
  namespace = "nowhere-OWN"
  name      = "settings"
  data      = {}
}
"#,
        );
        let said = site.run(&["plan"]);
        assert_eq!(said.code, 1, "{}: {}", stage.name, said.all());
        for words in [
            "Error: Kind does not exist",
            ".example.com/v1`: nothing is served there.",
            "Error: Namespace does not exist",
        ] {
            assert!(said.err.contains(words), "{}: {}", stage.name, said.all());
        }
    }
}

#[test]
fn pitfall_11_an_object_deleted_since_the_plan_is_not_made_again() {
    for stage in Stage::both("pitfall 11") {
        let site = site(&stage, &settings("colour = \"blue\""));
        site.well(&["apply", "-auto-approve"]);
        rewritten(&site, &settings("colour = \"green\""));
        site.well(&["plan", "-out=tfplan"]);
        let object = settings_of(&site);
        object.deletes();
        let said = site.run(&["apply", "tfplan"]);
        assert_eq!(said.code, 1, "{}: {}", stage.name, said.all());
        assert_eq!(object.now(), Json::Null, "{}: {}", stage.name, said.all());
        let words = "was deleted since the plan was made";
        assert!(said.err.contains(words), "{}: {}", stage.name, said.all());
    }
}
