//! From a merged kubeconfig to one context with its cluster and user.

use super::{ClusterOptions, ExecPlugins, INSECURE, NO_CONTEXT, PLUGIN_REFUSED, incomplete};
use crate::cluster::Place;
use http::Uri;
use kube::config::{Context, KubeConfigOptions, Kubeconfig};
use plans::Problem;
use values::Path;

/// What was picked.
pub(super) struct Selected {
    pub(super) kubeconfig: Kubeconfig,
    pub(super) names: KubeConfigOptions,
    pub(super) place: Place,
    /// Whether the certificate of the server is not checked, as was allowed.
    pub(super) insecure: bool,
}

/// Picks what the options say, or what the kubeconfig says is current.
pub(super) fn select(merged: &Kubeconfig, options: &ClusterOptions) -> Result<Selected, Problem> {
    let mut kubeconfig = merged.clone();
    let (name, context) = context(merged, options)?;
    let wanted = options.cluster.clone().unwrap_or_else(|| context.cluster.clone());
    let known: Vec<&str> = merged.clusters.iter().map(|c| c.name.as_str()).collect();
    let entry = kubeconfig.clusters.iter_mut().find(|c| c.name == wanted);
    let Some(cluster) = entry.and_then(|c| c.cluster.as_mut()) else {
        return Err(absent("cluster", "clusters", &wanted, &name, &known));
    };
    if let Some(server) = &options.server {
        cluster.server = Some(server.clone());
    }
    let server = cluster.server.clone().filter(|s| !s.is_empty()).ok_or_else(|| {
        incomplete(format!("The cluster `{wanted}` of context `{name}` has no `server`."))
            .with_help("Write the address of its API server there. None is assumed.")
    })?;
    url(&server, &name)?;
    let insecure = cluster.insecure_skip_tls_verify == Some(true);
    if insecure && !options.allow_insecure_tls {
        return Err(not_verified(&wanted));
    }
    let user = user(merged, &name, &context, options)?;
    Ok(Selected {
        names: KubeConfigOptions { context: Some(name.clone()), cluster: Some(wanted), user },
        place: Place { name, server },
        kubeconfig,
        insecure,
    })
}

fn context(merged: &Kubeconfig, options: &ClusterOptions) -> Result<(String, Context), Problem> {
    let known: Vec<&str> = merged.contexts.iter().map(|c| c.name.as_str()).collect();
    let chosen = options.context.as_ref().or(merged.current_context.as_ref());
    let Some(name) = chosen.filter(|name| !name.is_empty()) else {
        let problem = Problem::error(
            NO_CONTEXT,
            "No context is chosen",
            Path::root(),
            format!("The kubeconfig has no `current-context`. {}", listed("contexts", &known)),
        );
        return Err(problem.with_help("Choose one with `-context=NAME`."));
    };
    let entry = merged.contexts.iter().find(|c| c.name == *name);
    let Some(context) = entry.and_then(|c| c.context.clone()) else {
        let problem = Problem::error(
            NO_CONTEXT,
            "Context does not exist",
            Path::root(),
            format!("The kubeconfig has no context `{name}`. {}", listed("contexts", &known)),
        );
        return Err(problem.with_help(meant(name, &known, "Choose one with `-context=NAME`.")));
    };
    Ok((name.clone(), context))
}

fn user(
    merged: &Kubeconfig,
    context_name: &str,
    context: &Context,
    options: &ClusterOptions,
) -> Result<Option<String>, Problem> {
    let wanted = options.user.clone().or_else(|| context.user.clone());
    let Some(wanted) = wanted.filter(|user| !user.is_empty()) else { return Ok(None) };
    let known: Vec<&str> = merged.auth_infos.iter().map(|u| u.name.as_str()).collect();
    // The client would go on as nobody, and the server would speak of missing rights.
    let Some(entry) = merged.auth_infos.iter().find(|u| u.name == wanted) else {
        return Err(absent("user", "users", &wanted, context_name, &known));
    };
    let plugin = entry.auth_info.as_ref().and_then(|info| info.exec.as_ref());
    if let (Some(plugin), ExecPlugins::Refused) = (plugin, options.exec_plugins) {
        let program = crate::text::clean(plugin.command.as_deref().unwrap_or("a program"));
        let detail = format!("The user `{wanted}` gets its credentials by running `{program}`.");
        let problem = Problem::error(
            PLUGIN_REFUSED,
            "The kubeconfig must not run programs here",
            Path::root(),
            detail,
        );
        return Err(problem.with_help("Use a kubeconfig with a token or a certificate."));
    }
    Ok(Some(wanted))
}

/// The address as a URL; without a scheme it would be a guess.
pub(super) fn url(server: &str, context: &str) -> Result<Uri, Problem> {
    let parsed = server.parse::<Uri>().ok();
    let proper =
        |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
    parsed.filter(proper).ok_or_else(|| {
        let server = crate::text::clean(server);
        incomplete(format!("The server `{server}` of context `{context}` is no address."))
            .with_help("An address looks like `https://HOST:6443`.")
    })
}

fn not_verified(cluster: &str) -> Problem {
    Problem::error(
        INSECURE,
        "The server's certificate would not be checked",
        Path::root(),
        format!(
            "The cluster `{cluster}` of the kubeconfig has `insecure-skip-tls-verify: true`. \
             Anyone on the way could pose as the server and take the credentials."
        ),
    )
    .with_help(
        "Put the cluster's authority into `certificate-authority-data` and remove that line.",
    )
}

fn absent(what: &str, list: &str, name: &str, context: &str, known: &[&str]) -> Problem {
    let name = crate::text::clean(name);
    incomplete(format!(
        "Context `{context}` names the {what} `{name}`, and the kubeconfig has none of that name. \
         {}",
        listed(list, known)
    ))
    .with_help(meant(
        &name,
        known,
        &format!("Add it to `{list}`, or choose another context."),
    ))
}

fn meant(name: &str, known: &[&str], otherwise: &str) -> String {
    match diags::did_you_mean(name, known.iter().copied()) {
        Some(meant) => format!("Did you mean `{}`?", crate::text::clean(meant)),
        None => otherwise.to_owned(),
    }
}

fn listed(what: &str, names: &[&str]) -> String {
    const SHOWN: usize = 12;
    let mut shown: Vec<String> =
        names.iter().take(SHOWN).map(|n| format!("`{}`", crate::text::clean(n))).collect();
    if names.len() > SHOWN {
        shown.push(format!("and {} more", names.len() - SHOWN));
    }
    if shown.is_empty() {
        return format!("It has no {what} at all.");
    }
    format!("Its {what}: {}.", shown.join(", "))
}
