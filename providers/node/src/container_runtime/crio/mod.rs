//! CRI-O: settings in a drop-in of our own, and registries in another.
//!
//! Both files belong to clinch as a whole and say so in their first line, so there is no record.
//! Start reading at `settings`, which files CRI-O reads and in which order, and at `registries`,
//! what of a mirror it knows; `look` sees them all, `plan` decides, `activate` writes and has
//! CRI-O take them.
//!
//! **Invariant:** no file of anybody else is written. Where one wins over ours, the plan says which.

pub(crate) mod activate;
mod look;
mod plan;
mod registries;
mod settings;

pub(super) use activate::{perform, settle};
pub(super) use look::{asks, asks_next, find, seen};
pub(super) use plan::{half, plan};

use super::wishes;
use crate::codes;
use crate::place;
use crate::settings::ways;
use plans::Problem;
use values::{Path, Value};

/// Where CRI-O looks for drop-ins. Source: `crio.conf.d(5)`.
const FOLDER: &str = "/etc/crio/crio.conf.d";
/// Where it looks for those about registries. Source: `containers-registries.conf.d(5)`.
const REGISTRIES: &str = "/etc/containers/registries.conf.d";
/// Files are read in the order of their names, and the last one wins.
pub(super) const USUAL_PATH: &str = "/etc/crio/crio.conf.d/99-clinch.conf";

/// Whether a path is that of a drop-in of CRI-O.
pub(crate) fn is_drop_in(path: &str) -> bool {
    path.strip_prefix(FOLDER).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether the usual drop-in says who makes control groups, by what was seen of another one.
pub(super) fn keeps_driver(present: &Value) -> bool {
    let lists = ["before", "after"].map(|name| present.get(name).and_then(Value::as_list));
    lists.into_iter().flatten().flatten().any(|pair| {
        let Some([path, said]) = pair.as_list() else { return false };
        let is_it = path.as_str() == Some(USUAL_PATH);
        is_it && ways::get(said, &settings::driver_way()).is_some()
    })
}

/// The drop-in about registries that goes with one of settings: it has the same name.
fn registries_of(path: &str) -> String {
    format!("{REGISTRIES}/{}", path.rsplit('/').next().unwrap_or(path))
}

/// Whether a name is one of the drop-ins about registries.
fn is_conf(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| end == "conf")
}

/// What is wrong with the place of the drop-in.
pub(super) fn check_path(path: &str) -> Option<Problem> {
    let name = path.strip_prefix(FOLDER).and_then(|rest| rest.strip_prefix('/'));
    // Beside what CRI-O asks for: registries are only read from names that end so.
    let fits = |name: &str| is_conf(name) && !name.starts_with('.') && !name.contains('/');
    if name.is_some_and(fits) {
        return None;
    }
    let why = format!("is not one of a drop-in of CRI-O: `{FOLDER}/NAME.conf`");
    let problem = place::bad_path(path, &why);
    Some(problem.with_help("Leave `path` out, or name a file in that folder."))
}

/// What is wrong with the arguments that only concerns CRI-O.
pub(super) fn check(args: &Value) -> Vec<Problem> {
    let mut out = Vec::new();
    let image = wishes::given(args, "sandbox_image").and_then(Value::as_str);
    if let Some(image) = image.filter(|image| !settings::names_registry(image)) {
        let detail = format!(
            "`{}` does not begin with the name of a registry, and CRI-O would take another one \
             for it.",
            image.escape_debug()
        );
        let at = Path::of("sandbox_image");
        let summary = "Invalid runtime setting";
        let problem = Problem::error(codes::RUNTIME_SETTING, summary, at, detail);
        out.push(problem.with_help("Write the registry, too: `registry.k8s.io/pause:3.10.2`."));
    }
    if let Some(mirrors) = wishes::given(args, "mirrors") {
        out.extend(registries::check(mirrors));
    }
    out
}
