//! Pages through lists of an API server and reads the objects: what looking costs at least.
//!
//! `lists KUBECONFIG PATH...`, for example `lists admin.conf /api/v1/configmaps`. The benchmark
//! measures it beside a plan that reads the same lists. All lists are read at once, the pages of
//! each one after another, as `kube` reads any list; nothing is kept.

#![expect(clippy::print_stdout, reason = "its result")]

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{DynamicObject, ObjectList};
use std::process::ExitCode;

const PAGE: u32 = 1000;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(kubeconfig) = arguments.next() else { return ExitCode::FAILURE };
    match read(&kubeconfig, arguments.collect()).await {
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
    paths: Vec<String>,
) -> Result<(usize, usize), Box<dyn std::error::Error + Send + Sync>> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    let client = kube::Client::try_from(config)?;
    let lists = paths.into_iter().map(|path| pages(client.clone(), path));
    let (mut count, mut objects) = (0, 0);
    for list in futures::future::join_all(lists).await {
        let (some, more) = list?;
        count += some;
        objects += more;
    }
    Ok((count, objects))
}

/// All pages of a list, one after another: how many, and their objects.
async fn pages(client: kube::Client, path: String) -> Result<(usize, usize), kube::Error> {
    let (mut count, mut objects) = (0, 0);
    let mut token = String::new();
    loop {
        let request = http::Request::get(format!("{path}?limit={PAGE}&continue={token}"));
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
