//! Where containerd keeps a setting, by the schema of its file.
//!
//! Sources: `docs/PLUGINS.md`, `docs/cri/config.md` and `docs/cri/registry.md` of
//! `containerd/containerd` v2.2.

use crate::settings::ways::{self, Way};
use values::Value;

/// The runtime that every containerd has.
const RUNC: &str = "runc";
/// How runtimes are started whose cgroups `SystemdCgroup` is about.
const RUNC_TYPE: &str = "io.containerd.runc.v2";
/// The names under which a list of disabled plugins has what a kubelet talks to.
const CRI_NAMES: [&str; 4] = [
    "cri",
    "io.containerd.grpc.v1.cri",
    "io.containerd.cri.v1.images",
    "io.containerd.cri.v1.runtime",
];

/// The schemas of containerd's file that can be edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// `version = 2`: containerd 1.3 and later.
    Two,
    /// `version = 3`: containerd 2.0 and later.
    Three,
}

/// Why a file is not edited, as the end of a sentence, with what to do.
pub(super) struct Unknown {
    pub(super) why: String,
    pub(super) help: &'static str,
}

impl Layout {
    /// Which one a file says it has. A file that says none, and has nothing whose meaning depends
    /// on it, can be given one.
    pub(super) fn of(live: &Value) -> Result<Self, Unknown> {
        let known = "Use a version of clinch that knows it, or write the file in schema 2 or 3.";
        match live.get("version") {
            None if says_little(live) => Ok(Self::Two),
            None => Err(Unknown {
                why: "has no `version`, so containerd 1 reads it as schema 1 and containerd 2 \
                      refuses it"
                    .to_owned(),
                help: "Write it in schema 2 (`version = 2`, and the full names of plugins), or \
                       begin with what `containerd config default` prints.",
            }),
            Some(version) => match version.as_number().and_then(values::Number::as_i64) {
                Some(2) => Ok(Self::Two),
                Some(3) => Ok(Self::Three),
                Some(1) => Err(Unknown {
                    why: "has `version = 1`, which containerd 2 refuses".to_owned(),
                    help: "Write it in schema 2, or begin with what `containerd config default` \
                           prints.",
                }),
                Some(other) => Err(Unknown {
                    why: format!("has `version = {other}`, a schema that clinch does not know"),
                    help: known,
                }),
                None => Err(Unknown {
                    why: "has a `version` that is no number".to_owned(),
                    help: known,
                }),
            },
        }
    }

    fn images(self) -> &'static str {
        match self {
            Self::Two => "io.containerd.grpc.v1.cri",
            Self::Three => "io.containerd.cri.v1.images",
        }
    }

    fn runtime(self) -> &'static str {
        match self {
            Self::Two => "io.containerd.grpc.v1.cri",
            Self::Three => "io.containerd.cri.v1.runtime",
        }
    }

    /// Where the image of every pod's sandbox is named.
    pub(super) fn sandbox_image(self) -> Way {
        match self {
            Self::Two => way(&["plugins", self.images(), "sandbox_image"]),
            Self::Three => way(&["plugins", self.images(), "pinned_images", "sandbox"]),
        }
    }

    /// Where the folder of what is known about registries is named.
    pub(super) fn config_path(self) -> Way {
        way(&["plugins", self.images(), "registry", "config_path"])
    }

    /// Where a container runtime is described.
    fn described(self, runtime: &str) -> Way {
        way(&["plugins", self.runtime(), "containerd", "runtimes", runtime])
    }

    /// Whether a runtime's cgroups are systemd's.
    pub(super) fn systemd_cgroup(self, runtime: &str) -> Way {
        [self.described(runtime), way(&["options", "SystemdCgroup"])].concat()
    }

    /// How a runtime is started.
    pub(super) fn runtime_type(self, runtime: &str) -> Way {
        [self.described(runtime), way(&["runtime_type"])].concat()
    }

    /// What must not stand beside `config_path`: containerd then has no CRI plugin.
    pub(super) fn inline_registries(self, live: &Value) -> Option<&'static str> {
        let registry = &self.config_path()[..3];
        let of = |name: &str| ways::get(live, registry).and_then(|registry| registry.get(name));
        let is_full = |value: &&Value| value.as_map().is_some_and(|map| !map.is_empty());
        if of("mirrors").as_ref().is_some_and(is_full) {
            return Some("registry.mirrors");
        }
        let tls = |configs: &Value| {
            let mut each = configs.as_map().into_iter().flat_map(values::Map::values);
            each.any(|config| config.get("tls").is_some())
        };
        of("configs").is_some_and(tls).then_some("registry.configs.*.tls")
    }

    /// Whether the file holds passwords of registries.
    pub(super) fn holds_secrets(live: &Value) -> bool {
        [Self::Two, Self::Three].into_iter().any(|layout| {
            let registry = ways::get(live, &layout.config_path()[..3]);
            let configs = registry.and_then(|registry| registry.get("configs"));
            let mut each =
                configs.and_then(Value::as_map).into_iter().flat_map(values::Map::values);
            each.any(|config| config.get("auth").is_some())
        })
    }

    /// The runtimes whose cgroups are asked about: those of runc.
    pub(super) fn runc_runtimes(self, live: &Value) -> Vec<String> {
        let all = ways::get(live, &self.described(RUNC)[..4]).and_then(Value::as_map);
        let is_runc = |name: &str, of: &Value| match of.get("runtime_type").and_then(Value::as_str)
        {
            Some(ty) => ty == RUNC_TYPE,
            None => name == RUNC,
        };
        let described = all.into_iter().flat_map(values::Map::iter);
        let mut names: Vec<String> = described
            .filter(|(name, of)| is_runc(name, of))
            .map(|(name, _)| (**name).to_owned())
            .collect();
        if !all.is_some_and(|all| all.contains_key(RUNC)) {
            names.push(RUNC.to_owned());
        }
        names.sort();
        names
    }

    /// The same setting in a file of another schema.
    pub(super) fn translated(self, of: &Way, to: Self) -> Way {
        match of.get(1).map(|plugin| &**plugin) {
            _ if self == to => of.clone(),
            _ if *of == self.sandbox_image() => to.sandbox_image(),
            _ if *of == self.config_path() => to.config_path(),
            Some(plugin) if plugin == self.runtime() => {
                let mut way = of.clone();
                way[1] = to.runtime().into();
                way
            }
            Some(_) | None => of.clone(),
        }
    }

    /// The runtimes of runc that a file describes, and whether systemd makes their cgroups.
    pub(super) fn described_runtimes(self, of: &Value) -> Vec<(String, bool)> {
        let all = ways::get(of, &self.described(RUNC)[..4]).and_then(Value::as_map);
        let names = self.runc_runtimes(of).into_iter();
        let described = names.filter(|name| all.is_some_and(|all| all.contains_key(name.as_str())));
        described.map(|name| (name.clone(), self.is_systemd(of, &name))).collect()
    }

    /// Whether runc is only there because containerd has it by itself. Whoever describes it must
    /// then say how it is started.
    pub(super) fn runc_is_undescribed(self, live: &Value) -> bool {
        ways::get(live, &self.described(RUNC)).is_none()
    }

    /// The setting by which an undescribed runc stays what it is.
    pub(super) fn runc_type(self) -> (Way, Value) {
        (self.runtime_type(RUNC), RUNC_TYPE.into())
    }

    /// Which cgroup driver pods get, in words: one, or one for each runtime.
    pub(super) fn cgroup_driver(self, of: &Value) -> String {
        let driver = |name: &String| if self.is_systemd(of, name) { "systemd" } else { "cgroupfs" };
        let names = self.runc_runtimes(of);
        let mut drivers: Vec<&str> = names.iter().map(driver).collect();
        drivers.sort_unstable();
        drivers.dedup();
        match drivers[..] {
            [one] => one.to_owned(),
            _ => {
                let each = names.iter().map(|name| format!("{} for {name}", driver(name)));
                each.collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// Whether two files give every runtime the same driver.
    pub(super) fn same_driver(self, a: &Value, b: &Value) -> bool {
        let names = self.runc_runtimes(a).into_iter().chain(self.runc_runtimes(b));
        names.into_iter().all(|name| self.is_systemd(a, &name) == self.is_systemd(b, &name))
    }

    /// Digest of a file but for its cgroup driver.
    pub(super) fn apart(self, live: &Value) -> String {
        let runtimes = &self.described(RUNC)[..4];
        let described = ways::get(live, runtimes).and_then(Value::as_map);
        let names = described.into_iter().flat_map(values::Map::keys).map(|name| &**name);
        let (mut without, mut maps) = (live.clone(), Vec::new());
        for name in names.chain([RUNC]) {
            without = ways::with(&without, &self.systemd_cgroup(name), None);
            let options = self.systemd_cgroup(name);
            maps.extend((1..options.len()).map(|end| options[..end].to_vec()));
        }
        let (way, runc) = self.runc_type();
        if ways::get(live, &way) == Some(&runc) {
            without = ways::with(&without, &way, None);
        }
        let without = ways::without_empty(without, &maps);
        let text = access::json::to_json(&without).map(|json| json.to_string());
        access::digest(text.unwrap_or_default().as_bytes())
    }

    fn is_systemd(self, of: &Value, runtime: &str) -> bool {
        ways::get(of, &self.systemd_cgroup(runtime)).and_then(Value::as_bool) == Some(true)
    }
}

/// Nothing whose meaning depends on the schema, beside that the CRI plugin is disabled.
fn says_little(live: &Value) -> bool {
    let Some(map) = live.as_map() else { return false };
    map.iter().all(|(key, value)| match &**key {
        "disabled_plugins" | "required_plugins" => without_cri(value).is_empty(),
        "plugins" | "proxy_plugins" | "stream_processors" => {
            value.as_map().is_some_and(values::Map::is_empty)
        }
        _ => true,
    })
}

/// The plugins of a list that are not what a kubelet talks to.
pub(super) fn without_cri(list: &Value) -> Vec<Value> {
    let items = list.as_list().unwrap_or(&[]).iter();
    items
        .filter(|item| !item.as_str().is_some_and(|name| CRI_NAMES.contains(&name)))
        .cloned()
        .collect()
}

/// Keys as a way.
pub(super) fn way(keys: &[&str]) -> Way {
    keys.iter().map(|key| (*key).into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container_runtime::text;

    fn layout(file: &str) -> Result<Layout, String> {
        Layout::of(&text::read(file).unwrap()).map_err(|unknown| unknown.why)
    }

    #[test]
    fn a_schema_that_is_not_known_is_no_guess() {
        assert_eq!(layout("version = 2"), Ok(Layout::Two));
        assert_eq!(layout("version = 3"), Ok(Layout::Three));
        assert_eq!(
            layout("# nothing\ndisabled_plugins = [\"cri\"]\nroot = \"/data\""),
            Ok(Layout::Two)
        );
        for (file, why) in [
            ("version = 4", "a schema that clinch does not know"),
            ("version = 1", "which containerd 2 refuses"),
            ("version = \"2\"", "no number"),
            ("[plugins.cri]\nsandbox_image = \"a\"", "has no `version`"),
            ("disabled_plugins = [\"aufs\", \"cri\"]", "has no `version`"),
        ] {
            let found = layout(file).unwrap_err();
            assert!(found.contains(why), "{file}: {found}");
        }
    }

    #[test]
    fn the_driver_is_that_of_every_runtime_of_runc() {
        let of = |file: &str| Layout::Two.cgroup_driver(&text::read(file).unwrap());
        let runtimes = "plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes";
        assert_eq!(of("version = 2"), "cgroupfs");
        let runc = format!("[{runtimes}.runc]\noptions.SystemdCgroup = true\n");
        assert_eq!(of(&runc), "systemd");
        let other = format!("{runc}[{runtimes}.debug]\nruntime_type = \"io.containerd.runc.v2\"\n");
        assert_eq!(of(&other), "cgroupfs for debug, systemd for runc");
        let kata = format!("{runc}[{runtimes}.kata]\nruntime_type = \"io.containerd.kata.v2\"\n");
        assert_eq!(of(&kata), "systemd");
    }
}
