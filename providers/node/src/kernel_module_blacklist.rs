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
use crate::drop_in;
use crate::look::Looked;
use crate::marked::{Located, MarkedFile};
use crate::place::page;
use access::{Ask, Host, HostError};
use plans::{Identity, Note, Problem};
use provider::BoxFuture;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use values::{Attr, Path, Role, Type, Value};

const FOLDER: &str = "/etc/modprobe.d";
/// The file's own part of its name when the configuration gives none.
const DEFAULT_NAME: &str = "modules";
/// The longest name that the kernel keeps for a module.
const LONGEST_MODULE: usize = 55;
/// Where the kernel tells which modules are loaded.
const LOADED: &str = "/proc/modules";

/// Kernel modules that a node must not load.
pub(crate) struct KernelModuleBlacklist;

impl MarkedFile for KernelModuleBlacklist {
    const NAME: &'static str = "kernel_module_blacklist";
    const MAIN: &'static str = "modules";

    fn page() -> &'static str {
        page!("kernel_module_blacklist.rs")
    }

    fn attrs() -> Vec<Attr> {
        vec![
            drop_in::name_attr(DEFAULT_NAME),
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
        ]
    }

    fn locate(args: &Value) -> Result<Located, Vec<Problem>> {
        drop_in::locate(FOLDER, DEFAULT_NAME, args)
    }

    fn candidates(host: &dyn Host) -> BoxFuture<'_, Result<Vec<Located>, HostError>> {
        Box::pin(drop_in::candidates(host, FOLDER))
    }

    fn check(args: &Value) -> Vec<Problem> {
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

    fn body(args: &Value) -> Option<String> {
        let (modules, strict) = (modules(args)?, strict(args)?);
        let mut out = String::new();
        for module in modules {
            // Writing to a `String` cannot fail.
            let _ = writeln!(out, "blacklist {module}");
            if strict {
                let _ = writeln!(out, "install {module} /bin/false");
            }
        }
        Some(out)
    }

    fn read(content: &str) -> Vec<(&'static str, Value)> {
        let rules = Rules::parse(content);
        let strict = match (&rules.blocked, &rules.modules) {
            (blocked, modules) if blocked == modules => true.into(),
            (blocked, _) if blocked.is_empty() => false.into(),
            (blocked, _) => list(blocked),
        };
        let mut says = vec![("modules", list(&rules.modules)), ("strict", strict)];
        if !rules.others.is_empty() {
            says.push(("other_lines", Value::list(rules.others.into_iter().map(Value::from))));
        }
        says
    }

    fn asked(args: &Value) -> Vec<(&'static str, Value)> {
        let given = args.get("modules").cloned().unwrap_or(Value::Null);
        let strict = strict(args).map_or(Value::Unknown(Type::Bool), Value::from);
        vec![("modules", given), ("strict", strict)]
    }

    fn asks(_identity: &Identity) -> Vec<Ask> {
        vec![Ask::file(LOADED)]
    }

    /// Null where the host does not tell, which decides nothing.
    fn seen(_identity: &Identity, looked: &Looked) -> Result<Vec<(&'static str, Value)>, Problem> {
        let loaded = looked.file(LOADED).ok().flatten().map(|file| {
            let content = String::from_utf8_lossy(&file.content).into_owned();
            let names = content.lines().filter_map(|line| line.split_whitespace().next());
            Value::list(names.map(Value::from))
        });
        Ok(vec![("loaded", loaded.unwrap_or(Value::Null))])
    }

    /// Which of the modules are loaded, as far as the host told.
    fn notes(args: &Value, seen: &Value) -> Vec<Note> {
        // The kernel writes `_` where a file name may have `-`; both mean one module.
        let kernel = |name: &str| name.replace('-', "_");
        let loaded = seen.get("loaded").and_then(Value::as_list).unwrap_or(&[]);
        let loaded: BTreeSet<String> =
            loaded.iter().filter_map(Value::as_str).map(kernel).collect();
        let still = modules(args).into_iter().flatten();
        let still = still.filter(|module| loaded.contains(&kernel(module)));
        let note = |module: String| Note {
            path: Path::of("modules"),
            text: format!(
                "`{module}` is loaded, and stays so until it is unloaded or the node reboots"
            ),
        };
        still.map(note).collect()
    }
}

fn is_module(name: &str) -> bool {
    let inside = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let starts = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    starts && name.len() <= LONGEST_MODULE && name.bytes().all(inside)
}

/// What is asked for; `None` while a part of it is not known.
fn modules(args: &Value) -> Option<BTreeSet<String>> {
    let given = args.get("modules").filter(|given| given.is_known())?;
    let names = given.as_list()?.iter().filter_map(Value::as_str);
    Some(names.map(str::to_owned).collect())
}

fn strict(args: &Value) -> Option<bool> {
    match args.get("strict") {
        Some(Value::Unknown(_)) => None,
        other => Some(other.and_then(Value::as_bool).unwrap_or(true)),
    }
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
