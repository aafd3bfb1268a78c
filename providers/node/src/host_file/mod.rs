//! A file on the host of a node.
//!
//! For configuration that no other type looks after: a message of the day, a policy that the API
//! server reads, a log rotation. The whole content is in the configuration, and a change made by
//! hand is shown line by line and taken back.
//!
//! ```hcl
//! resource "host_file" "audit_policy" {
//!   node    = "control-plane-1"
//!   path    = "/etc/kubernetes/audit-policy.yaml"
//!   mode    = "0600"
//!   owner   = "root"
//!   group   = "root"
//!   content = <<-EOT
//!     apiVersion: audit.k8s.io/v1
//!     kind: Policy
//!     rules:
//!       - level: Metadata
//!   EOT
//! }
//! ```
//!
//! A file that is there already is taken over in the open: the plan shows what it holds and what
//! it will hold. What was there before clinch is kept on the host, and destroying the resource
//! puts it back, with its mode and owner; where there was nothing, nothing is left.
//!
//! Whose a file is stands on the host too: a record in `/var/lib/clinch/files`, since not every
//! file may hold a comment. The content from before is in `/var/lib/clinch/kept`, once for each
//! file. Both are readable for root alone.
//!
//! A sensitive `content` is not shown, not even when the file is removed later; nor is what a
//! file holds that not everybody on the host may read.
//!
//! # Risks
//!
//! Nothing is restarted: what reads the file sees it when it next reads it. A static pod is
//! restarted by the kubelet when a file in `/etc/kubernetes/manifests` changes, so such a change
//! is planned as a restart. The folders above a new file are created for root, readable for all.
//! A link in the path, or in the place of the file, is an error and is not followed. Whoever may
//! read the state of the host's disk may read what is kept there of a secret file.
//!
//! # See also
//!
//! `kernel_module_blacklist` and `sysctl` for their own files.
//! [Auditing](https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/) for the file above.

mod io;
mod plan;

use crate::host_type::{Became, HostType, Marks, Site};
use crate::look::Looked;
use crate::place::{self, page, part};
use crate::{accounts, codes, records};
use access::{Ask, HostError};
use addrs::{Scope, TypeName};
use plans::{Identity, ObjectKey, Op, Problem};
use provider::{BoxFuture, PlanRequest, Planned, ResourceKind, StepError};
use values::{Attr, Path, Role, Schema, Type, Value};

/// The longest content. It goes into saved plans, and configuration is far shorter.
const LONGEST: usize = 1 << 20;

/// A file on a host.
pub(crate) struct HostFile {
    name: TypeName,
    schema: Schema,
}

impl HostFile {
    /// Ready for the catalog.
    pub(crate) fn new() -> Self {
        let name = "host_file".parse().expect("a constant that is an identifier");
        Self { name, schema: schema() }
    }
}

fn schema() -> Schema {
    Schema::new(vec![
        place::node_attr(),
        Attr::new(
            "path",
            Type::String,
            Role::Identity,
            "Where the file is: absolute, without `.`, `..` and links. Not in `/proc`, `/sys` and \
             `/dev`, and not a file of another type.",
        ),
        Attr::new(
            "content",
            Type::String,
            Role::Required,
            "All that is in the file, at most 1 MiB. May be sensitive.",
        ),
        Attr::new(
            "mode",
            Type::String,
            Role::Default("0644".into()),
            "Permission bits in octal digits, such as `0640`.",
        ),
        Attr::new(
            "owner",
            Type::String,
            Role::Optional,
            "Name or number of the user that the file belongs to. Left out: who has it keeps it, \
             and a new file belongs to the user that clinch works as on the host.",
        ),
        Attr::new(
            "group",
            Type::String,
            Role::Optional,
            "Name or number of the group that the file belongs to. Left out as with `owner`.",
        ),
    ])
}

impl ResourceKind for HostFile {
    fn name(&self) -> &TypeName {
        &self.name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn page(&self) -> &'static str {
        page!("mod.rs")
    }

    fn identify(&self, args: &Value) -> Result<Identity, Vec<Problem>> {
        let text = |name: &str| args.get(name).and_then(Value::as_str).unwrap_or("");
        let (node, path) = (text("node"), text("path"));
        let problems: Vec<Problem> =
            place::check_node(node).into_iter().chain(check_path(path)).collect();
        if problems.is_empty() { Ok(place::file(node, path, Vec::new())) } else { Err(problems) }
    }

    fn scope(&self, identity: &Identity) -> Scope {
        place::scope(identity)
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        let (exposed, _) = args.exposed();
        let text = |name: &str| exposed.get(name).and_then(Value::as_str);
        let shown = |name: &str, text: &str| {
            let hidden = args.get(name).is_some_and(Value::has_sensitive);
            if hidden {
                "(sensitive value)".to_owned()
            } else {
                format!("`{}`", text.escape_debug())
            }
        };
        let at = |name: &str, detail: String| {
            Problem::error(codes::FILE, "Invalid file", Path::of(name), detail)
        };
        let mut problems = Vec::new();
        if let Some(content) = text("content").filter(|content| content.len() > LONGEST) {
            let detail = format!("The content has {} bytes, at most {LONGEST}.", content.len());
            problems.push(at("content", detail));
        }
        match text("mode").map(|mode| (mode, bits(mode))) {
            Some((mode, None)) => {
                let mode = shown("mode", mode);
                let detail = format!("{mode} is no mode: three or four octal digits.");
                problems.push(at("mode", detail).with_help("Write it as `0644`."));
            }
            Some((mode, Some(bits))) if bits & 0o002 != 0 => {
                let mode = shown("mode", mode);
                let detail = format!("With mode {mode} everybody on the host may change the file.");
                let path = Path::of("mode");
                problems.push(
                    Problem::warning(codes::OPEN, "File that everybody may change", path, detail)
                        .with_help("Take the last `2` out of the mode."),
                );
            }
            Some((_, Some(_))) | None => {}
        }
        for name in ["owner", "group"] {
            if let Some(account) = text(name).filter(|account| !accounts::is_name(account)) {
                let detail = format!("{} is neither a name nor a number.", shown(name, account));
                problems.push(at(name, detail));
            }
        }
        problems.extend(text("path").and_then(check_key));
        problems
    }

    fn needs(&self, _identity: &Identity, _args: &Value) -> Vec<ObjectKey> {
        Vec::new()
    }

    fn plan(&self, request: &PlanRequest<'_>) -> Planned {
        plan::plan(&self.name, request)
    }
}

impl HostType for HostFile {
    fn asks(&self, identity: &Identity) -> Vec<Ask> {
        let path = part(identity, "path");
        let files = [path, &records::place(path), accounts::USERS, accounts::GROUPS];
        files.into_iter().map(Ask::file).collect()
    }

    fn seen(&self, identity: &Identity, looked: &Looked) -> Result<Value, Problem> {
        io::seen(identity, looked)
    }

    fn perform<'a>(&'a self, site: Site<'a>, op: &'a Op) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(io::perform(site, op))
    }

    fn settle<'a>(
        &'a self,
        site: Site<'a>,
        op: &'a Op,
    ) -> BoxFuture<'a, Result<Became, StepError>> {
        Box::pin(io::settle(site, op))
    }

    fn find<'a>(&'a self, site: Site<'a>) -> BoxFuture<'a, Result<Marks, HostError>> {
        Box::pin(io::find(site))
    }
}

/// Permission bits from three or four octal digits.
fn bits(mode: &str) -> Option<u32> {
    let octal = matches!(mode.len(), 3 | 4) && mode.bytes().all(|b| (b'0'..=b'7').contains(&b));
    u32::from_str_radix(mode, 8).ok().filter(|_| octal)
}

/// What is wrong with a path for a file that no other type looks after.
fn check_path(path: &str) -> Option<Problem> {
    let of_type = if path.starts_with("/etc/modprobe.d/90-clinch-") {
        Some("kernel_module_blacklist")
    } else if path.starts_with("/etc/sysctl.d/90-clinch-") {
        Some("sysctl")
    } else {
        None
    };
    let taken = of_type.map(|ty| place::bad_path(path, &format!("is a file of the type `{ty}`")));
    place::check_path(path).or(taken)
}

/// A private key that goes through a configuration is in more places than its owner knows.
fn check_key(path: &str) -> Option<Problem> {
    let is_key = path.starts_with("/etc/kubernetes/pki/") && path.strip_suffix(".key").is_some();
    let detail = || format!("`{path}` is a private key of the cluster.");
    is_key.then(|| {
        let path = Path::of("path");
        Problem::warning(codes::KEY, "Private key in a configuration", path, detail())
            .with_help("Have keys made on the host, where nobody else reads them.")
    })
}
