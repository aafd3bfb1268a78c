//! Pages through lists of an API server and reads the objects: what looking costs at least.
//!
//! `lists KUBECONFIG WAY PATH...`, for example `lists admin.conf at-once /api/v1/configmaps`. The
//! benchmark measures it beside a plan that reads the same lists. `at-once` reads all lists at the
//! same time in pages of a thousand objects, as the plan does; `in-turn` reads one after another in
//! pages of five hundred, as `kubectl` does ([kubectl get,
//! `--chunk-size`](https://kubernetes.io/docs/reference/kubectl/generated/kubectl_get/)). The pages
//! of a list come one after another in both; nothing is kept.

#![expect(clippy::print_stdout, reason = "its result")]

use futures::StreamExt;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{DynamicObject, ObjectList};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(kubeconfig), Some(way)) = (arguments.next(), arguments.next()) else {
        return ExitCode::FAILURE;
    };
    match read(&kubeconfig, &way, arguments.collect()).await {
        Ok((pages, objects)) => {
            println!("{pages} pages, {objects} objects");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn read(
    kubeconfig: &str,
    way: &str,
    paths: Vec<String>,
) -> Result<(usize, usize), Box<dyn std::error::Error + Send + Sync>> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    let client = kube::Client::try_from(config)?;
    let (at_once, page) = match way {
        "at-once" => (paths.len(), 1000),
        "in-turn" => (1, 500),
        other => return Err(format!("`{other}` is no way to read lists").into()),
    };
    let lists = paths.into_iter().map(|path| pages(client.clone(), path, page));
    let mut lists = futures::stream::iter(lists).buffered(at_once.max(1));
    let (mut count, mut objects) = (0, 0);
    while let Some(list) = lists.next().await {
        let (some, more) = list?;
        count += some;
        objects += more;
    }
    Ok((count, objects))
}

/// All pages of a list, one after another: how many, and their objects.
async fn pages(
    client: kube::Client,
    path: String,
    page: u32,
) -> Result<(usize, usize), kube::Error> {
    let (mut count, mut objects) = (0, 0);
    let mut token = String::new();
    loop {
        let request = http::Request::get(format!("{path}?limit={page}&continue={token}"));
        let request = request.body(Vec::new()).map_err(kube::Error::HttpError)?;
        let page: ObjectList<DynamicObject> = client.request(request).await?;
        count += 1;
        objects += page.items.len();
        match page.metadata.continue_ {
            Some(next) if !next.is_empty() => token = next,
            Some(_) | None => return Ok((count, objects)),
        }
    }
}
