//! Kernel modules that a node must not load.
//!
//! Unprivileged processes can make the kernel load modules for protocols that the node never
//! needs, and with them their bugs. This keeps a file in `/etc/modprobe.d` of the node's host
//! that forbids it.
//!
//! ```hcl
//! resource "kernel_module_blacklist" "worker_1" {
//!   node    = "worker-1"
//!   modules = ["dccp", "sctp"]
//! }
//! ```
//!
//! The file is `/etc/modprobe.d/90-clinch-NAME.conf`, and `name` is `modules` unless it is
//! given. Files of others in the same folder are left alone. The module loader reads the
//! folder each time, so nothing is restarted.
//!
//! For each module the file says `blacklist`, which stops the kernel from loading it for a
//! protocol or a device. With `strict`, as it is by default, it also says `install ...
//! /bin/false`, which stops loading it by name and as a dependency.
//!
//! # Risks
//!
//! A module that is loaded already stays until it is unloaded or the node reboots; the plan
//! names such modules. Modules that are built into the kernel cannot be forbidden. Without
//! `sctp`, Services and network policies for SCTP do not work. Modules that are loaded while
//! the host boots may be in its initial ramdisk, which has its own copy of the folder.
//!
//! # See also
//!
//! [Securing a cluster: preventing containers from loading unwanted kernel modules](https://kubernetes.io/docs/tasks/administer-cluster/securing-a-cluster/#preventing-containers-from-loading-unwanted-kernel-modules)

use crate::codes;
use crate::owned::{self, Seen};
use addrs::{Scope, TypeName};
use plans::{Action, Basis, Identity, Note, ObjectKey, Problem};
use provider::{Decision, Observation, PlanRequest, Planned, ResourceKind};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;
use values::{Attr, Path, Role, Schema, Type, Value};

/// The name of the file's own part when the configuration gives none.
pub(crate) const DEFAULT_NAME: &str = "modules";
const FOLDER: &str = "/etc/modprobe.d";
/// The longest name that the kernel keeps for a module.
const LONGEST_MODULE: usize = 55;

/// Kernel modules that a node must not load.
pub struct KernelModuleBlacklist {
    name: TypeName,
    schema: Schema,
}

impl KernelModuleBlacklist {
    /// Ready for the catalog.
    pub fn new() -> Self {
        let name = "kernel_module_blacklist".parse();
        Self { name: name.expect("a constant that is an identifier"), schema: schema() }
    }
}

impl Default for KernelModuleBlacklist {
    fn default() -> Self {
        Self::new()
    }
}

fn schema() -> Schema {
    Schema::new(vec![
        Attr::new("node", Type::String, Role::Identity, "The node whose host keeps the file."),
        Attr::new(
            "name",
            Type::String,
            Role::IdentityOr(DEFAULT_NAME.into()),
            "The file's own part of its name: lower case letters, digits and `-`. Only needed \
             for several files on one node.",
        ),
        Attr::new(
            "modules",
            Type::set(Type::String),
            Role::Required,
            "Names of the modules, as `lsmod` prints them. Only affects modules that are \
             loaded later.",
        ),
        Attr::new(
            "strict",
            Type::Bool,
            Role::Default(true.into()),
            "Whether loading a module by its name, and as a dependency, is stopped too.",
        ),
        Attr::new("path", Type::String, Role::Computed, "Where the file is on the host."),
    ])
}

/// The identity of the file with this name of its own.
pub(crate) fn identity(node: &str, name: &str) -> Identity {
    let path = format!("{FOLDER}/90-clinch-{name}.conf");
    Identity {
        key: ObjectKey(format!("node/{node}:{path}").into()),
        args: Value::map([
            ("node", node.into()),
            ("name", name.into()),
            ("path", path.as_str().into()),
        ]),
        shown: format!("{node}:{path}"),
    }
}

/// The file's own part of a name in the folder; `None` for files that no block can mean.
pub(crate) fn name_of(file: &str) -> Option<&str> {
    file.strip_prefix("90-clinch-")?.strip_suffix(".conf").filter(|name| is_name(name))
}

/// The folder that the files are in.
pub(crate) const fn folder() -> &'static str {
    FOLDER
}

fn is_name(name: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !name.is_empty() && name.len() <= 63 && name.bytes().all(inside) && !name.starts_with('-')
}

impl ResourceKind for KernelModuleBlacklist {
    fn name(&self) -> &TypeName {
        &self.name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn page(&self) -> &'static str {
        static PAGE: LazyLock<String> = LazyLock::new(|| {
            let source = include_str!("kernel_module_blacklist.rs");
            let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
            lines.flat_map(|line| [line.strip_prefix(' ').unwrap_or(line), "\n"]).collect()
        });
        &PAGE
    }

    fn identify(&self, args: &Value) -> Result<Identity, Vec<Problem>> {
        let text = |name: &str| args.get(name).and_then(Value::as_str).unwrap_or("");
        let (node, name) = (text("node"), text("name"));
        let name = if name.is_empty() { DEFAULT_NAME } else { name };
        let mut problems = Vec::new();
        let mut wrong = |argument: &str, detail: String| {
            let path = Path::of(argument);
            problems.push(Problem::error(codes::IDENTITY, "Invalid name", path, detail));
        };
        // What a node may be called is for the API to say; what it must not be is a path.
        if node.is_empty() || node.contains(['/', ':', '\0']) || node.contains(char::is_whitespace)
        {
            wrong("node", format!("`{node}` is not the name of a node."));
        }
        if !is_name(name) {
            let rule = "at most 63 lower case letters, digits and `-`";
            wrong("name", format!("`{name}` cannot be part of the file's name: {rule}."));
        }
        if problems.is_empty() { Ok(identity(node, name)) } else { Err(problems) }
    }

    fn scope(&self, identity: &Identity) -> Scope {
        Scope::node(identity.args.get("node").and_then(Value::as_str).unwrap_or(""))
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        let modules = args.get("modules").and_then(Value::as_list).unwrap_or(&[]);
        let wrong = |(i, module): (usize, &Value)| {
            let name = module.as_str()?;
            let detail =
                format!("`{}` cannot be the name of a kernel module.", name.escape_debug());
            let path = Path::of("modules").index(i);
            (!is_module(name)).then(|| {
                Problem::error(codes::MODULE, "Invalid kernel module", path, detail).with_help(
                    "A name has letters, digits, `_` and `-`, and neither a path nor `.ko`.",
                )
            })
        };
        modules.iter().enumerate().filter_map(wrong).collect()
    }

    fn needs(&self, _identity: &Identity, _args: &Value) -> Vec<ObjectKey> {
        Vec::new()
    }

    fn plan(&self, request: &PlanRequest<'_>) -> Planned {
        let present = match request.observed {
            Observation::Unknown(problem) => return Planned::Failed(vec![problem.clone()]),
            Observation::Absent => &Value::Null,
            Observation::Present(present) => present,
        };
        let seen = Seen::read(present);
        if let Some(content) = seen.content
            && let Some(problem) = owned::not_ours(request.identity, content, request.project)
        {
            return Planned::Failed(vec![problem]);
        }
        let decision = match request.desired {
            Some(args) => wanted(&self.name, request, args, &seen, present),
            None => unwanted(&self.name, request, &seen),
        };
        Planned::Decided(Box::new(decision))
    }
}

fn is_module(name: &str) -> bool {
    let inside = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let starts = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    starts && name.len() <= LONGEST_MODULE && name.bytes().all(inside)
}

fn wanted(
    ty: &TypeName,
    request: &PlanRequest<'_>,
    args: &Value,
    seen: &Seen<'_>,
    present: &Value,
) -> Decision {
    let asked = Asked::of(args);
    let content = asked.content(request.project);
    let ignored = request.ignore.iter().any(|path| *path == Path::of("modules"));
    let as_asked = content
        .as_ref()
        .is_some_and(|content| seen.content == Some(content.as_str()) && seen.mode == owned::MODE);
    let action = match seen.content {
        None => Action::Create,
        Some(_) if as_asked || ignored => Action::NoOp,
        Some(_) => Action::Update,
    };
    let before =
        seen.content.map(|content| asked.masked(shown(request.identity, content, seen.mode)));
    let after = match (&content, action) {
        (_, Action::NoOp) => before.clone(),
        (Some(content), _) => Some(asked.masked(shown(request.identity, content, owned::MODE))),
        (None, _) => Some(asked.unknown(request.identity)),
    };
    let (before, after) = telling(before, after, seen.content, content.as_deref(), &asked);
    let written = match &content {
        Some(content) if asked.hidden => Value::from(content.as_str()).into_sensitive(),
        Some(content) => content.as_str().into(),
        None => Value::Unknown(Type::String),
    };
    let basis = match content {
        Some(_) => Basis::Local,
        None => Basis::Unverified("values known after apply".to_owned()),
    };
    let ops = match action {
        Action::NoOp => Vec::new(),
        _ => vec![owned::write(ty, request.identity, written, Some(seen))],
    };
    let mut exported = args.as_map().cloned().unwrap_or_default();
    let path = request.identity.args.get("path").cloned();
    exported.insert("path".into(), path.unwrap_or(Value::Null));
    Decision {
        before,
        after,
        exported: Value::map(exported),
        basis,
        ops,
        digest: asked.digest(request.project, content.as_deref()),
        notes: loaded(&asked, present),
        ..Decision::plain(action)
    }
}

fn unwanted(ty: &TypeName, request: &PlanRequest<'_>, seen: &Seen<'_>) -> Decision {
    let Some(content) = seen.content else { return Decision::plain(Action::Forget) };
    Decision {
        before: Some(shown(request.identity, content, seen.mode)),
        ops: vec![owned::remove(ty, request.identity, seen)],
        ..Decision::plain(Action::Delete)
    }
}

/// What the configuration asks for.
struct Asked {
    /// `None` when a part is known after apply.
    modules: Option<BTreeSet<String>>,
    strict: Option<bool>,
    /// Whether any of it is sensitive; then nothing of the file is shown.
    hidden: bool,
    given: Value,
}

impl Asked {
    fn of(args: &Value) -> Self {
        let (exposed, hidden) = args.exposed();
        let given = exposed.get("modules").cloned().unwrap_or(Value::Null);
        let known = given.as_list().filter(|_| given.is_known());
        let names =
            |list: &[Value]| list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let strict = match exposed.get("strict") {
            Some(Value::Unknown(_)) => None,
            other => Some(other.and_then(Value::as_bool).unwrap_or(true)),
        };
        Self { modules: known.map(names), strict, hidden, given }
    }

    /// The file; `None` while a part of it is not known.
    fn content(&self, project: &str) -> Option<String> {
        let (modules, strict) = (self.modules.as_ref()?, self.strict?);
        let mut out = owned::mark(project);
        out.push_str("\n# Changes made here are overwritten.\n");
        for module in modules {
            // Writing to a `String` cannot fail.
            let _ = writeln!(out, "blacklist {module}");
            if strict {
                let _ = writeln!(out, "install {module} /bin/false");
            }
        }
        Some(out)
    }

    fn masked(&self, shown: Value) -> Value {
        if self.hidden { shown.into_sensitive() } else { shown }
    }

    /// The file as far as it is known.
    fn unknown(&self, identity: &Identity) -> Value {
        let strict = self.strict.map_or(Value::Unknown(Type::Bool), Value::from);
        self.masked(view(identity, self.given.clone(), strict, owned::MODE))
    }

    fn digest(&self, project: &str, content: Option<&str>) -> String {
        let text = match content {
            Some(content) if !self.hidden => content,
            Some(_) => "*",
            None => "?",
        };
        format!("sha256:{}", access::digest(format!("clinch/v1\n{project}\n{text}").as_bytes()))
    }
}

/// The file as people see it.
fn shown(identity: &Identity, content: &str, mode: &str) -> Value {
    let rules = Rules::parse(content);
    let strict = match (&rules.blocked, &rules.modules) {
        (blocked, modules) if blocked == modules => true.into(),
        (blocked, _) if blocked.is_empty() => false.into(),
        (blocked, _) => list(blocked),
    };
    let shown = view(identity, list(&rules.modules), strict, mode);
    if rules.others.is_empty() {
        return shown;
    }
    let mut map = shown.as_map().cloned().unwrap_or_default();
    map.insert("other_lines".into(), Value::list(rules.others.into_iter().map(Value::from)));
    Value::map(map)
}

fn view(identity: &Identity, modules: Value, strict: Value, mode: &str) -> Value {
    let part = |name: &str| identity.args.get(name).cloned().unwrap_or(Value::Null);
    Value::map([
        ("node", part("node")),
        ("path", part("path")),
        ("modules", modules),
        ("strict", strict),
        ("mode", mode.into()),
    ])
}

fn list(names: &BTreeSet<String>) -> Value {
    Value::list(names.iter().map(|name| name.as_str().into()))
}

/// What a file in the folder says.
#[derive(Default)]
struct Rules {
    modules: BTreeSet<String>,
    blocked: BTreeSet<String>,
    /// Lines that clinch does not write.
    others: Vec<String>,
}

impl Rules {
    fn parse(content: &str) -> Self {
        let mut rules = Self::default();
        for line in content.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'))
        {
            match line.split_whitespace().collect::<Vec<_>>().as_slice() {
                ["blacklist", module] => {
                    rules.modules.insert((*module).to_owned());
                }
                ["install", module, "/bin/false"] => {
                    rules.blocked.insert((*module).to_owned());
                }
                _ => rules.others.push(line.to_owned()),
            }
        }
        rules
    }
}

/// Two pictures that differ wherever the files do: comments and order are no rules, and are
/// shown as text only when nothing else differs.
fn telling(
    before: Option<Value>,
    after: Option<Value>,
    old: Option<&str>,
    new: Option<&str>,
    asked: &Asked,
) -> (Option<Value>, Option<Value>) {
    let (Some(Value::Map(first)), Some(Value::Map(second)), Some(old), Some(new)) =
        (&before, &after, old, new)
    else {
        return (before, after);
    };
    if first != second || old == new || asked.hidden {
        return (before, after);
    }
    let with = |map: &values::Map, content: &str| {
        let mut map = map.clone();
        map.insert("content".into(), content.into());
        Some(Value::map(map))
    };
    (with(first, old), with(second, new))
}

/// Which of the modules are loaded, as far as the host told.
fn loaded(asked: &Asked, present: &Value) -> Vec<Note> {
    // The kernel writes `_` where a file name may have `-`; both mean one module.
    let kernel = |name: &str| name.replace('-', "_");
    let loaded = present.get("loaded").and_then(Value::as_list).unwrap_or(&[]);
    let loaded: BTreeSet<String> = loaded.iter().filter_map(Value::as_str).map(kernel).collect();
    if asked.hidden {
        return Vec::new();
    }
    let still = asked.modules.iter().flatten().filter(|module| loaded.contains(&kernel(module)));
    let note = |module: &String| Note {
        path: Path::of("modules"),
        text: format!(
            "`{module}` is loaded, and stays so until it is unloaded or the node reboots"
        ),
    };
    still.map(note).collect()
}
