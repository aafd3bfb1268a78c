//! The certificate of no-op against a server that is running.
//!
//! It answers one question: *is there anything that the certificate calls a no-op and the
//! server does not?* Objects are written by chance, changed by others by chance, and each
//! decision is compared with a dry-run of the same intent. Where no certificate is given
//! although nothing would change, only a request is lost; that is counted, and must stay rare.

mod dice;
mod draw;
mod mutate;
mod track;

use access::{Apply, Cluster, ClusterOptions, Delete, Env, Propagation, Resource};
use dice::Dice;
use draw::{KINDS, Kind};
use futures::{StreamExt, stream};
use sandbox::Sandbox;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use track::{Comparison, Track, Truth};

/// How many comparisons are made of one object.
const STEPS: usize = 25;

/// How many objects live at the same time.
const TRACKS: usize = 16;

#[derive(Default)]
struct Counts {
    compared: usize,
    idle: usize,
    certified: usize,
    changed: usize,
    refused: usize,
}

#[derive(Default)]
struct Tally {
    all: Counts,
    kinds: BTreeMap<&'static str, Counts>,
    /// Why true no-ops were not certified.
    missed: BTreeMap<String, usize>,
    /// Everything about each false certificate.
    wrong: Vec<String>,
}

impl Tally {
    fn count(&mut self, kind: &'static str, place: &str, comparison: &Comparison) {
        let certified = comparison.proof.is_ok();
        for counts in [&mut self.all, self.kinds.entry(kind).or_default()] {
            counts.compared += 1;
            match comparison.truth {
                Truth::NoOp => {
                    counts.idle += 1;
                    counts.certified += usize::from(certified);
                }
                Truth::Change(_) => counts.changed += 1,
                Truth::Refusal(_) => counts.refused += 1,
            }
        }
        match (&comparison.proof, &comparison.truth) {
            (Ok(()), Truth::Change(_) | Truth::Refusal(_)) => {
                self.wrong.push(format!(
                    "{place}\n  intent: {}\n  live: {}\n  server: {:?}",
                    comparison.intent, comparison.live, comparison.truth
                ));
            }
            (Err(why), Truth::NoOp) => *self.missed.entry(why.clone()).or_default() += 1,
            (Ok(()), Truth::NoOp) | (Err(_), Truth::Change(_) | Truth::Refusal(_)) => {}
        }
    }

    fn print(&self, server: &str, seed: u64) {
        let Counts { compared, idle, certified, changed, refused } = self.all;
        println!(
            "ORACLE noop-live: false certificates {} of {compared}, certified {certified} of \
             {idle} true no-ops ({server}; {changed} changes, {refused} refusals; seed {seed})",
            self.wrong.len()
        );
        for (kind, counts) in &self.kinds {
            let Counts { compared, idle, certified, changed, refused } = counts;
            println!(
                "  {kind}: {compared} compared, {certified} of {idle} no-ops certified, \
                 {changed} changes, {refused} refusals"
            );
        }
        let mut missed = self.missed.iter().collect::<Vec<_>>();
        missed.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (why, count) in missed.into_iter().take(12) {
            println!("  not certified, {count} times: {why}");
        }
    }

    /// No false certificate, and no way to pass without having seen enough.
    #[track_caller]
    fn check(&self, count: usize) {
        let enough = |part: usize, percent: usize, of: usize| part * 100 > percent * of;
        assert!(self.wrong.is_empty(), "false certificates:\n{}", self.wrong.join("\n"));
        assert!(self.all.compared >= count, "only {} comparisons", self.all.compared);
        assert!(enough(self.all.idle, 25, count), "too few no-ops to certify");
        assert!(enough(self.all.certified, 60, self.all.idle), "too few certificates");
        assert!(enough(self.all.changed, 15, count), "too few changes");
        assert!(enough(self.all.refused, 3, count), "too few refusals");
        for (kind, counts) in &self.kinds {
            assert!(counts.certified > 0, "no {kind} was certified");
            assert!(counts.changed > 0, "no {kind} would have changed");
        }
    }
}

/// A number from the environment, or the usual one.
fn number(variable: &str, usual: u64) -> u64 {
    let Some(text) = std::env::var_os(variable).filter(|text| !text.is_empty()) else {
        return usual;
    };
    text.to_str().and_then(|text| text.parse().ok()).expect("a plain number")
}

/// Lives all tracks, and leaves the server as it was.
async fn compare(cluster: &Cluster, server: &str, count: usize) -> Tally {
    let seed = number("CLINCH_NOOP_SEED", 20_240_229);
    println!("noop-live: {count} comparisons on {server}, seed {seed} (CLINCH_NOOP_SEED)");
    let run = format!("clinch-noop-{}", std::process::id());
    let mut rooms = Vec::new();
    for kind in &KINDS {
        let resource = cluster.resolve(kind.api_version, kind.name).await.expect("discovery");
        let resource = resource.unwrap_or_else(|| panic!("{} is not served", kind.name));
        // Each kind apart: a quota must not meddle with the services.
        let namespace = resource.namespaced.then(|| format!("{run}-{}", resource.plural));
        rooms.push((kind, resource, namespace));
    }
    let namespaces = rooms.iter().filter_map(|(_, _, n)| n.as_deref()).collect::<Vec<_>>();
    let namespace = cluster.resolve("v1", "Namespace").await.expect("discovery").expect("served");
    for name in &namespaces {
        open(cluster, &namespace, name).await;
    }
    let lives = stream::iter(0..count.div_ceil(STEPS)).map(|number| {
        let (kind, resource, namespace) = &rooms[number % rooms.len()];
        life(cluster, kind, resource, namespace.as_deref(), format!("{run}-{number}"), seed, number)
    });
    let lives = lives.buffer_unordered(TRACKS).collect::<Vec<_>>().await;
    for name in &namespaces {
        close(cluster, &namespace, name).await;
    }
    let mut tally = Tally::default();
    for (kind, number, comparisons) in lives {
        let comparisons = comparisons.unwrap_or_else(|why| panic!("track {number}: {why}"));
        for (step, comparison) in comparisons.iter().enumerate() {
            let place = format!("{server}, seed {seed}, track {number}, step {step}");
            tally.count(kind, &place, comparison);
        }
    }
    tally.print(server, seed);
    tally
}

async fn life(
    cluster: &Cluster,
    kind: &Kind,
    resource: &Resource,
    namespace: Option<&str>,
    name: String,
    seed: u64,
    number: usize,
) -> (&'static str, usize, Result<Vec<Comparison>, String>) {
    let dice = Dice::of(seed, number);
    let track = Track { cluster, kind, resource, namespace, name, dice };
    (kind.name, number, track.run(STEPS).await)
}

async fn open(cluster: &Cluster, namespace: &Resource, name: &str) {
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let apply = Apply { object: &object, manager: "noop-live", force: false, dry_run: false };
    cluster.apply(namespace, None, name, apply).await.expect("a namespace for the objects");
}

async fn close(cluster: &Cluster, namespace: &Resource, name: &str) {
    let delete = Delete {
        uid: None,
        resource_version: None,
        propagation: Propagation::Background,
        dry_run: false,
    };
    cluster.delete(namespace, None, name, delete).await.expect("the namespace goes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_certificate_is_never_given_where_a_sandbox_would_change_something() {
    let sandbox = Sandbox::in_memory();
    let cluster = Cluster::from_client(sandbox.client(), "sandbox", "memory");
    let count = 1_000;
    compare(&cluster, "sandbox", count).await.check(count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_certificate_is_never_given_where_a_real_server_would_change_something() {
    let Some(file) = std::env::var_os("CLINCH_TEST_KUBECONFIG").filter(|file| !file.is_empty())
    else {
        println!("SKIPPED noop-live on a real server: CLINCH_TEST_KUBECONFIG is not set");
        return;
    };
    let kubeconfig = Some(PathBuf::from(file));
    let options = ClusterOptions { kubeconfig, ..ClusterOptions::new(Env::default(), "test") };
    let cluster = access::connect(options).await.expect("the kubeconfig of the test is usable");
    let count = usize::try_from(number("CLINCH_NOOP_COUNT", 5_000)).unwrap();
    compare(&cluster, "real", count).await.check(count);
}
