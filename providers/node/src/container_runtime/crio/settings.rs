//! CRI-O's settings: which files it reads, in which order, and what ours says.
//!
//! `/etc/crio/crio.conf` comes first. Then comes every file below `/etc/crio/crio.conf.d`, whatever
//! it is called, in the order of the names; what the last one says counts, setting by setting.
//!
//! Sources: `crio.conf(5)`, `crio.conf.d(5)`; `UpdateFromPath` in `pkg/config/config.go` and
//! `TranslateMonitorFields` there, of `cri-o/cri-o` v1.36.

use super::FOLDER;
use crate::container_runtime::layout::way;
use crate::container_runtime::{text, wishes};
use crate::look::Looked;
use crate::owned;
use crate::settings::ways::{self, Way};
use access::Ask;
use std::fmt::Write as _;
use values::Value;

/// The file that is read first.
pub(super) const MAIN: &str = "/etc/crio/crio.conf";
const TABLE: &str = "crio";
/// What CRI-O has where no file says anything.
const DRIVER: &str = "systemd";

/// Who makes control groups.
pub(super) fn driver_way() -> Way {
    way(&[TABLE, "runtime", "cgroup_manager"])
}

/// In which control group the monitor of a container is. With `cgroupfs` it cannot be a slice of
/// systemd, which is what older versions have when nobody says otherwise.
pub(super) fn monitor_way() -> Way {
    way(&[TABLE, "runtime", "conmon_cgroup"])
}

/// The image of every pod's sandbox.
pub(super) fn image_way() -> Way {
    way(&[TABLE, "image", "pause_image"])
}

/// The settings that the arguments stand for.
pub(super) fn wanted(args: &Value) -> Vec<(Way, Value)> {
    let mut out = Vec::new();
    if let Some(image) = wishes::given(args, "sandbox_image") {
        out.push((image_way(), image.clone()));
    }
    if let Some(driver) = wishes::given(args, "cgroup_driver") {
        out.push((driver_way(), driver.clone()));
        if driver.as_str() == Some("cgroupfs") {
            out.push((monitor_way(), "pod".into()));
        }
    }
    out
}

/// The argument that a setting comes from.
pub(super) fn argument(of: &Way) -> &'static str {
    if *of == image_way() { "sandbox_image" } else { "cgroup_driver" }
}

/// The drop-in with these settings, a section for each table; `None` when there are none.
pub(super) fn render(project: &str, settings: &[(Way, Value)]) -> Option<String> {
    let mut out = owned::head(project, false);
    let mut section: &[_] = &[];
    for (way, value) in settings {
        let (key, table) = way.split_last()?;
        if table != section {
            let gap = if section.is_empty() { "" } else { "\n" };
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{gap}[{}]", table.join("."));
            section = table;
        }
        let _ = writeln!(out, "{key} = {}", text::quoted(value.as_str()?));
    }
    (!settings.is_empty()).then_some(out)
}

/// The part of a file that is about what is kept here.
pub(super) fn of_interest(file: &Value) -> Value {
    [driver_way(), monitor_way(), image_way()].iter().fold(Value::empty_map(), |all, way| {
        match ways::get(file, way) {
            Some(value) => ways::with(&all, way, Some(value)),
            None => all,
        }
    })
}

/// What of settings that count a running CRI-O can be compared with.
pub(super) fn only(effective: &Value) -> Value {
    let image = ways::get(effective, &image_way()).cloned().unwrap_or(Value::Null);
    Value::map([("cgroup_driver", driver(effective).into()), ("sandbox_image", image)])
}

/// Whether it runs with these; an image that no file names is its own.
pub(super) fn are(wanted: &Value, running: &Value) -> bool {
    let is = |name: &str, way: &Way| match wanted.get(name) {
        Some(Value::Null) | None => true,
        Some(wanted) => ways::get(running, way) == Some(wanted),
    };
    is("cgroup_driver", &driver_way()) && is("sandbox_image", &image_way())
}

/// What counts when files are read in this order.
pub(super) fn merged<'a>(files: impl IntoIterator<Item = &'a Value>) -> Value {
    files.into_iter().fold(Value::empty_map(), |all, file| {
        let said = ways::leaves(file);
        said.iter().fold(all, |all, (way, value)| ways::with(&all, way, Some(value)))
    })
}

/// Who makes control groups when these settings count.
pub(super) fn driver(of: &Value) -> &str {
    ways::get(of, &driver_way()).and_then(Value::as_str).unwrap_or(DRIVER)
}

/// Whether the name of an image says which registry it is from. Source: `reference.go` of
/// `distribution/reference`: a first part without a dot or a port is none, but for `localhost`.
pub(super) fn names_registry(image: &str) -> bool {
    let Some((host, _)) = image.split_once('/') else { return false };
    host.contains(['.', ':']) || host == "localhost"
}

/// Files and what is to be looked at to know more of them.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// In the order in which they are read.
    pub(super) files: Vec<String>,
    /// What is there and cannot be followed.
    pub(super) unread: Vec<String>,
    pub(super) asks: Vec<Ask>,
}

impl Walk {
    /// Through the folder of drop-ins, as far as it was looked at.
    pub(super) fn of_drop_ins(looked: &Looked) -> Self {
        let mut found = Self::default();
        found.enter(FOLDER, looked);
        found
    }

    fn enter(&mut self, folder: &str, looked: &Looked) {
        let ask = Ask::folder(folder);
        if !looked.has(&ask) {
            self.asks.push(ask);
            return;
        }
        let names = [looked.files_in(folder), looked.folders_in(folder), looked.links_in(folder)];
        let [Ok(files), Ok(folders), Ok(links)] = names else {
            self.unread.push(folder.to_owned());
            return;
        };
        let mut all: Vec<&str> = [files, folders.clone(), links.clone()].concat();
        all.sort_unstable();
        for name in all {
            let path = format!("{folder}/{name}");
            if folders.contains(&name) {
                self.enter(&path, looked);
            } else if links.contains(&name) {
                // Whatever it leads to is read at its place.
                self.unread.push(path);
            } else {
                self.files.push(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(given: &[(&'static str, &str)]) -> Value {
        Value::map(given.iter().map(|(name, text)| (*name, Value::from(*text))))
    }

    #[test]
    fn drop_in_has_a_section_for_each_table() {
        let both = args(&[
            ("cgroup_driver", "cgroupfs"),
            ("sandbox_image", "registry.k8s.io/pause:3.10.2"),
        ]);
        let file = render("shop", &wanted(&both)).unwrap();
        assert_eq!(
            file,
            "# Managed by clinch (project shop)\n# Changes made here are overwritten.\n\
             [crio.image]\npause_image = \"registry.k8s.io/pause:3.10.2\"\n\n\
             [crio.runtime]\ncgroup_manager = \"cgroupfs\"\nconmon_cgroup = \"pod\"\n"
        );
        assert_eq!(ways::leaves(&text::read(&file).unwrap()).len(), 3);
        let systemd = render("shop", &wanted(&args(&[("cgroup_driver", "systemd")]))).unwrap();
        assert!(systemd.ends_with("\n[crio.runtime]\ncgroup_manager = \"systemd\"\n"), "{systemd}");
        assert_eq!(render("shop", &[]), None);
    }

    #[test]
    fn the_last_file_counts_setting_by_setting() {
        let files = [
            "[crio.runtime]\ncgroup_manager = \"cgroupfs\"\nconmon_cgroup = \"pod\"\n",
            "[crio.runtime]\nlog_level = \"debug\"\n",
            "[crio]\nruntime.cgroup_manager = 'systemd'\n",
        ];
        let files = files.map(|file| of_interest(&text::read(file).unwrap()));
        assert_eq!(driver(&merged(&files[..2])), "cgroupfs");
        let all = merged(&files);
        assert_eq!(driver(&all), "systemd");
        assert_eq!(ways::get(&all, &monitor_way()), Some(&"pod".into()));
        assert_eq!(driver(&Value::empty_map()), "systemd");
    }

    #[test]
    fn an_image_names_its_registry_or_another_is_taken() {
        for image in ["registry.k8s.io/pause:3", "localhost/pause", "a:5000/b"] {
            assert!(names_registry(image), "{image}");
        }
        for image in ["pause:3", "library/pause"] {
            assert!(!names_registry(image), "{image}");
        }
    }
}
