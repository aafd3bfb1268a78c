//! Pages through lists of an API server and does nothing else: what reading costs at least.
//!
//! `lists KUBECONFIG PATH...`, for example `lists admin.conf /api/v1/configmaps`. The benchmark
//! measures it beside a plan that reads the same lists.

#![expect(clippy::print_stdout, reason = "its result")]

use kube::config::{KubeConfigOptions, Kubeconfig};
use std::process::ExitCode;

const PAGE: u32 = 1000;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(kubeconfig) = arguments.next() else { return ExitCode::FAILURE };
    match read(&kubeconfig, arguments.collect()).await {
        Ok((pages, bytes)) => {
            println!("{pages} pages, {bytes} bytes");
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
    let (mut count, mut bytes) = (0, 0);
    for list in futures::future::join_all(lists).await {
        let (some, more) = list?;
        count += some;
        bytes += more;
    }
    Ok((count, bytes))
}

/// All pages of a list, one after another: how many, and their bytes.
async fn pages(client: kube::Client, path: String) -> Result<(usize, usize), kube::Error> {
    let (mut count, mut bytes) = (0, 0);
    let mut token = String::new();
    loop {
        let request = http::Request::get(format!("{path}?limit={PAGE}&continue={token}"));
        let request = request.body(Vec::new()).map_err(kube::Error::HttpError)?;
        let text = client.request_text(request).await?;
        count += 1;
        bytes += text.len();
        // The token stands at the head of a list, and only there.
        let head = text.get(..2000.min(text.len())).unwrap_or(&text);
        let next = head.split_once("\"continue\":\"").and_then(|(_, rest)| rest.split_once('"'));
        match next {
            Some((next, _)) if !next.is_empty() => next.clone_into(&mut token),
            _ => return Ok((count, bytes)),
        }
    }
}
