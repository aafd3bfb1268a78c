//! Which cluster is meant, and how it is reached: the rules of `kubectl`.
//!
//! Start reading at [`connect`]. `sources` finds and merges files, `select` picks a context
//! with its cluster and user, and this file turns these into a client.
//!
//! **Invariant:** there is no default address. Where no configuration is found, or it names
//! no server, the answer is an error.
//!
//! **Invariant:** nothing of a kubeconfig's content but names and places is ever in a
//! message: any line of it may be a secret.

mod select;
mod sources;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;

use crate::cluster::classify;
use crate::cluster::{CONNECT_DEADLINE, Call, Cluster, ClusterError, Failure, Place, Unreachable};
use diags::Code;
use http::header::{HeaderValue, USER_AGENT};
use kube::client::ClientBuilder;
use kube::config::Config;
use plans::Problem;
use select::Selected;
use sources::Found;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use values::Path;

const UNREADABLE: Code = Code("E0701");
const MALFORMED: Code = Code("E0702");
const NO_CONTEXT: Code = Code("E0703");
const INCOMPLETE: Code = Code("E0704");
const INSECURE: Code = Code("E0705");
const NOT_CONFIGURED: Code = Code("E0706");
const PLUGIN_REFUSED: Code = Code("E0707");

/// How long a credential plugin may take: some open a browser and wait for a person.
const PLUGIN_DEADLINE: Duration = Duration::from_mins(2);

/// What the environment says. The program reads it once and passes it in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Env {
    /// `KUBECONFIG`: a list of files.
    pub kubeconfig: Option<String>,
    /// `HOME`, for `~/.kube/config`.
    pub home: Option<String>,
    /// `KUBERNETES_SERVICE_HOST`, inside a pod.
    pub service_host: Option<String>,
    /// `KUBERNETES_SERVICE_PORT`, inside a pod.
    pub service_port: Option<String>,
}

/// Whether a kubeconfig may run programs to get credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecPlugins {
    /// As `kubectl` does.
    Allowed,
    /// It is an error: for kubeconfigs that others wrote.
    Refused,
}

/// Which cluster is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterOptions {
    /// What the environment says.
    pub env: Env,
    /// This file and no other.
    pub kubeconfig: Option<PathBuf>,
    /// This context instead of the current one.
    pub context: Option<String>,
    /// This entry of `clusters` instead of the context's.
    pub cluster: Option<String>,
    /// This entry of `users` instead of the context's.
    pub user: Option<String>,
    /// This address instead of the cluster's.
    pub server: Option<String>,
    /// Act as this user.
    pub act_as: Option<String>,
    /// Whether a kubeconfig may say not to check the server's certificate.
    pub allow_insecure_tls: bool,
    /// Whether it may run programs.
    pub exec_plugins: ExecPlugins,
    /// The version of this program, for the server's logs.
    pub version: String,
}

impl ClusterOptions {
    /// What `kubectl` without flags would use.
    pub fn new(env: Env, version: impl Into<String>) -> Self {
        Self {
            env,
            kubeconfig: None,
            context: None,
            cluster: None,
            user: None,
            server: None,
            act_as: None,
            allow_insecure_tls: false,
            exec_plugins: ExecPlugins::Allowed,
            version: version.into(),
        }
    }
}

/// Makes ready to talk to the cluster that is meant. Runs the credential plugin if there is
/// one; does not contact the server yet.
pub async fn connect(options: ClusterOptions) -> Result<Cluster, Problem> {
    let (config, place) = match sources::find(&options)? {
        Found::Files(merged) => {
            let selected = select::select(&merged, &options)?;
            from_files(selected, &options).await?
        }
        Found::InCluster { server } => in_cluster(&server, &options)?,
    };
    let config = with_manners(config, &options)?;
    let client = client(config, &place).await?;
    Ok(Cluster::from_client(client, place.name.clone(), place.server.clone()))
}

async fn from_files(
    selected: Selected,
    options: &ClusterOptions,
) -> Result<(Config, Arc<Place>), Problem> {
    let Selected { kubeconfig, names, mut place, insecure } = selected;
    let loaded = Config::from_custom_kubeconfig(kubeconfig, &names).await;
    let mut config = loaded.map_err(|error| {
        let detail = crate::text::sentence(&error.to_string());
        incomplete(format!("Context `{}` cannot be used: {detail}", place.name))
    })?;
    if insecure {
        place.server.push_str(" (certificate not checked)");
    }
    if let Some(user) = &options.act_as {
        config.auth_info.impersonate = Some(user.clone());
    }
    Ok((config, Arc::new(place)))
}

fn incomplete(detail: impl Into<String>) -> Problem {
    Problem::error(INCOMPLETE, "The kubeconfig is not complete", Path::root(), detail)
}

/// As a pod: address from the environment, token and authority from the mounted files.
fn in_cluster(server: &str, options: &ClusterOptions) -> Result<(Config, Arc<Place>), Problem> {
    let server = options.server.as_deref().unwrap_or(server);
    let mut config = Config::new(select::url(server, "in-cluster")?);
    let folder = PathBuf::from("/var/run/secrets/kubernetes.io/serviceaccount");
    let token = folder.join("token");
    if !token.is_file() {
        let detail = format!(
            "The environment is that of a pod, and {} is missing: the pod has no service account \
             token.",
            token.display()
        );
        let problem =
            Problem::error(NOT_CONFIGURED, "No cluster is configured", Path::root(), detail);
        return Err(problem.with_help(
            "Give the pod a service account (`automountServiceAccountToken: true`), or name a \
             kubeconfig with `-kubeconfig`.",
        ));
    }
    config.root_cert_file = Some(folder.join("ca.crt"));
    config.auth_info.token_file = Some(token.display().to_string());
    config.auth_info.impersonate.clone_from(&options.act_as);
    let place = Place { name: "in-cluster".to_owned(), server: server.to_owned() };
    Ok((config, Arc::new(place)))
}

/// How this program behaves towards any server.
fn with_manners(mut config: Config, options: &ClusterOptions) -> Result<Config, Problem> {
    // The client's own retries are silent and do not ask whether a request may be repeated.
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT_DEADLINE);
    // No read timeout on connections: a watch is silent for long. Every request has a
    // deadline of its own instead.
    config.read_timeout = None;
    let agent = format!("clinch/{}", options.version);
    let agent = HeaderValue::from_str(&agent)
        .map_err(|_| incomplete("The version of this program is no plain text."))?;
    config.headers.push((USER_AGENT, agent));
    Ok(config)
}

/// Builds the client. A credential plugin runs here, and it may hang.
async fn client(config: Config, place: &Arc<Place>) -> Result<kube::Client, Problem> {
    let failed = |failure: Unreachable| {
        let call = Box::new(Call::of("get", "credentials"));
        let failure = Failure::Unreachable(failure);
        ClusterError { place: place.clone(), call, failure, attempts: 1 }.to_problem()
    };
    let (done, built) = oneshot::channel();
    // A thread of its own, so that a plugin that hangs holds up neither this runtime nor its
    // end.
    let thread = std::thread::Builder::new().name("credentials".to_owned()).spawn(move || {
        // Nobody listens any more when it took too long.
        drop(done.send(ClientBuilder::try_from(config)));
    });
    if thread.is_err() {
        return Err(failed(Unreachable::Credentials("no thread can be started".to_owned())));
    }
    match tokio::time::timeout(PLUGIN_DEADLINE, built).await {
        Ok(Ok(Ok(builder))) => Ok(builder.build()),
        Ok(Ok(Err(error))) => Err(failed(match classify(&error) {
            // Nothing was sent yet: it is the kubeconfig that is broken.
            Unreachable::Broken(_) => Unreachable::Credentials(crate::text::clean(
                &error.to_string().replace("Failed to infer provided configuration: ", ""),
            )),
            other => other,
        })),
        Ok(Err(_)) => Err(failed(Unreachable::Credentials(
            "the client cannot be built from this kubeconfig".to_owned(),
        ))),
        Err(_) => Err(failed(Unreachable::Credentials(format!(
            "the credential plugin gave no answer for {} s",
            PLUGIN_DEADLINE.as_secs()
        )))),
    }
}
