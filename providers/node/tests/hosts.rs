//! What becomes of a file on a host.

use crate::support::{PATH, STRICT, answer, args, identity, kind, only_op, plan};
use access::{Expected, FolderHost, Host, Hosts, MemoryHost, WriteFile};
use node::NodeProvider;
use plans::Op;
use provider::{Observation, Settled, StepError, Wanted};
use std::sync::Arc;

fn provider(host: impl Host + 'static) -> NodeProvider {
    let host: Arc<dyn Host> = Arc::new(host);
    NodeProvider::new(Hosts::of([host]), "shop")
}

async fn observe(provider: &NodeProvider) -> Observation {
    let wanted = Wanted { ty: kind().name().clone(), identity: identity() };
    provider.observe(vec![wanted]).await.remove(0)
}

async fn planned(provider: &NodeProvider, modules: Option<&[&str]>) -> Op {
    let args = modules.map(|modules| args(modules, true));
    only_op(plan(args.as_ref(), &observe(provider).await, &[]))
}

async fn perform(provider: &NodeProvider, op: &Op) -> Result<(), StepError> {
    provider.perform(op, &|_| ()).await.map(|_| ())
}

/// Written, read back as no change, written twice, removed: in memory and in a folder.
#[tokio::test]
async fn what_is_planned_is_done_and_then_there_is_nothing_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let providers = [
        provider(MemoryHost::new("w1")),
        provider(FolderHost::new("w1", folder.path().join("w1"))),
    ];
    std::fs::create_dir(folder.path().join("w1")).unwrap();
    for provider in providers {
        let write = planned(&provider, Some(&["dccp", "sctp"])).await;
        assert_eq!(provider.settle(&write).await, Ok(Settled::NotDone));
        perform(&provider, &write).await.unwrap();
        assert!(matches!(provider.settle(&write).await, Ok(Settled::Done(_))));
        let again = plan(Some(&args(&["dccp", "sctp"], true)), &observe(&provider).await, &[]);
        assert!(answer(&again).starts_with("NoOp"), "{}", answer(&again));

        let remove = planned(&provider, None).await;
        assert_eq!(provider.settle(&remove).await, Ok(Settled::NotDone));
        perform(&provider, &remove).await.unwrap();
        assert!(matches!(provider.settle(&remove).await, Ok(Settled::Done(_))));
        let gone = plan(None, &observe(&provider).await, &[]);
        assert!(answer(&gone).starts_with("Forget"), "{}", answer(&gone));
    }
    let left: Vec<_> =
        std::fs::read_dir(folder.path().join("w1/etc/modprobe.d")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn file_that_changed_since_the_plan_stops_the_step_and_stays() {
    let host = MemoryHost::new("w1").with_file(PATH, STRICT);
    let provider = provider(host.clone());
    let write = planned(&provider, Some(&["rds"])).await;
    let remove = planned(&provider, None).await;
    let by_hand = format!("{STRICT}# by hand\n");
    let file = WriteFile::new(PATH, by_hand.as_bytes(), 0o644, Expected::Anything);
    host.write(file).await.unwrap();
    for op in [write, remove] {
        assert!(matches!(perform(&provider, &op).await, Err(StepError::Stale(_))), "{}", op.text);
        assert!(matches!(provider.settle(&op).await, Ok(Settled::Changed(_))), "{}", op.text);
    }
    assert_eq!(host.dump()[PATH], by_hand);
}

#[tokio::test]
async fn file_that_lost_our_mark_is_not_removed_even_by_a_plan_that_says_so() {
    let host = MemoryHost::new("w1").with_file(PATH, STRICT);
    let remove = planned(&provider(host.clone()), None).await;
    let bank = NodeProvider::new(Hosts::of([Arc::new(host.clone()) as Arc<dyn Host>]), "bank");
    assert!(matches!(perform(&bank, &remove).await, Err(StepError::Stale(_))));
    assert_eq!(host.dump()[PATH], STRICT);
}

#[tokio::test]
async fn unknown_node_is_an_error_that_names_the_known_ones() {
    let provider = provider(MemoryHost::new("w2"));
    let Observation::Unknown(problem) = observe(&provider).await else { panic!() };
    assert_eq!(problem.path.to_string(), "node");
    assert!(problem.detail.contains("`w1`"), "{}", problem.detail);
    assert_eq!(problem.help.as_deref(), Some("Did you mean `w2`?"));
}

#[tokio::test]
async fn folder_in_the_place_of_the_file_is_not_taken_for_absent() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join(&PATH[1..])).unwrap();
    let observed = observe(&provider(FolderHost::new("w1", folder.path()))).await;
    assert!(matches!(observed, Observation::Unknown(_)), "{observed:?}");
}

#[tokio::test]
async fn loaded_modules_are_read_from_the_kernel() {
    let host = MemoryHost::new("w1")
        .with_file("/proc/modules", "sctp 400 2 - Live 0x0\nlibcrc32c 16 1 sctp, Live 0x0\n");
    let planned = plan(Some(&args(&["sctp"], true)), &observe(&provider(host)).await, &[]);
    assert!(
        answer(&planned)
            .ends_with("`sctp` is loaded, and stays so until it is unloaded or the node reboots")
    );
}

#[tokio::test]
async fn files_with_our_mark_are_found_and_those_of_others_are_not() {
    let other = STRICT.replace("shop", "bank");
    let base = MemoryHost::new("w1")
        .with_file(PATH, STRICT)
        .with_file("/etc/modprobe.d/90-clinch-extra.conf", STRICT)
        .with_file("/etc/modprobe.d/90-clinch-bank.conf", other)
        .with_file("/etc/modprobe.d/local.conf", "blacklist pcspkr\n");
    let found = async |host: MemoryHost| {
        let found = provider(host).find("shop").await.unwrap().found;
        found.into_iter().map(|found| found.identity.shown).collect::<Vec<_>>()
    };
    let first = "w1:/etc/modprobe.d/90-clinch-modules.conf".to_owned();
    let names = found(base).await;
    assert_eq!(names, ["w1:/etc/modprobe.d/90-clinch-extra.conf".to_owned(), first]);
}
