//! Kernel settings of a node.
//!
//! Kubernetes needs some of the kernel's settings other than a distribution has them, such as
//! forwarding of packets, and some workloads need more watches or longer queues. This keeps a
//! file in `/etc/sysctl.d` of the node's host, from which they are set when it boots, and sets
//! them in the running kernel too.
//!
//! ```hcl
//! resource "sysctl" "worker_1" {
//!   node = "worker-1"
//!   settings = {
//!     "net.ipv4.ip_forward"                = "1"
//!     "net.bridge.bridge-nf-call-iptables" = "1"
//!     "fs.inotify.max_user_instances"      = "8192"
//!   }
//! }
//! ```
//!
//! The file is `/etc/sysctl.d/90-clinch-NAME.conf`, and `name` is `settings` unless it is given.
//! Files of others in the same folder are left alone. Every plan compares the file and what the
//! kernel really has: another value, set by hand or by a file that comes later, is drift, and the
//! next apply sets it again.
//!
//! What the kernel had before is noted in the file, as comments. When a setting leaves the
//! configuration, or the whole resource is destroyed, the kernel gets that value back.
//!
//! # Risks
//!
//! A setting takes effect at once, on the whole node. One that the kernel does not have is an
//! error in the plan: it is misspelt, or the module that brings it is not loaded
//! (`net.bridge.*` needs `br_netfilter`). With `load = false` only the file is kept, for the next
//! boot, and the running kernel is neither compared nor changed. Files whose names come after
//! `90-` win when the host boots. A value that the kernel refuses leaves file and kernel as they
//! were. `kernel.modules_disabled` cannot be set back without a reboot.
//!
//! # See also
//!
//! `node_settings` for what the API knows of a node. A pod's own settings are in its
//! `securityContext`:
//! [Using sysctls in a Kubernetes Cluster](https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/)

use crate::codes;
use crate::drop_in;
use crate::host_type::{Site, refused, strange};
use crate::look::Looked;
use crate::marked::{Beside, Located, MarkedFile};
use crate::place::{KERNEL, page, part};
use access::{Ask, Command, FileOnHost, Host, HostError};
use plans::{Identity, Note, Op, Problem};
use provider::{BoxFuture, PlanRequest, StepError};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use values::{Attr, Map, Path, Role, Type, Value};

const FOLDER: &str = "/etc/sysctl.d";
/// The file's own part of its name when the configuration gives none.
const DEFAULT_NAME: &str = "settings";
/// Where the kernel shows and takes its settings. Source: `proc(5)`.
const SETTINGS: &str = "/proc/sys";
/// How a line begins that says what the kernel had before.
const EARLIER: &str = "# earlier ";

/// Kernel settings of a node.
pub(crate) struct Sysctl;

impl MarkedFile for Sysctl {
    const NAME: &'static str = "sysctl";
    const MAIN: &'static str = "settings";

    fn page() -> &'static str {
        page!("sysctl.rs")
    }

    fn attrs() -> Vec<Attr> {
        vec![
            drop_in::name_attr(DEFAULT_NAME),
            Attr::new(
                "settings",
                Type::map(Type::String),
                Role::Required,
                "Values by name, as `sysctl` prints both: `\"net.ipv4.ip_forward\" = \"1\"`. A \
                 name with a dot inside a part (an interface) is written with `/`.",
            ),
            Attr::new(
                "load",
                Type::Bool,
                Role::Default(true.into()),
                "Whether the running kernel is compared and set too, or only the file kept for \
                 the next boot.",
            ),
        ]
    }

    fn locate(args: &Value) -> Result<Located, Vec<Problem>> {
        let mut located = drop_in::locate(FOLDER, DEFAULT_NAME, args)?;
        let (exposed, _) = args.exposed();
        // The kernel is asked for each setting by itself.
        if loads(&exposed) == Some(true) {
            let names = entries(&exposed).map(|(name, _)| name);
            let names = names.filter(|name| place_of(name).is_some());
            located.more.push(("names", Value::list(names.map(|name| Value::from(&**name)))));
        }
        Ok(located)
    }

    fn candidates(host: &dyn Host) -> BoxFuture<'_, Result<Vec<Located>, HostError>> {
        Box::pin(drop_in::candidates(host, FOLDER))
    }

    fn check(args: &Value) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut places: BTreeMap<String, &str> = BTreeMap::new();
        for (name, value) in entries(args) {
            let path = Path::of("settings").attr(name);
            let mut wrong = |detail: String, help: &str| {
                let problem =
                    Problem::error(codes::SETTING, "Invalid kernel setting", path.clone(), detail);
                problems.push(problem.with_help(help));
            };
            let shown = name.escape_debug();
            let Some(place) = place_of(name) else {
                let detail = format!("`{shown}` cannot be the name of a kernel setting.");
                wrong(detail, "Write it as `sysctl -a` prints it: `net.ipv4.ip_forward`.");
                continue;
            };
            if let Some(other) = places.insert(place, name) {
                let detail = format!("`{shown}` is the same setting as `{other}`.");
                wrong(detail, "Keep one of the two.");
            }
            let (value, _) = value.exposed();
            let bad = |text: &str| text.trim().is_empty() || text.chars().any(is_bad);
            if value.as_str().is_some_and(bad) {
                let detail = format!("The value of `{shown}` is empty or has more than one line.");
                wrong(detail, "Write one line; several numbers are separated by spaces.");
            }
        }
        problems
    }

    fn body(args: &Value) -> Option<String> {
        let settings = args.get("settings").filter(|given| given.is_known())?;
        // Also in the digest of what is asked for.
        loads(args)?;
        let mut out = String::new();
        for (name, value) in settings.as_map()?.iter() {
            // Writing to a `String` cannot fail.
            let _ = writeln!(out, "{name} = {}", plain(value.as_str()?));
        }
        Some(out)
    }

    /// What the kernel had before clinch: as the file says already, or as it is now.
    fn keeps(args: &Value, seen: &Value) -> String {
        if loads(args) != Some(true) {
            return String::new();
        }
        let noted = seen.get("content").and_then(Value::as_str).map(earlier).unwrap_or_default();
        let running = seen.get("running");
        let mut out = String::new();
        for (name, _) in entries(args) {
            let now = || running.and_then(|running| running.get(name)).and_then(Value::as_str);
            if let Some(value) = noted.get(&**name).map(String::as_str).or_else(now) {
                let _ = writeln!(out, "{EARLIER}{name} = {value}");
            }
        }
        out
    }

    fn read(content: &str) -> Vec<(&'static str, Value)> {
        let (mut settings, mut others) = (Map::default(), Vec::new());
        let lines = content.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with(['#', ';'])) {
            match line.split_once('=') {
                Some((name, value)) => {
                    settings.insert(name.trim().into(), plain(value).into());
                }
                None => others.push(Value::from(line)),
            }
        }
        let mut says = vec![("settings", Value::map(settings))];
        if !others.is_empty() {
            says.push(("other_lines", Value::list(others)));
        }
        says
    }

    fn asked(args: &Value) -> Vec<(&'static str, Value)> {
        vec![("settings", args.get("settings").cloned().unwrap_or(Value::Null))]
    }

    fn asks(identity: &Identity) -> Vec<Ask> {
        let places = names(identity).into_iter().filter_map(place_of);
        let mut asks: Vec<Ask> = places.map(Ask::File).collect();
        if !asks.is_empty() {
            asks.push(Ask::file(KERNEL));
        }
        asks
    }

    fn seen(identity: &Identity, looked: &Looked) -> Result<Vec<(&'static str, Value)>, Problem> {
        let read = |path: &str| looked.file(path).map_err(|error| error.to_problem());
        let mut running = Map::default();
        for name in names(identity) {
            let file = place_of(name).map(|place| read(&place)).transpose()?.flatten();
            let value = file.map(|file| plain(&String::from_utf8_lossy(&file.content)));
            running.insert(name.into(), value.map_or(Value::Null, Value::from));
        }
        let runs = read(KERNEL)?.is_some();
        Ok(vec![("running", Value::map(running)), ("runs", runs.into())])
    }

    /// Where the kernel has something else.
    fn beside(request: &PlanRequest<'_>, args: &Value, seen: &Value) -> Result<Beside, Problem> {
        let Some(running) = seen.get("running").filter(|_| loads(args) == Some(true)) else {
            return Ok(Beside::default());
        };
        let node = part(request.identity, "node");
        if entries(args).next().is_some() && seen.get("runs").and_then(Value::as_bool) != Some(true)
        {
            return Err(nothing_runs(node));
        }
        let (mut before, mut after) = (Map::default(), Map::default());
        for (name, wanted) in entries(args) {
            let Some(now) = running.get(name).and_then(Value::as_str) else {
                return Err(no_such(node, name));
            };
            let wanted = match wanted {
                Value::String(text) => Value::from(plain(text)),
                other => other.clone(),
            };
            if wanted.as_str() != Some(now) {
                before.insert(name.clone(), now.into());
                after.insert(name.clone(), wanted);
            }
        }
        // What a new file brings is in the file.
        if before.is_empty() || seen.get("content").is_none_or(Value::is_null) {
            return Ok(Beside::default());
        }
        let (before, after) = (Value::map(before), Value::map(after));
        Ok(Beside { before: vec![("running", before)], after: vec![("running", after)] })
    }

    fn notes(args: &Value, seen: &Value) -> Vec<Note> {
        let file = seen.get("content").and_then(Value::as_str).map(settings);
        let note = |(name, wanted): (&std::sync::Arc<str>, &Value)| {
            let kernel = seen.get("running")?.get(name)?.as_str()?;
            let wanted = plain(wanted.as_str()?);
            let says = file.as_ref().map(|file| file.get(&**name));
            let text = match says {
                _ if kernel == wanted => return None,
                Some(Some(says)) if *says == wanted => {
                    format!("the file says `{wanted}`, the kernel has `{kernel}`")
                }
                Some(_) => return None,
                None => format!("the kernel has `{kernel}` now"),
            };
            Some(Note { path: Path::of("settings").attr(name), text })
        };
        entries(args).filter_map(note).collect()
    }

    fn notes_of_removal(content: &str) -> Vec<Note> {
        let noted = earlier(content);
        let note = |(name, value): (String, String)| {
            let text = match noted.get(&name) {
                Some(earlier) if *earlier == value => return None,
                Some(earlier) => format!("the kernel gets `{earlier}` back for `{name}`"),
                None => format!("the kernel keeps its value of `{name}` until the node reboots"),
            };
            Some(Note { path: Path::root(), text })
        };
        settings(content).into_iter().filter_map(note).collect()
    }

    /// What the kernel must have after the step; null when it is not asked.
    fn effect(_identity: &Identity, args: Option<&Value>, _seen: &Value) -> Value {
        let Some(args) = args else { return Value::Null };
        match loads(args) {
            Some(true) => args.get("settings").cloned().unwrap_or(Value::Null),
            Some(false) => Value::Null,
            None => Value::Unknown(Type::map(Type::String)),
        }
    }

    fn heed<'a>(
        site: Site<'a>,
        op: &'a Op,
        before: Option<&'a FileOnHost>,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(heed(site, op, before))
    }

    fn is_heeded<'a>(site: Site<'a>, op: &'a Op) -> BoxFuture<'a, Result<bool, StepError>> {
        Box::pin(async move {
            let wanted = wanted(op)?;
            let now = running(site, wanted.keys().map(String::as_str)).await?;
            Ok(wanted.iter().all(|(name, value)| now.get(name) == Some(value)))
        })
    }
}

/// Sets what is asked for, and gives back what no longer is. When the kernel refuses one, all
/// get back the value that they had.
///
/// # Interruption
///
/// The kernel takes one setting after the other. All can be set again.
async fn heed(site: Site<'_>, op: &Op, before: Option<&FileOnHost>) -> Result<(), StepError> {
    let wanted = wanted(op)?;
    let content = before.map(|file| String::from_utf8_lossy(&file.content).into_owned());
    let mut all = content.map(|content| earlier(&content)).unwrap_or_default();
    all.extend(wanted);
    let had = running(site, all.keys().map(String::as_str)).await?;
    let differ: Vec<_> = all
        .iter()
        .filter(|(name, value)| had.get(*name).is_some_and(|had| had != *value))
        .collect();
    for (at, (name, value)) in differ.iter().enumerate() {
        let refused = match set(site, name, value).await {
            Ok(Ok(())) => continue,
            Ok(Err(why)) => Ok(why),
            // Whether it was set is not known; the step is settled when the host answers again.
            Err(error @ StepError::InDoubt(_)) => return Err(error),
            Err(error) => Err(error),
        };
        for (name, _) in &differ[..=at] {
            if let Some(had) = had.get(*name) {
                // The kernel had this value a moment ago; whether it takes it is seen by the
                // next plan.
                let _put_back = set(site, name, had).await;
            }
        }
        let why = refused?;
        let detail = format!(
            "The kernel of host `{}` refuses a value for `{name}`: {why} File and kernel are as \
             they were.",
            site.host.name()
        );
        let summary = "Kernel setting was refused";
        let problem = Problem::error(codes::SETTING, summary, Path::of("settings"), detail);
        return Err(StepError::Refused(
            problem.with_help("Look up which values the kernel's documentation allows."),
        ));
    }
    Ok(())
}

/// Sets one; what the program complained of if the kernel did not take it.
async fn set(site: Site<'_>, name: &str, value: &str) -> Result<Result<(), String>, StepError> {
    // Values are no secrets to the host's users, who can all read them.
    let assigned = format!("{}={value}", written(name));
    let output = site.host.run(Command::new(&["sysctl", "-q", "-w", &assigned])).await;
    let output = output.map_err(refused)?;
    if output.succeeded() {
        return Ok(Ok(()));
    }
    Ok(Err(access::text::sentence(&output.complaint())))
}

/// What the kernel has now, for the settings that it has.
async fn running<'n>(
    site: Site<'_>,
    names: impl Iterator<Item = &'n str>,
) -> Result<BTreeMap<String, String>, StepError> {
    let places: BTreeMap<&str, String> =
        names.filter_map(|name| Some((name, place_of(name)?))).collect();
    let asks = places.values().map(Ask::file);
    let looked = Looked::at(site.host, asks).await.map_err(refused)?;
    let mut running = BTreeMap::new();
    for (name, place) in places {
        if let Some(file) = looked.file(&place).map_err(refused)? {
            running.insert(name.to_owned(), plain(&String::from_utf8_lossy(&file.content)));
        }
    }
    Ok(running)
}

/// What the kernel must have after the step: nothing when only the file counts.
fn wanted(op: &Op) -> Result<BTreeMap<String, String>, StepError> {
    let Some(effect) = op.args.get("effect") else { return Ok(BTreeMap::new()) };
    let (effect, _) = effect.exposed();
    let map = effect.as_map().ok_or_else(|| strange(op))?;
    let setting = |(name, value): (&std::sync::Arc<str>, &Value)| {
        Some((name.to_string(), plain(value.as_str()?)))
    };
    map.iter().map(setting).collect::<Option<_>>().ok_or_else(|| strange(op))
}

fn nothing_runs(node: &str) -> Problem {
    let detail = format!("On host `{node}` no kernel runs whose settings could be set.");
    Problem::error(codes::NO_KERNEL, "No running kernel", Path::of("node"), detail).with_help(
        "Use a real host, or set `load = false` to keep only the file for the next boot.",
    )
}

fn no_such(node: &str, name: &str) -> Problem {
    let detail = format!("The kernel of host `{node}` has no setting `{name}`.");
    let path = Path::of("settings").attr(name);
    Problem::error(codes::SETTING, "Unknown kernel setting", path, detail).with_help(
        "Correct the name, or load the module that brings it; with `load = false` the file alone \
         is kept.",
    )
}

fn entries(args: &Value) -> impl Iterator<Item = (&std::sync::Arc<str>, &Value)> {
    args.get("settings").and_then(Value::as_map).into_iter().flat_map(Map::iter)
}

fn loads(args: &Value) -> Option<bool> {
    match args.get("load") {
        Some(Value::Unknown(_)) => None,
        other => Some(other.and_then(Value::as_bool).unwrap_or(true)),
    }
}

fn names(identity: &Identity) -> Vec<&str> {
    let names = identity.args.get("names").and_then(Value::as_list).unwrap_or(&[]);
    names.iter().filter_map(Value::as_str).collect()
}

/// A value on one line with single spaces: the kernel prints tabs between numbers, and takes
/// either.
fn plain(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_bad(c: char) -> bool {
    c.is_control() && c != '\t'
}

/// The settings that a file has.
fn settings(content: &str) -> BTreeMap<String, String> {
    pairs(content.lines().filter(|line| !line.trim_start().starts_with(['#', ';'])))
}

/// What a file says the kernel had before.
fn earlier(content: &str) -> BTreeMap<String, String> {
    let pairs = pairs(content.lines().filter_map(|line| line.strip_prefix(EARLIER)));
    pairs.into_iter().filter(|(name, _)| place_of(name).is_some()).collect()
}

fn pairs<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeMap<String, String> {
    let pairs = lines.filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), plain(value))).collect()
}

/// Where the kernel keeps a setting; `None` for what cannot be a name. When the first separator
/// is a dot, dots separate and slashes stand for dots inside a part; when it is a slash, the name
/// is a path already. Source: `sysctl.d(5)`.
fn place_of(name: &str) -> Option<String> {
    let path = written(name);
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':' | b'@');
    let part =
        |part: &str| !part.is_empty() && part.bytes().all(fine) && !part.starts_with(['-', '.']);
    let parts = path.split('/');
    let is_name = path.len() <= 255 && parts.clone().count() >= 2 && parts.clone().all(part);
    is_name.then(|| format!("{SETTINGS}/{path}"))
}

/// A name with slashes between its parts.
fn written(name: &str) -> String {
    let swapped = |c: char| match c {
        '.' => '/',
        '/' => '.',
        other => other,
    };
    match name.find(['.', '/']) {
        Some(at) if name[at..].starts_with('.') => name.chars().map(swapped).collect(),
        Some(_) | None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_paths_below_the_kernels_folder_or_nothing() {
        let place = |name| place_of(name).unwrap_or_else(|| "-".to_owned());
        for (name, want) in [
            ("net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward"),
            ("net/ipv4/ip_forward", "/proc/sys/net/ipv4/ip_forward"),
            ("net.ipv4.conf.eth0/100.forwarding", "/proc/sys/net/ipv4/conf/eth0.100/forwarding"),
            ("net/ipv4/conf/eth0.100/forwarding", "/proc/sys/net/ipv4/conf/eth0.100/forwarding"),
            ("kernel", "-"),
            ("", "-"),
            ("-net.ipv4.ip_forward", "-"),
            ("net.ipv4.conf.*.forwarding", "-"),
            ("net..ipv4", "-"),
            ("net.ipv4.", "-"),
            ("/net/ipv4", "-"),
            ("net/../../etc/passwd", "-"),
            ("net.//.//.etc", "-"),
            ("net.ipv4.a b", "-"),
            ("net.ipv4.x=1", "-"),
            ("net.ipv4.x\n", "-"),
        ] {
            assert_eq!(place(name), want, "{name:?}");
        }
    }

    #[test]
    fn values_are_compared_by_their_words() {
        assert_eq!(plain("32768\t60999\n"), plain(" 32768   60999"));
    }
}
