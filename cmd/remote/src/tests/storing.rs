//! What was written is read back, whatever dies in between.

use super::samples::*;
use crate::Store;
use crate::room::PART;
use sandbox::{Fault, Matcher};
use states::State;

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_never_had_a_state_has_none_and_is_not_changed_by_looking() {
    let stage = Stage::new();
    let loaded = stage.load().await.unwrap();
    assert_eq!((loaded.state, loaded.unfinished, loaded.left), (None, None, None));
    assert!(stage.secrets().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_read_back_by_everybody() {
    let stage = Stage::with(&state(3, &["a", "b"])).await;
    assert_eq!(stage.load().await.unwrap().state, Some(state(3, &["a", "b"])));
    assert_eq!(stage.names().await, ["clinch-state-shop", "clinch-state-shop-3-0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pieces_of_an_older_state_go_when_the_new_one_is_there() {
    let stage = Stage::with(&state(3, &["a"])).await;
    let lock = stage.lock("ada").await;
    stage.store().under(&lock).commit(&state(4, &["a"]), true).await.unwrap();
    assert_eq!(stage.names().await, ["clinch-state-shop", "clinch-state-shop-4-0"]);
}

/// A state whose text cannot be pressed much: of digests, as real ones are.
fn large() -> State {
    let mut state = state(1, &[]);
    for number in 0..16_000 {
        let name = format!("n{number}");
        let digest = access::digest(name.as_bytes());
        state.records.insert(addr(&name), record(&name, &format!("{digest}{digest:.40}")));
    }
    state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_three_mebibytes_is_cut_into_pieces_below_one() {
    let large = large();
    let text = schemas::state::write(&large).unwrap();
    assert!(text.len() > 3 << 20, "{} bytes", text.len());
    let stage = Stage::with(&large).await;
    let secrets = stage.secrets().await;
    let pieces: Vec<_> =
        secrets.values().filter(|s| s["metadata"]["labels"][PART] == "state").collect();
    assert!(pieces.len() > 1, "{} pieces", pieces.len());
    for piece in &pieces {
        assert!(piece.to_string().len() < 1 << 20);
        assert_eq!(piece["immutable"], true);
        assert_eq!(piece["type"], "clinch.dev/state");
    }
    assert_eq!(stage.load().await.unwrap().state, Some(large));
}

/// Every request of a write fails once, before it was done and after it: there is always the old
/// state or the new one, and the next write ends with the new one alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_request_of_a_write_leaves_the_old_state_or_the_new_one() {
    let (old, new) = (state(3, &["a"]), state(4, &["a", "b"]));
    let (mut seen_old, mut seen_new) = (0, 0);
    for number in 1.. {
        let stage = Stage::with(&old).await;
        let lock = stage.lock("ada").await;
        let faults = stage.sandbox.faults();
        let struck = faults.requests() + number;
        // From there on nothing arrives any more.
        let gone = Fault::Latency(std::time::Duration::from_hours(1));
        for later in 0..64 {
            faults.once(Matcher::Number(struck + later), gone.clone());
        }
        let store = stage.store().under(&lock);
        let mut writing = Box::pin(store.commit(&new, true));
        let deadline = std::time::Duration::from_millis(100);
        let ended = tokio::time::timeout(deadline, &mut writing).await.is_ok();
        drop(writing);
        faults.clear();
        std::mem::forget(lock);
        let loaded = stage.load().await.unwrap().state.unwrap();
        assert!(loaded == old || loaded == new, "request {number}");
        seen_old += usize::from(loaded == old);
        seen_new += usize::from(loaded == new);
        if ended {
            break;
        }
        stage.silence(60);
        let lock = stage.lock("ben").await;
        stage.store().under(&lock).commit(&state(5, &["c"]), true).await.unwrap();
        assert_eq!(stage.names().await, ["clinch-state-shop", "clinch-state-shop-5-0"]);
    }
    assert!(seen_old >= 2 && seen_new >= 2, "{seen_old} and {seen_new}");
}

/// Every request of a beginning is the last one that arrives, once: the next one can begin.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_request_of_a_beginning_leaves_what_the_next_one_can_begin_with() {
    let old = state(3, &["a"]);
    for number in 1.. {
        let stage = Stage::with(&old).await;
        let lock = stage.lock("ada").await;
        let faults = stage.sandbox.faults();
        let gone = Fault::Latency(std::time::Duration::from_hours(1));
        for later in 0..64 {
            faults.once(Matcher::Number(faults.requests() + number + later), gone.clone());
        }
        let store = stage.store().under(&lock);
        let entries = [started("one", 4)];
        let mut beginning = Box::pin(append(&store, &entries));
        let deadline = std::time::Duration::from_millis(100);
        let ended = tokio::time::timeout(deadline, &mut beginning).await.is_ok();
        drop(beginning);
        faults.clear();
        std::mem::forget(lock);
        stage.load().await.unwrap_or_else(|e| panic!("request {number}: {e:?}"));
        if ended {
            break;
        }
        stage.silence(60);
        let lock = stage.lock("ben").await;
        let store = stage.store().under(&lock);
        append(&store, &[started("two", 4)]).await.unwrap();
        drop(store);
        let store = stage.store().under(&lock);
        store.commit(&state(5, &["c"]), true).await.unwrap();
        assert_eq!(stage.names().await, ["clinch-state-shop", "clinch-state-shop-5-0"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_is_not_taken_for_a_refusal() {
    for nth in 1..=8 {
        let stage = Stage::with(&state(3, &["a"])).await;
        let lock = stage.lock("ada").await;
        let faults = stage.sandbox.faults();
        let store = stage.store().under(&lock);
        faults.once(Matcher::Number(faults.requests() + nth), Fault::DropAfter);
        store.commit(&state(4, &["b"]), true).await.unwrap();
        assert_eq!(stage.load().await.unwrap().state, Some(state(4, &["b"])), "{nth}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_not_finished_is_known_to_everybody_with_its_plan() {
    let stage = Stage::with(&state(3, &["a"])).await;
    let lock = stage.lock("ada").await;
    let store = stage.store().under(&lock);
    store.keep("run", &saved("plan")).await.unwrap();
    append(&store, &[started("run", 4), begin(0), done(0, "b"), begin(1)]).await.unwrap();
    let loaded = stage.load().await.unwrap();
    assert_eq!(names(&loaded), ["a", "b"]);
    let unfinished = loaded.unfinished.unwrap();
    assert_eq!(unfinished.run, "run");
    assert_eq!(unfinished.in_doubt().count(), 1);
    assert_eq!(stage.store().kept("run").await.unwrap(), saved("plan"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_run_puts_journal_and_plan_away_with_the_state() {
    let stage = Stage::new();
    let lock = stage.lock("ada").await;
    let store = stage.store().under(&lock);
    store.keep("run", &saved("plan")).await.unwrap();
    append(&store, &[started("run", 1), begin(0), done(0, "b"), finished("run")]).await.unwrap();
    let left = stage.load().await.unwrap();
    assert_eq!((left.unfinished, left.left.as_deref()), (None, Some("run")));
    store.commit(&left.state.unwrap(), true).await.unwrap();
    let loaded = stage.load().await.unwrap();
    assert_eq!((names(&loaded), loaded.left), (vec!["b".to_owned()], None));
    assert_eq!(stage.names().await, ["clinch-state-shop", "clinch-state-shop-1-0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_journal_goes_on_in_the_next_piece() {
    let stage = Stage::new();
    let lock = stage.lock("ada").await;
    let store = stage.store().under(&lock);
    let mut entries = vec![started("run", 1)];
    for step in 0..300 {
        entries.extend([begin(step), done(step, &format!("n{step}"))]);
    }
    append(&store, &entries).await.unwrap();
    let journals = stage.names().await.iter().filter(|n| n.contains("journal")).count();
    assert!(journals > 1, "{journals}");
    let loaded = stage.load().await.unwrap();
    assert_eq!(loaded.unfinished.as_ref().unwrap().done().count(), 300);
    assert_eq!(names(&loaded).len(), 300);
    drop(lock);
    // Whoever resumes goes on at its end.
    let lock = stage.lock("ben").await;
    let store = Store::new(stage.room()).under(&lock);
    append(&store, &[started("run", 1), begin(300), done(300, "last")]).await.unwrap();
    assert_eq!(stage.load().await.unwrap().unfinished.unwrap().done().count(), 301);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_come_at_once_are_kept_in_the_order_of_the_calls() {
    use runner::Journal as _;
    let stage = Stage::new();
    let lock = stage.lock("ada").await;
    let store = stage.store().under(&lock);
    let journal = store.journal().await.unwrap();
    let entries: Vec<_> = std::iter::once(started("run", 1)).chain((0..50).map(begin)).collect();
    let before = stage.sandbox.faults().requests();
    let all = futures::future::join_all(entries.iter().map(|entry| journal.append(entry))).await;
    assert!(all.iter().all(Result::is_ok));
    let requests = stage.sandbox.faults().requests() - before;
    assert!(requests < 20, "{requests} requests for 51 entries");
    assert_eq!(stage.load().await.unwrap().unfinished.unwrap().in_doubt().count(), 50);
}
