//! What is looked at to know which cgroup driver a node has.

use super::SHELF;
use crate::container_runtime::driver;
use crate::container_runtime::engine::Engine;
use crate::kubelet_config::{self, USUAL_PATH, flags, text};
use crate::look::Looked;
use crate::owned;
use crate::settings::record::Record;
use access::{Ask, FileOnHost, HostError};
use plans::Problem;
use values::Value;

const VERSION: [&str; 2] = ["kubelet", "--version"];
/// Which program the host was started with.
const INIT: &str = "/proc/1/comm";
/// Says `cgroup2fs` for version 2. Source: [About cgroup v2](https://kubernetes.io/docs/concepts/architecture/cgroups/#check-cgroup-version).
const CGROUPS: [&str; 4] = ["stat", "-fc", "%T", "/sys/fs/cgroup"];
/// What ends containers of CRI-O.
const CRICTL: [&str; 2] = ["crictl", "--version"];
/// The flag by which a kubelet has drop-ins. Source: [Drop-in directory for kubelet configuration
/// files](https://kubernetes.io/docs/tasks/administer-cluster/kubelet-config-file/#kubelet-conf-d).
const CONFIG_DIR: &str = "config-dir";

pub(super) fn asks(node: &str) -> Vec<Ask> {
    let of_config = kubelet_config::SHELF.place(USUAL_PATH);
    let files = [USUAL_PATH, INIT, of_config.as_str()].map(Ask::file);
    let commands = [Ask::command(VERSION), Ask::command(CGROUPS), Ask::command(CRICTL)];
    let paths = [USUAL_PATH, driver::path(Engine::Containerd), driver::path(Engine::Crio)];
    let ours = paths.map(|path| [SHELF.place(path), SHELF.kept(path)].map(Ask::file));
    let all = files.into_iter().chain(commands).chain(ours.into_iter().flatten());
    all.chain(flags::asks()).chain(driver::asks(node)).collect()
}

/// What was seen leads on: imports of a runtime, drop-ins of a kubelet.
pub(super) fn asks_next(node: &str, looked: &Looked) -> Vec<Ask> {
    // What could not be read is told by `seen`.
    let drop_ins = DropIns::of(looked).unwrap_or_default();
    driver::asks_next(node, looked).into_iter().chain(drop_ins.asks).collect()
}

/// The kubelet's drop-ins, in the order in which they are read.
#[derive(Default)]
struct DropIns {
    files: Vec<String>,
    asks: Vec<Ask>,
}

impl DropIns {
    fn of(looked: &Looked) -> Result<Self, HostError> {
        let mut found = Self::default();
        if let Some((folder, _)) = flags::given(looked, CONFIG_DIR)? {
            found.enter(folder.trim_end_matches('/'), looked)?;
        }
        Ok(found)
    }

    fn enter(&mut self, folder: &str, looked: &Looked) -> Result<(), HostError> {
        let ask = Ask::folder(folder);
        if !looked.has(&ask) {
            self.asks.push(ask);
            return Ok(());
        }
        let (files, folders) = (looked.files_in(folder)?, looked.folders_in(folder)?);
        let mut names = [files, folders.clone()].concat();
        names.sort_unstable();
        for name in names {
            let path = format!("{folder}/{name}");
            if folders.contains(&name) {
                self.enter(&path, looked)?;
            } else if name.rsplit_once('.').is_some_and(|(_, end)| end == "conf") {
                let ask = Ask::file(path.as_str());
                self.asks.extend((!looked.has(&ask)).then_some(ask));
                self.files.push(path);
            }
        }
        Ok(())
    }
}

pub(super) fn seen(node: &str, looked: &Looked) -> Result<Value, Problem> {
    let failed = |error: HostError| error.to_problem();
    let read = |path: &str| looked.file(path).map_err(failed);
    let shown = |file: &FileOnHost| String::from_utf8_lossy(&file.content).into_owned();
    let text = |path: &str| -> Result<Value, Problem> {
        Ok(read(path)?.map_or(Value::Null, |file| shown(file).into()))
    };
    // On a host that is a folder nobody answers.
    let says = |words: &[&str]| -> Result<Value, Problem> {
        match looked.ran(words) {
            Ok(Some(output)) if output.succeeded() => Ok(output.text().trim().into()),
            Ok(Some(_) | None) => Ok("".into()),
            Err(HostError::NoCommands { .. }) => Ok(Value::Null),
            Err(error) => Err(failed(error)),
        }
    };
    let (engine, runtime) = driver::seen(node, looked)?;
    let path = driver::path(engine);
    let is_kept = |path: &str| Ok(read(&SHELF.kept(path))?.is_some());
    let flag = flags::given(looked, "cgroup-driver").map_err(failed)?;
    let fail_v1 = flags::given(looked, "fail-cgroupv1").map_err(failed)?;
    let drop_ins = DropIns::of(looked).map_err(failed)?;
    let mut winning = Vec::new();
    for path in drop_ins.files {
        let said = read(&path)?.map(|file| yaml_driver(&shown(file))).unwrap_or_default();
        winning.extend(said.map(|driver| Value::list([driver.into(), path.into()])));
    }
    // A drop-in wins over the file, and a flag over both.
    winning.extend(flag.map(|(value, place)| {
        Value::list([value.into(), format!("the flag `--cgroup-driver` in {place}").into()])
    }));
    let of_config = read(&kubelet_config::SHELF.place(USUAL_PATH))?.map(shown);
    let of_config = of_config.and_then(|text| Record::parse(&text).ok());
    let way = super::decide::kubelet_way();
    let parts = [
        ("kubelet", Value::map(owned::observed(read(USUAL_PATH)?))),
        ("kubelet_record", text(&SHELF.place(USUAL_PATH))?),
        ("kept_by_config", of_config.is_some_and(|of| of.earlier.contains_key(&way)).into()),
        ("winning", Value::list(winning)),
        ("fail_v1", fail_v1.map_or(Value::Null, |(value, _)| value.into())),
        ("version", says(&VERSION)?),
        ("init", text(INIT)?),
        ("cgroups", says(&CGROUPS)?),
        ("crictl", says(&CRICTL)?),
        ("engine", engine.unit().into()),
        ("runtime", runtime),
        ("runtime_record", text(&SHELF.place(path))?),
        ("open", (is_kept(USUAL_PATH)? || is_kept(path)?).into()),
    ];
    Ok(Value::map(parts))
}

/// What a drop-in says of the driver; it may say nothing else.
fn yaml_driver(content: &str) -> Option<String> {
    let root = yaml::documents(content).ok()?.first()?.to_value();
    Some(root.get(text::DRIVER)?.as_str()?.to_owned())
}
