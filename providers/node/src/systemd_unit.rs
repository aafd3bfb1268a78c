//! A unit of systemd on the host of a node: its file, and whether it runs.
//!
//! For what must run on nodes beside the kubelet, and for drop-ins that change how a unit of the
//! distribution runs. The file is in `/etc/systemd/system`, where it wins over the
//! distribution's.
//!
//! ```hcl
//! resource "systemd_unit" "node_exporter" {
//!   node    = "worker-1"
//!   unit    = "node-exporter.service"
//!   enabled = true
//!   active  = true
//!   content = <<-EOT
//!     [Unit]
//!     Description=Metrics of this host
//!     [Service]
//!     ExecStart=/usr/local/bin/node-exporter
//!     [Install]
//!     WantedBy=multi-user.target
//!   EOT
//! }
//!
//! resource "systemd_unit" "journal_size" {
//!   node    = "worker-1"
//!   unit    = "systemd-journald.service"
//!   drop_in = "memory"
//!   content = "[Service]\nMemoryMax=512M\n"
//! }
//! ```
//!
//! Without `drop_in` the file is the whole unit, `/etc/systemd/system/UNIT`; with it,
//! `/etc/systemd/system/UNIT.d/90-clinch-DROP_IN.conf`. A file that is there already and was not
//! written by clinch is an error.
//!
//! A change is done in this order: the file is written, checked by `systemd-analyze verify`, the
//! unit is stopped if it runs, systemd reads its files again, the unit is started, and enabled or
//! disabled. If the check or the start fails, the file from before is put back, and the unit is
//! as it was; the message has what systemd said. A misspelt setting, which systemd only
//! ignores, counts as a failed check. A unit that runs is started anew when its file
//! changes, unless `restart = false`.
//!
//! A file whose content is sensitive can be read by root alone, and says in its head that it holds
//! a secret; nothing of it is shown, not even what systemd complains of.
//!
//! # Risks
//!
//! Whatever the unit does stops for a moment when it runs and its file changes; the plan says
//! `restart`. A change that would start a container runtime anew (`containerd`, `crio`, `docker`,
//! `cri-docker`) is planned as a drain of the node. A service that ends by itself is not
//! `active`: give such one `RemainAfterExit=yes`. Removing the resource stops and disables the
//! unit; removing a drop-in starts a unit that runs anew without it. `enabled` needs an
//! `[Install]` section. A host that is a folder runs no systemd, and the resource is an error
//! there.
//!
//! # See also
//!
//! [systemd.unit](https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html),
//! and for the kubelet's own drop-in
//! [Configuring each kubelet in your cluster using kubeadm](https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/kubelet-integration/)

mod systemd;

use crate::codes;
use crate::host_type::Site;
use crate::look::Looked;
use crate::marked::{Beside, Located, MarkedFile};
use crate::place::{page, part};
use access::{Ask, FileOnHost, Host, HostError};
use plans::{Identity, Note, Op, Problem};
use provider::{BoxFuture, PlanRequest, StepError};
use systemd::Unit;
use values::{Attr, Disruption, Path, Role, Type, Value};

const FOLDER: &str = "/etc/systemd/system";
/// What units can be called. Source: `systemd.unit(5)`; devices and scopes have no files.
const KINDS: [&str; 9] =
    ["service", "socket", "timer", "path", "mount", "automount", "swap", "target", "slice"];
/// Units whose stop takes the containers' runtime away.
const RUNTIMES: [&str; 5] =
    ["containerd.service", "crio.service", "docker.service", "docker.socket", "cri-docker.service"];

/// A unit of systemd.
pub(crate) struct SystemdUnit;

impl MarkedFile for SystemdUnit {
    const NAME: &'static str = "systemd_unit";
    const MAIN: &'static str = "content";

    fn page() -> &'static str {
        page!("systemd_unit.rs")
    }

    fn attrs() -> Vec<Attr> {
        vec![
            Attr::new(
                "unit",
                Type::String,
                Role::Identity,
                "The unit's whole name: `node-exporter.service`.",
            ),
            Attr::new(
                "drop_in",
                Type::String,
                Role::IdentityOr("".into()),
                "The own part of a drop-in's name: lower case letters, digits and `-`. Left out: \
                 the file is the whole unit.",
            ),
            Attr::new(
                "content",
                Type::String,
                Role::Required,
                "The file, below the lines that say whose it is.",
            )
            .costing(Disruption::Restart),
            Attr::new(
                "enabled",
                Type::Bool,
                Role::Optional,
                "Whether the unit is started when the host boots. Left out: stays as it is.",
            ),
            Attr::new(
                "active",
                Type::Bool,
                Role::Optional,
                "Whether the unit runs. Left out: stays as it is.",
            )
            .costing(Disruption::Restart),
            Attr::new(
                "restart",
                Type::Bool,
                Role::Default(true.into()),
                "Whether a unit that runs is started anew when its file changes.",
            ),
        ]
    }

    fn locate(args: &Value) -> Result<Located, Vec<Problem>> {
        let text = |name: &str| args.get(name).and_then(Value::as_str).unwrap_or("");
        let (unit, drop_in) = (text("unit"), text("drop_in"));
        let wrong = |name: &str, detail: String| {
            Problem::error(codes::IDENTITY, "Invalid name", Path::of(name), detail)
        };
        let mut problems = Vec::new();
        if !is_unit(unit) {
            let detail = format!("`{}` is not the name of a unit.", unit.escape_debug());
            let help = format!("It ends in one of: {}.", KINDS.join(", "));
            problems.push(wrong("unit", detail).with_help(help));
        }
        if !drop_in.is_empty() && !is_drop_in(drop_in) {
            let detail = format!(
                "`{}` cannot be part of a drop-in's name: at most 63 lower case letters, digits \
                 and `-`.",
                drop_in.escape_debug()
            );
            problems.push(wrong("drop_in", detail));
        }
        if problems.is_empty() { Ok(located(unit, drop_in)) } else { Err(problems) }
    }

    fn candidates(host: &dyn Host) -> BoxFuture<'_, Result<Vec<Located>, HostError>> {
        Box::pin(async move {
            let listed = Looked::at(host, [Ask::folder(FOLDER)]).await?;
            let units = listed.files_in(FOLDER)?.into_iter().filter(|name| is_unit(name));
            let mut found: Vec<Located> = units.map(|unit| located(unit, "")).collect();
            let folders = listed.folders_in(FOLDER)?;
            let units: Vec<&str> = folders
                .into_iter()
                .filter_map(|folder| folder.strip_suffix(".d").filter(|unit| is_unit(unit)))
                .collect();
            let place = |unit: &str| format!("{FOLDER}/{unit}.d");
            let inside =
                Looked::at(host, units.iter().map(|unit| Ask::folder(place(unit)))).await?;
            for unit in units {
                let files = inside.files_in(&place(unit))?.into_iter();
                let own = |file: &str| {
                    let name = file.strip_prefix("90-clinch-")?.strip_suffix(".conf")?;
                    is_drop_in(name).then(|| located(unit, name))
                };
                found.extend(files.filter_map(own));
            }
            Ok(found)
        })
    }

    fn check(args: &Value) -> Vec<Problem> {
        let (exposed, _) = args.exposed();
        let content = exposed.get("content").and_then(Value::as_str).unwrap_or("[Unit]");
        let wrong = |detail: String| {
            let path = Path::of("content");
            vec![Problem::error(codes::UNIT, "Invalid unit file", path, detail)]
        };
        if content.contains('\0') {
            return wrong("A unit file has no NUL characters.".to_owned());
        }
        let mut lines = content.lines().map(str::trim);
        let first = lines.find(|line| !line.is_empty() && !line.starts_with(['#', ';']));
        match first {
            Some(line) if line.starts_with('[') && line.ends_with(']') => Vec::new(),
            _ => wrong("A unit file begins with a section, such as `[Service]`.".to_owned()),
        }
    }

    fn body(args: &Value) -> Option<String> {
        let content = args.get("content").filter(|content| content.is_known())?.as_str()?;
        let known = ["enabled", "active", "restart"].map(|name| flag(args, name).is_ok());
        let end = if content.ends_with('\n') { "" } else { "\n" };
        known.iter().all(|known| *known).then(|| format!("{content}{end}"))
    }

    fn asks_for(args: &Value) -> String {
        let flag = |name: &str| args.get(name).and_then(Value::as_bool);
        format!("{:?} {:?}", flag("enabled"), flag("active"))
    }

    fn read(content: &str) -> Vec<(&'static str, Value)> {
        vec![("content", crate::owned::below_head(content).into())]
    }

    fn asked(args: &Value) -> Vec<(&'static str, Value)> {
        vec![("content", args.get("content").cloned().unwrap_or(Value::Null))]
    }

    fn asks(identity: &Identity) -> Vec<Ask> {
        vec![Ask::command(systemd::show(part(identity, "unit")))]
    }

    fn seen(identity: &Identity, looked: &Looked) -> Result<Vec<(&'static str, Value)>, Problem> {
        let words = systemd::show(part(identity, "unit"));
        let output = looked.ran(&words).map_err(|error| error.to_problem())?;
        let Some(unit) = output.and_then(Unit::parse) else {
            let node = part(identity, "node");
            return Err(systemd::silent(node));
        };
        Ok(vec![
            ("active", unit.active.into()),
            ("enabled", unit.enabled.into()),
            ("loaded", unit.loaded.into()),
        ])
    }

    fn beside(_request: &PlanRequest<'_>, args: &Value, seen: &Value) -> Result<Beside, Problem> {
        let mut beside = Beside::default();
        let mut compare = |name: &'static str, wanted: Value| {
            let now = seen.get(name).cloned().unwrap_or(Value::Null);
            if !now.is_null() && now != wanted {
                beside.before.push((name, now));
                beside.after.push((name, wanted));
            }
        };
        for name in ["enabled", "active"] {
            let wanted = args.get(name).filter(|wanted| !wanted.is_null());
            if let Some(wanted) = wanted {
                compare(name, wanted.clone());
            }
        }
        // The file was changed, and systemd was not told.
        compare("loaded", true.into());
        Ok(beside)
    }

    fn notes(args: &Value, seen: &Value) -> Vec<Note> {
        let is = |name: &str| seen.get(name).and_then(Value::as_bool) == Some(true);
        let file = seen.get("content").and_then(Value::as_str).map(crate::owned::below_head);
        let wanted = Self::body(args);
        let changed = file.is_none() || file != wanted.as_deref();
        let stays = flag(args, "restart") == Ok(Some(false)) && is("active") && changed;
        let text = "the unit runs, and heeds the file when it is next started".to_owned();
        stays.then(|| Note { path: Path::of("restart"), text }).into_iter().collect()
    }

    fn effect(identity: &Identity, args: Option<&Value>, _seen: &Value) -> Value {
        let known = |name: &str| args.and_then(|args| args.get(name)).cloned();
        let is_drop_in = !part(identity, "drop_in").is_empty();
        // A unit whose file goes can neither run nor be started.
        let gone = (args.is_none() && !is_drop_in).then(|| Value::from(false));
        Value::map([
            ("unit", part(identity, "unit").into()),
            ("enabled", known("enabled").or_else(|| gone.clone()).unwrap_or(Value::Null)),
            ("active", known("active").or(gone).unwrap_or(Value::Null)),
            ("restart", known("restart").unwrap_or_else(|| true.into())),
        ])
    }

    fn disruption(identity: &Identity, args: Option<&Value>, seen: &Value) -> Disruption {
        let runs = seen.get("active").and_then(Value::as_bool) == Some(true);
        let wanted = args.map(|args| (flag(args, "restart"), flag(args, "active")));
        let stays = matches!(wanted, Some((Ok(Some(false)), Ok(None | Some(true)))));
        if !runs || stays {
            return Disruption::Quiet;
        }
        if RUNTIMES.contains(&part(identity, "unit")) {
            return Disruption::Drain;
        }
        Disruption::Restart
    }

    fn guard(seen: &Value) -> Vec<(&'static str, Value)> {
        ["active", "enabled"]
            .map(|name| (name, seen.get(name).cloned().unwrap_or(Value::Null)))
            .into()
    }

    fn is_stale<'a>(
        site: Site<'a>,
        op: &'a Op,
    ) -> BoxFuture<'a, Result<Option<String>, StepError>> {
        Box::pin(systemd::is_stale(site, op))
    }

    fn before_removal<'a>(site: Site<'a>, op: &'a Op) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(systemd::before_removal(site, op))
    }

    fn heed<'a>(
        site: Site<'a>,
        op: &'a Op,
        before: Option<&'a FileOnHost>,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(systemd::heed(site, op, before))
    }

    fn heed_back<'a>(site: Site<'a>, op: &'a Op) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(systemd::heed_back(site, op))
    }

    fn is_heeded<'a>(site: Site<'a>, op: &'a Op) -> BoxFuture<'a, Result<bool, StepError>> {
        Box::pin(systemd::is_heeded(site, op))
    }
}

fn located(unit: &str, drop_in: &str) -> Located {
    let path = match drop_in {
        "" => format!("{FOLDER}/{unit}"),
        name => format!("{FOLDER}/{unit}.d/90-clinch-{name}.conf"),
    };
    Located { path, more: vec![("unit", unit.into()), ("drop_in", drop_in.into())] }
}

/// Whether it can be the name of a unit: no path, no option, nothing that a program expands.
fn is_unit(name: &str) -> bool {
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'_' | b'.' | b'-' | b'@');
    let Some((own, kind)) = name.rsplit_once('.') else { return false };
    KINDS.contains(&kind)
        && name.len() <= 255
        && own.bytes().all(fine)
        && own.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
}

fn is_drop_in(name: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !name.is_empty() && name.len() <= 63 && name.bytes().all(inside) && !name.starts_with('-')
}

/// A flag that may be left out; an error while it is not known.
fn flag(args: &Value, name: &str) -> Result<Option<bool>, ()> {
    match args.get(name) {
        Some(Value::Unknown(_)) => Err(()),
        other => Ok(other.and_then(Value::as_bool)),
    }
}
