//! What is asked for, in the terms of the runtime's file.

use super::layout::{self, Layout, way};
use super::mirrors;
use crate::codes;
use crate::settings::record::Record;
use crate::settings::ways::{self, Way};
use plans::Problem;
use values::{Path, Value};

const DRIVERS: [&str; 2] = ["systemd", "cgroupfs"];

/// What is wrong with the arguments by themselves.
pub(super) fn check(args: &Value) -> Vec<Problem> {
    let wrong = |name: &str, detail: String| {
        let summary = "Invalid runtime setting";
        Problem::error(codes::RUNTIME_SETTING, summary, Path::of(name), detail)
    };
    let mut out = Vec::new();
    let names = ["cgroup_driver", "sandbox_image", "mirrors"];
    for name in names {
        if args.get(name).is_some_and(Value::has_sensitive) {
            let detail = "It is shown in plans and kept in them, so it cannot be sensitive.";
            out.push(wrong(name, detail.to_owned()));
        }
    }
    if names.iter().all(|name| given(args, name).is_none()) {
        let detail = format!("None of {} is given.", names.map(|n| format!("`{n}`")).join(", "));
        let problem = wrong("node", detail);
        out.push(Problem { path: Path::root(), ..problem });
    }
    if let Some(driver) = text(args, "cgroup_driver").filter(|d| !DRIVERS.contains(d)) {
        let detail = format!("`{}` must be one of: {}.", driver.escape_debug(), DRIVERS.join(", "));
        out.push(wrong("cgroup_driver", detail));
    }
    if let Some(image) = text(args, "sandbox_image").filter(|image| !is_image(image)) {
        let detail = format!("`{}` is not the name of an image.", image.escape_debug());
        out.push(wrong("sandbox_image", detail));
    }
    if let Some(mirrors) = given(args, "mirrors") {
        out.extend(mirrors::check(mirrors));
    }
    out
}

/// So far as a typing mistake goes: the runtime knows the rest.
fn is_image(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/:@+".contains(&b);
    let bounded = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric());
    name.len() <= 512 && name.bytes().all(plain) && bounded && !name.contains("//")
}

/// An argument that is given.
pub(super) fn given<'a>(args: &'a Value, name: &str) -> Option<&'a Value> {
    args.get(name).filter(|value| !value.is_null())
}

fn text<'a>(args: &'a Value, name: &str) -> Option<&'a str> {
    given(args, name)?.as_str()
}

/// The settings that the arguments stand for in a file that says `live` now.
pub(super) fn settings(
    args: &Value,
    layout: Layout,
    live: &Value,
    ours: &Record,
) -> Vec<(Way, Value)> {
    let is_ours = |way: &Way| ours.earlier.contains_key(way);
    let mut out = Vec::new();
    let version = way(&["version"]);
    if ways::get(live, &version).is_none() || is_ours(&version) {
        let number = ways::get(live, &version).cloned().unwrap_or(2_i64.into());
        out.push((version, number));
    }
    let disabled = way(&["disabled_plugins"]);
    let list = ways::get(live, &disabled).cloned().unwrap_or(Value::Null);
    let others = layout::without_cri(&list);
    let has_cri = others.len() < list.as_list().map_or(0, <[Value]>::len);
    if has_cri || is_ours(&disabled) {
        out.push((disabled, Value::list(others)));
    }
    if let Some(driver) = text(args, "cgroup_driver") {
        let systemd = driver == "systemd";
        let runtimes = layout.runc_runtimes(live);
        let (runc_type, is_runc) = layout.runc_type();
        if layout.runc_is_undescribed(live) || is_ours(&runc_type) {
            out.push((runc_type, is_runc));
        }
        out.extend(runtimes.iter().map(|name| (layout.systemd_cgroup(name), systemd.into())));
    }
    if let Some(image) = given(args, "sandbox_image") {
        out.push((layout.sandbox_image(), image.clone()));
    }
    if given(args, "mirrors").is_some() {
        let path = layout.config_path();
        if is_ours(&path) || named_folder(layout, live).is_none() {
            out.push((path, mirrors::FOLDER.into()));
        }
    }
    out
}

/// The folder in which files of registries are.
pub(super) fn folder(layout: Layout, live: &Value, ours: &Record) -> String {
    let is_ours = ours.earlier.contains_key(&layout.config_path());
    let named = named_folder(layout, live).filter(|_| !is_ours);
    named.unwrap_or(mirrors::FOLDER).to_owned()
}

/// The first one that the file names: the runtime looks into them in order.
fn named_folder(layout: Layout, live: &Value) -> Option<&str> {
    let path = ways::get(live, &layout.config_path())?.as_str()?;
    let first = path.split(':').next()?.trim_end_matches('/');
    (!first.is_empty()).then_some(first)
}

/// The argument that a setting comes from.
pub(super) fn argument(layout: Layout, of: &Way) -> &'static str {
    if *of == layout.sandbox_image() {
        "sandbox_image"
    } else if *of == layout.config_path() {
        "mirrors"
    } else if of.last().is_some_and(|key| &**key == "SystemdCgroup" || &**key == "runtime_type") {
        "cgroup_driver"
    } else {
        "path"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_an_image_is_no_sentence() {
        for name in ["registry.k8s.io/pause:3.10.2", "a", "a.b:5000/c/d@sha256:0a"] {
            assert!(is_image(name), "{name}");
        }
        for name in ["", " a", "a b", "a\"\nb", "/a", "a//b", "a:", "https://a", "\u{202e}"] {
            assert!(!is_image(name), "{name:?}");
        }
    }
}
