//! What is done about a node's container runtime, and what it will be.

use super::docker::{Change, Units};
use super::files::{self, KIND, PATHS, Part};
use super::nodes::CONTAINERD;
use super::{SOCKET, annotation};
use crate::codes;
use crate::container_runtime::engine::{is_cri_dockerd, is_dockershim};
use crate::container_runtime::kubelet::minor_of;
use crate::kubelet_config::USUAL_PATH;
use crate::place::{self, part};
use crate::settings::digest;
use crate::settings::files::Files;
use addrs::TypeName;
use plans::{Action, Basis, Note, Op, Problem};
use provider::{Decision, PlanRequest, Planned};
use values::{Disruption, Path, Value};

/// Through what a kubelet reaches its containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Runtime {
    Containerd,
    /// docker, through the kubelet itself.
    Dockershim,
    /// docker, through a program of its own.
    CriDockerd,
    Other(String),
}

impl Runtime {
    /// Behind this address, for a kubelet of this version that is told this kind of runtime.
    fn behind(endpoint: Option<&str>, kind: Option<&str>, minor: Option<u32>) -> Self {
        let is_remote = minor.is_none_or(|minor| minor >= files::NO_SHIM) || kind == Some("remote");
        match endpoint {
            // Without the kind it is told an address that it does not use.
            _ if !is_remote => Self::Dockershim,
            Some(given) if files::is_same(given, SOCKET) => Self::Containerd,
            Some(given) if is_dockershim(given) => Self::Dockershim,
            Some(given) if is_cri_dockerd(given) => Self::CriDockerd,
            Some(given) => Self::Other(format!("`{}`", given.escape_debug())),
            None if minor.is_none_or(|minor| minor >= files::HAS_SETTING) => Self::Containerd,
            None => Self::Other("no address".to_owned()),
        }
    }

    fn shown(&self) -> &str {
        match self {
            Self::Containerd => "containerd",
            Self::Dockershim => "docker, by the dockershim",
            Self::CriDockerd => "docker, by cri-dockerd",
            Self::Other(what) => what,
        }
    }
}

/// A node, and what is known about it.
pub(super) struct Case<'a> {
    pub(super) ty: &'a TypeName,
    pub(super) request: &'a PlanRequest<'a>,
    pub(super) present: &'a Value,
    pub(super) node: &'a str,
    pub(super) parts: Vec<Part>,
    pub(super) units: Units,
}

/// What is to be.
pub(super) struct Wanted {
    pub(super) files: Files,
    pub(super) units: Change,
    /// The kubelet gets another runtime, or somebody has to look whether it did.
    pub(super) moves: bool,
    /// What the annotation says that is to say something else.
    pub(super) annotation: Option<String>,
}

impl Wanted {
    fn stops(&self) -> bool {
        self.moves || self.files.change()
    }

    fn changes(&self) -> bool {
        self.stops() || !self.units.is_none() || self.annotation.is_some()
    }

    fn cost(&self) -> Disruption {
        match (self.moves, self.stops()) {
            (true, _) => Disruption::Drain,
            (false, true) => Disruption::Restart,
            (false, false) => Disruption::Quiet,
        }
    }
}

pub(super) fn plan(ty: &TypeName, request: &PlanRequest<'_>, present: &Value) -> Planned {
    match case(ty, request, present) {
        Ok(decision) => place::decided(request.observed, decision),
        Err(problems) => Planned::Failed(problems),
    }
}

fn case(
    ty: &TypeName,
    request: &PlanRequest<'_>,
    present: &Value,
) -> Result<Decision, Vec<Problem>> {
    let node = part(request.identity, "node");
    let parts = PATHS.map(|path| Part::of(request, path, present));
    let parts = parts.into_iter().collect::<Result<Vec<_>, _>>()?;
    let text = |name: &str| present.get(name).and_then(Value::as_str);
    let units = Units::of(text("units").unwrap_or_default());
    let case = Case { ty, request, present, node, parts, units };
    let Some(args) = request.desired else { return Ok(case.given_back()) };
    if text("version") == Some("") {
        // That it is not found is not that there is none.
        return Err(vec![crate::kubelet_config::decide::no_kubelet(request.identity)]);
    }
    if case.parts.iter().all(|part| part.live.is_none() || !part.is_of(USUAL_PATH)) {
        return Err(vec![no_file(node)]);
    }
    case.wanted(args)
}

impl Case<'_> {
    fn wanted(&self, args: &Value) -> Result<Decision, Vec<Problem>> {
        let problems = super::problems(args);
        if !problems.is_empty() {
            return Err(problems);
        }
        let asked = args.get("disable_docker").unwrap_or(&Value::Null);
        if matches!(asked, Value::Unknown(_)) {
            return Ok(self.late(args));
        }
        if let Some(problem) = self.unasked() {
            return Err(vec![problem]);
        }
        let ignored = self.request.ignore.contains(&Path::of("disable_docker"));
        let wanted = self.goal(asked.as_bool() == Some(true) && !ignored);
        let action = match self.is_recorded() {
            false => Action::Create,
            true if wanted.changes() || wanted.files.have_news() => Action::Update,
            true => Action::NoOp,
        };
        let (before, after) = self.shown(args, &wanted);
        let decision = Decision {
            before: Some(if action == Action::NoOp { after.clone() } else { before }),
            after: Some(after),
            exported: args.clone(),
            basis: Basis::Local,
            digest: digest(self.request.project, args),
            ..Decision::plain(action)
        };
        if action == Action::NoOp {
            return Ok(decision);
        }
        let problems = self.judge(&wanted);
        if !problems.is_empty() {
            return Err(problems);
        }
        let annotate = wanted.annotation.as_deref();
        let annotate = annotate.map(|was| annotation::op(self.ty, self.request.identity, was));
        // The annotation alone needs nothing else to be done.
        let is_bare = annotate.is_some() && !wanted.stops() && wanted.units.is_none();
        let first = (!is_bare || wanted.files.have_news()).then(|| self.op("migrate", &wanted));
        Ok(Decision {
            disruption: wanted.cost(),
            ops: first.into_iter().chain(annotate).collect(),
            notes: self.notes(&wanted),
            warnings: self.warnings(&wanted),
            ..decision
        })
    }

    fn goal(&self, disable_docker: bool) -> Wanted {
        let runs_other = self.runs().is_some_and(|runtime| !runtime.starts_with(CONTAINERD));
        let annotation = self.api("annotation").and_then(Value::as_str);
        let annotation = annotation.filter(|said| !files::is_same(said, SOCKET));
        Wanted {
            files: files::files(&self.parts, self.minor(), true),
            units: Change::of(&self.units, disable_docker),
            moves: self.runtime() != Runtime::Containerd || runs_other || self.is("open"),
            annotation: annotation.map(str::to_owned),
        }
    }

    /// Nothing of it is ours any more, and the node stays as it is.
    fn given_back(&self) -> Decision {
        if !self.parts.iter().any(Part::is_recorded) {
            return Decision::plain(Action::Forget);
        }
        let mut files = files::files(&self.parts, self.minor(), false);
        files.0.retain(|file| file.record_was.is_some());
        let wanted = Wanted { files, units: Change::default(), moves: false, annotation: None };
        let text = "the node stays as it is: only what was noted there is removed".to_owned();
        let runtime = ("runtime", self.runtime().shown().into());
        Decision {
            before: Some(Value::map([("node", self.node.into()), runtime])),
            ops: vec![self.op("forget", &wanted)],
            notes: vec![Note { path: Path::root(), text }],
            ..Decision::plain(Action::Delete)
        }
    }

    /// It is decided during apply, and judged then.
    fn late(&self, args: &Value) -> Decision {
        let text = format!("move the kubelet of {} to containerd", self.node);
        let parts = ["files", "units", "stop", "moves", "has_setting", "daemon_sets"];
        let action = if self.is_recorded() { Action::Update } else { Action::Create };
        place::late(self.ty, self.request, ("migrate", &parts, text), args, action)
    }

    fn is_recorded(&self) -> bool {
        self.parts.iter().any(|part| part.is_of(USUAL_PATH) && part.is_recorded())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.present.get(name).and_then(Value::as_str)
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.present.get(name).and_then(Value::as_bool) == Some(true)
    }

    /// What the API server knows of the node.
    pub(super) fn api(&self, name: &str) -> Option<&Value> {
        self.present.get("api")?.get(name)
    }

    /// What the node says that it runs with. On a host that is a folder nothing runs.
    pub(super) fn runs(&self) -> Option<&str> {
        self.api("runtime").and_then(Value::as_str).filter(|_| self.text("version").is_some())
    }

    /// What was seen of containerd and of the kubelet's side of it.
    pub(super) fn containerd(&self) -> &Value {
        self.present.get("containerd").unwrap_or(&Value::Null)
    }

    /// `None` when there is no kubelet, or none that is known.
    pub(super) fn minor(&self) -> Option<u32> {
        self.text("version").and_then(minor_of)
    }

    /// Flags about runtimes: name, text and place, in the order in which the kubelet takes them.
    pub(super) fn flags(&self) -> Vec<[&str; 3]> {
        fn flag(flag: &Value) -> Option<[&str; 3]> {
            let [name, value, place] = flag.as_list()? else { return None };
            Some([name.as_str()?, value.as_str()?, place.as_str()?])
        }
        let all = self.present.get("flags").and_then(Value::as_list).unwrap_or(&[]);
        all.iter().filter_map(flag).collect()
    }

    /// What the next start would be told.
    pub(super) fn runtime(&self) -> Runtime {
        let kubelet = self.containerd().get("kubelet");
        let endpoint = kubelet.and_then(|kubelet| kubelet.get("endpoint")?.as_str());
        let kind = self.flags().into_iter().rev().find(|[name, ..]| *name == KIND);
        Runtime::behind(endpoint, kind.map(|[_, value, _]| value), self.minor())
    }

    /// The runtime as it runs, and the settings, flags and units that change.
    fn shown(&self, args: &Value, wanted: &Wanted) -> (Value, Value) {
        let mut both = [vec![("node", Value::from(self.node))], vec![("node", self.node.into())]];
        let mut put = |name: &'static str, before: Value, after: Value| {
            both[0].push((name, before));
            both[1].push((name, after));
        };
        if let Some(asked) = args.get("disable_docker") {
            put("disable_docker", asked.clone(), asked.clone());
        }
        let runs = self.runs().filter(|runs| !runs.starts_with(CONTAINERD));
        let is = match (self.runtime(), runs) {
            (Runtime::Containerd, Some(runs)) => runs.to_owned(),
            (Runtime::Containerd, None) => Runtime::Containerd.shown().to_owned(),
            (other, Some(runs)) => format!("{} ({runs})", other.shown()),
            (other, None) => other.shown().to_owned(),
        };
        put("runtime", is.into(), Runtime::Containerd.shown().into());
        for (name, path) in [("flags", 0), ("settings", 1), ("instance_settings", 2)] {
            let changes = self.parts.get(path).map(|part| part.changes(self.minor()));
            for (way, was, will) in changes.unwrap_or_default() {
                let at = |value: Option<Value>| {
                    Value::map([(way.join("."), value.unwrap_or(Value::Null))])
                };
                put(name, at(was), at(will));
            }
        }
        if let Some(said) = &wanted.annotation {
            put("cri_socket", said.as_str().into(), SOCKET.into());
        }
        if wanted.units.enable {
            put("containerd_at_boot", false.into(), true.into());
        }
        if !wanted.units.off.is_empty() {
            put("docker", self.units.docker_shown().into(), "off".into());
        }
        if self.is("open") {
            let now = "not looked after since the last change";
            put("running", now.into(), "with the files as they are".into());
        }
        let [before, after] = both.map(merged);
        (before, after)
    }

    fn op(&self, name: &str, wanted: &Wanted) -> Op {
        let (files, guards) = wanted.files.to_values();
        let sets = self.api("daemon_sets").filter(|_| wanted.moves).cloned();
        let has_setting = self.minor().is_some_and(|minor| minor >= files::HAS_SETTING);
        Op {
            ty: self.ty.clone(),
            name: name.to_owned(),
            identity: self.request.identity.clone(),
            args: Value::map([
                ("files", files),
                ("units", wanted.units.to_value()),
                ("stop", wanted.stops().into()),
                ("moves", wanted.moves.into()),
                ("has_setting", has_setting.into()),
                ("daemon_sets", sets.unwrap_or_else(|| Value::list([]))),
            ]),
            guard: Value::map([("files", guards)]),
            text: self.steps(name, wanted),
        }
    }

    /// What the operation does, in its order.
    fn steps(&self, name: &str, wanted: &Wanted) -> String {
        let node = self.node;
        let mut steps: Vec<&str> = Vec::new();
        if wanted.stops() {
            steps.push("stop kubelet");
        }
        if wanted.moves {
            steps.push("end containers of docker");
        }
        if !wanted.units.off.is_empty() {
            steps.push("stop and disable docker");
        }
        if wanted.files.change() {
            steps.push("write its files");
        }
        if wanted.units.enable {
            steps.push("enable containerd");
        }
        if wanted.moves {
            steps.push("restart containerd");
        }
        if wanted.stops() {
            steps.push("start kubelet");
        }
        if wanted.moves {
            steps.push("wait for the node and its daemon sets");
        }
        let steps = steps.join(", ");
        match (name, wanted.moves, wanted.stops()) {
            ("forget", ..) => format!("forget the container runtime of {node}"),
            (_, true, _) => format!("move the kubelet of {node} to containerd: {steps}"),
            (_, false, true) => format!("tell the kubelet of {node} of containerd: {steps}"),
            (_, false, false) if steps.is_empty() => {
                format!("note the container runtime of {node}")
            }
            (_, false, false) => format!("look after the container runtime of {node}: {steps}"),
        }
    }
}

/// Parts of the same name as one.
fn merged(parts: Vec<(&'static str, Value)>) -> Value {
    let mut out = values::Map::default();
    for (name, value) in parts {
        let value = match (out.get(name).and_then(Value::as_map), value.as_map()) {
            (Some(first), Some(more)) => {
                let all = first.iter().chain(more.iter());
                Value::map(all.map(|(key, value)| (key.clone(), value.clone())))
            }
            (Some(_) | None, _) => value,
        };
        out.insert(name.into(), value);
    }
    Value::map(out)
}

fn no_file(node: &str) -> Problem {
    let detail = format!("There is no `{USUAL_PATH}` on host `{node}`.");
    let summary = "Kubelet has no such file";
    Problem::error(codes::KUBELET_FILE, summary, Path::of("node"), detail)
        .with_help("A kubelet that was set up by kubeadm has one once its node has joined.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtime_is_what_the_next_start_is_told() {
        let containerd = Some("unix:///run/containerd/containerd.sock");
        let other = || Runtime::Other("`unix:///var/run/crio/crio.sock`".to_owned());
        for (endpoint, kind, minor, runtime) in [
            (None, None, Some(23), Runtime::Dockershim),
            (None, Some("docker"), Some(23), Runtime::Dockershim),
            (containerd, None, Some(23), Runtime::Dockershim),
            (containerd, Some("remote"), Some(23), Runtime::Containerd),
            (containerd, None, Some(24), Runtime::Containerd),
            (None, None, Some(26), Runtime::Other("no address".to_owned())),
            (None, None, Some(27), Runtime::Containerd),
            (None, None, None, Runtime::Containerd),
            (
                Some("unix:///var/run/dockershim.sock"),
                Some("remote"),
                Some(23),
                Runtime::Dockershim,
            ),
            (Some("unix:///run/cri-dockerd.sock"), None, Some(36), Runtime::CriDockerd),
            (Some("unix:///var/run/crio/crio.sock"), None, Some(36), other()),
        ] {
            assert_eq!(Runtime::behind(endpoint, kind, minor), runtime, "{endpoint:?} {minor:?}");
        }
    }
}
