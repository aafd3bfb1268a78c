//! Which cluster is meant, and access to it and its hosts.

use crate::args::ClusterArgs;
use crate::environment::Environment;
use crate::files;
use crate::hosts::Inventory;
use access::{Cluster, ClusterOptions, Hosts};
use diags::{Code, Diagnostic, Diagnostics};
use sandbox::Sandbox;
use session::ClusterSettings;
use std::path::{Path, PathBuf};
use values::Value;
use wiring::World;

const WRONG_CLUSTER: Code = Code("E0901");
const SANDBOX: Code = Code("E0902");
const BAD_SETTING: Code = Code("E0903");
const NO_HOSTS: Code = Code("E0920");

/// What the `cluster` block may say.
const SETTINGS: [&str; 4] = ["kubeconfig", "context", "uid", "hosts"];

/// Connects to the cluster that is meant: the one that flags name, else the one of the
/// `cluster` block, else the sandbox. Never one that only the environment names: nobody's
/// first command may reach production by accident.
pub(crate) async fn connect(
    flags: &ClusterArgs,
    block: Option<&ClusterSettings>,
    project: &str,
    env: &Environment,
) -> Result<World, Diagnostics> {
    let settings = settings(block, env)?;
    let (cluster, hosts) = if is_real(flags, block) {
        let cluster = real(flags, &settings, env).await?;
        let hosts = match &settings.hosts {
            Some(HostsSetting::Folder(folder)) => hosts_in(folder)?,
            Some(HostsSetting::Reached(inventory)) => {
                let hosts = inventory.hosts(&cluster).await;
                hosts.map_err(|p| Diagnostics::from(p.into_diagnostic()))?
            }
            None => Hosts::default(),
        };
        (cluster, hosts)
    } else {
        sandboxed(env).await?
    };
    let world = World::new(cluster, hosts, project);
    if let Some(uid) = &settings.uid {
        recognise(&world, uid, block).await?;
    }
    Ok(world)
}

/// Whether a cluster is named, and not the sandbox meant.
pub(crate) fn is_real(flags: &ClusterArgs, block: Option<&ClusterSettings>) -> bool {
    flags.kubeconfig.is_some() || flags.context.is_some() || block.is_some()
}

#[derive(Default)]
struct Settings {
    kubeconfig: Option<PathBuf>,
    context: Option<String>,
    uid: Option<String>,
    hosts: Option<HostsSetting>,
}

/// Where the hosts of nodes are.
enum HostsSetting {
    /// `hosts = "FOLDER"`: each folder in it is a host.
    Folder(PathBuf),
    /// `hosts { ... }`.
    Reached(Inventory),
}

fn settings(block: Option<&ClusterSettings>, env: &Environment) -> Result<Settings, Diagnostics> {
    let Some(block) = block else { return Ok(Settings::default()) };
    let mut problems = Diagnostics::new();
    let mut text = |name: &str| match block.args.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.to_string()),
        Some(other) => {
            let detail = format!("`{name}` is a string, and this is {}.", other.kind());
            problems.push(bad_setting(block, name, detail));
            None
        }
    };
    let (kubeconfig, context, uid) = (text("kubeconfig"), text("context"), text("uid"));
    let hosts = match block.args.get("hosts") {
        Some(Value::List(blocks)) => match blocks.as_slice() {
            [one] => {
                let home = env.cluster.home.as_ref().map(Path::new);
                let inventory = Inventory::read(one, values::Path::of("hosts").index(0), home);
                let told = |wrong: Vec<(values::Path, String)>| {
                    let told = wrong.into_iter().map(|(at, wrong)| bad_hosts(block, &at, wrong));
                    problems.extend(told);
                };
                inventory.map_err(told).ok().map(HostsSetting::Reached)
            }
            _ => {
                let second = values::Path::of("hosts").index(1);
                let wrong = "A `cluster` block has one `hosts` block.";
                problems.push(bad_hosts(block, &second, wrong.to_owned()));
                None
            }
        },
        _ => text("hosts").map(|folder| HostsSetting::Folder(folder.into())),
    };
    let out = Settings { kubeconfig: kubeconfig.map(PathBuf::from), context, uid, hosts };
    for name in block.args.as_map().into_iter().flat_map(values::Map::keys) {
        if !SETTINGS.contains(&&**name) {
            let mut detail = format!("A `cluster` block has no argument `{name}`.");
            if let Some(meant) = diags::did_you_mean(name, SETTINGS) {
                detail = format!("{detail} Did you mean `{meant}`?");
            }
            problems.push(bad_setting(block, name, detail));
        }
    }
    if problems.is_empty() { Ok(out) } else { Err(problems) }
}

fn bad_setting(block: &ClusterSettings, argument: &str, detail: String) -> Diagnostic {
    let span = block.place(&values::Path::of(argument));
    Diagnostic::error(BAD_SETTING, "Invalid cluster block", detail).at(span, "").with_help(
        "It has `kubeconfig` and `context` (where the cluster is), `uid` (the uid of its \
         kube-system namespace, checked before anything is done) and `hosts` (a block that says \
         how the hosts of nodes are reached, or a folder with one folder for each node).",
    )
}

fn bad_hosts(block: &ClusterSettings, at: &values::Path, detail: String) -> Diagnostic {
    let span = block.place(at);
    Diagnostic::error(BAD_SETTING, "Invalid hosts block", detail).at(span, "").with_help(
        "`hosts` has one block `ssh` for what all hosts have in common (`user`, `port`, `sudo`, \
         `identity_file`, `config_file`, `known_hosts_file`, `host_keys`, `jump`, \
         `connect_timeout`, `address_type`), and blocks `host \"NODE\"` for what is different, \
         with `address`, `connection` or `folder`.",
    )
}

async fn real(
    flags: &ClusterArgs,
    settings: &Settings,
    env: &Environment,
) -> Result<Cluster, Diagnostics> {
    // A shell expands `~` in a flag; nobody does in a configuration.
    let written = settings.kubeconfig.as_ref().map(|path| match path.strip_prefix("~") {
        Ok(rest) => env.cluster.home.as_ref().map_or(path.clone(), |h| Path::new(h).join(rest)),
        Err(_) => path.clone(),
    });
    let options = ClusterOptions {
        kubeconfig: flags.kubeconfig.clone().or(written),
        context: flags.context.clone().or_else(|| settings.context.clone()),
        ..ClusterOptions::new(env.cluster.clone(), env!("CARGO_PKG_VERSION"))
    };
    access::connect(options).await.map_err(|p| p.into_diagnostic().into())
}

async fn sandboxed(env: &Environment) -> Result<(Cluster, Hosts), Diagnostics> {
    let folder = env.data_dir.join("sandbox");
    let failed = |why: String| {
        let detail = format!("{}: {why}", folder.display());
        Diagnostics::from(
            Diagnostic::error(SANDBOX, "Sandbox cannot be opened", detail).with_help(
                "It may be in use by another run; else remove the folder to start it anew.",
            ),
        )
    };
    let sandbox = Sandbox::open(&folder).map_err(|e| failed(e.to_string()))?;
    let shown = folder.display().to_string();
    let cluster = Cluster::from_client(sandbox.client(), "sandbox", shown);
    let hosts = folder.join("hosts");
    for node in nodes(&cluster).await.map_err(|p| Diagnostics::from(p.into_diagnostic()))? {
        furnish(&hosts.join(&node), &node).map_err(|e| failed(files::plain(&e)))?;
    }
    Ok((cluster, hosts_in(&hosts)?))
}

/// Makes the folder of a host that is not there yet, with what every host has.
fn furnish(host: &Path, node: &str) -> std::io::Result<()> {
    if host.exists() {
        return Ok(());
    }
    for (path, content) in sandbox::files_of_host(node) {
        let file = host.join(path);
        std::fs::create_dir_all(file.parent().unwrap_or(host))?;
        std::fs::write(file, content)?;
    }
    Ok(())
}

/// The nodes of the sandbox, each of which has a folder as its machine.
async fn nodes(cluster: &Cluster) -> Result<Vec<String>, plans::Problem> {
    let Some(resource) = cluster.resolve("v1", "Node").await.map_err(|e| e.to_problem())? else {
        return Ok(Vec::new());
    };
    // A name becomes a folder, so it must not be a path.
    let plain = |name: &str| !name.starts_with('.') && !name.contains('/');
    let listed = cluster.list(&resource, access::Query::default(), |node| {
        let name = node.pointer("/metadata/name")?.as_str()?;
        plain(name).then(|| name.to_owned())
    });
    Ok(listed.await.map_err(|e| e.to_problem())?.items)
}

/// The machines of a folder: each folder in it is one, named after its node.
fn hosts_in(folder: &std::path::Path) -> Result<Hosts, Diagnostics> {
    Hosts::in_folder(folder).map_err(|error| {
        Diagnostic::error(NO_HOSTS, "Hosts cannot be found", error.to_string()).into()
    })
}

/// Compares the cluster's own identity with the one that the configuration pins.
async fn recognise(
    world: &World,
    uid: &str,
    block: Option<&ClusterSettings>,
) -> Result<(), Diagnostics> {
    let target = provider::Providers::target(world).await;
    let target = target.map_err(|p| Diagnostics::from(p.into_diagnostic()))?;
    if target.uid == uid {
        return Ok(());
    }
    let mut diagnostic = Diagnostic::error(
        WRONG_CLUSTER,
        "This is another cluster",
        format!(
            "The configuration is for the cluster whose kube-system namespace has the uid \
             {uid}; {} at {} has {}.",
            target.name, target.server, target.uid
        ),
    )
    .with_help("Choose the right context with -context, or correct `uid`. Nothing was done.");
    if let Some(block) = block {
        diagnostic = diagnostic.at(block.span, "");
    }
    Err(diagnostic.into())
}
