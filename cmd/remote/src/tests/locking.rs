//! One at a time; whoever gives no sign of life is followed, and comes too late.

use super::samples::*;
use crate::{Lock, Released, Taken};
use runner::Journal as _;
use sandbox::{Fault, Matcher};
use std::sync::Mutex;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn the_second_one_hears_who_is_at_work() {
    let stage = Stage::new();
    let _lock = stage.lock("ada").await;
    let problems = stage.room().lock(&claim("ben", 0), &|_| {}).await.map(drop).unwrap_err();
    let problem = problems.iter().next().unwrap();
    assert_eq!(problem.code.0, "E0540");
    let words = "in use by `clinch apply` of ada@desk (process 7, since 2023-11-14 22:13:20 UTC).";
    assert!(problem.detail.contains(words), "{}", problem.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_gets_it() {
    let stage = Stage::new();
    let names: Vec<String> = (0..12).map(|n| format!("user{n}")).collect();
    let room = stage.room();
    let tries = names.iter().map(|name| async {
        let claim = claim(name, 0);
        room.lock(&claim, &|_| {}).await
    });
    let locks = futures::future::join_all(tries).await;
    let held: Vec<_> = locks.into_iter().filter_map(Result::ok).collect();
    assert_eq!(held.len(), 1);
    let lease = stage.room().lease().await.unwrap().unwrap();
    assert_eq!(lease.transitions, 1, "it changed hands once");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_gets_it_when_it_is_free_and_is_told_once_for_whom() {
    let stage = Stage::new();
    let lock = stage.lock("ada").await;
    let told = Mutex::new(Vec::new());
    let (room, claim) = (stage.room(), claim("ben", 20));
    let tell = |text| told.lock().unwrap().push(text);
    let (lock, ()) = tokio::join!(room.lock(&claim, &tell), async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        drop(lock);
    });
    assert_eq!(lock.unwrap().taken, Taken::Free);
    let told = told.into_inner().unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("Waiting for the lock, which `clinch apply` of ada@desk"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_holder_is_followed_at_once_by_the_servers_clock() {
    let stage = Stage::new();
    let dead = stage.lock("ada").await.without_signs_of_life();
    let (before, _) = dead.number().unwrap();
    std::mem::forget(dead);
    stage.silence(60);
    let began = Instant::now();
    let lock = stage.lock("ben").await;
    assert!(began.elapsed() < Duration::from_secs(1));
    assert!(matches!(&lock.taken, Taken::From(words) if words.contains("ada@desk")));
    assert!(lock.number().unwrap().0 > before);
    assert_eq!(stage.room().lease().await.unwrap().unwrap().transitions, 2);
}

/// Hosts have seen the number, and do not lose it with the state.
#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_runs_grow_though_state_and_lease_are_gone_or_old() {
    let stage = Stage::with(&state(3, &["a"])).await;
    let old = stage.secrets().await["clinch-state-shop"].clone();
    let mut last = 0;
    for happened in ["nothing", "hands change at once", "state is gone", "copy is put back"] {
        match happened {
            "nothing" | "hands change at once" => {}
            "state is gone" => {
                stage.silence(60);
                stage.delete("clinch-state-shop").await;
                stage.room().forget().await.unwrap();
            }
            _ => {
                stage.silence(60);
                stage.put_back(&old).await;
                stage.room().forget().await.unwrap();
            }
        }
        let lock = stage.lock("ada").await;
        let (number, _) = lock.number().unwrap();
        assert!(number > last, "{happened}: {number} after {last}");
        last = number;
        lock.release().await;
    }
    assert!(Lock::none().number().is_none());
}

/// Half an hour behind the server, or ahead of it.
#[tokio::test(flavor = "multi_thread")]
async fn machines_whose_clocks_are_off_neither_lose_the_lock_early_nor_keep_it_for_longer() {
    for off in [1800, -1800] {
        let stage = Stage::new();
        stage.silence(off);
        let held = stage.lock("ada").await.without_signs_of_life();
        let waited = stage.room().lock(&claim("ben", 0), &|_| {}).await.map(drop);
        assert_eq!(code(waited), "E0540", "{off}");
        std::mem::forget(held);
        stage.silence(60);
        let began = Instant::now();
        let next = stage.lock("ben").await;
        assert!(began.elapsed() < Duration::from_secs(1), "{off}");
        assert!(matches!(&next.taken, Taken::From(words) if words.contains("ada@desk")), "{off}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_gives_signs_of_life_is_not_followed() {
    let stage = Stage::new();
    let lock = stage.lock("ada").await;
    let waited = stage.room().lock(&claim("ben", 10), &|_| {}).await.map(drop);
    assert_eq!(code(waited), "E0540");
    assert_eq!(lock.problem(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_writer_can_neither_write_the_state_nor_begin_a_step() {
    let stage = Stage::with(&state(3, &["a"])).await;
    let late = stage.lock("ada").await.without_signs_of_life();
    let late_store = stage.store().under(&late);
    let journal = late_store.journal().await.unwrap();
    journal.append(&started("run", 4)).await.unwrap();
    journal.append(&begin(0)).await.unwrap();
    stage.silence(60);
    // Whoever follows has only taken the lock, and changed nothing else.
    let next = stage.lock("ben").await;
    assert_eq!(code(late_store.commit(&state(4, &["late"]), true).await), "E0535");
    let store = stage.store().under(&next);
    let mine = store.journal().await.unwrap();
    let why = journal.append(&begin(1)).await.unwrap_err();
    assert!(why.contains("taken over"), "{why}");
    // The one who follows knows all of the late one's entries, and goes on behind them.
    mine.append(&started("run", 4)).await.unwrap();
    let unfinished = stage.load().await.unwrap().unfinished.unwrap();
    assert_eq!(unfinished.in_doubt().count(), 1);
    store.commit(&state(5, &["next"]), true).await.unwrap();
    assert_eq!(names(&stage.load().await.unwrap()), ["next"]);
    drop(late);
    assert!(stage.room().lease().await.unwrap().unwrap().identity.is_some(), "it is not its lock");
}

/// A machine that sleeps in the middle of a write, wherever that is, does not tidy away what
/// whoever followed has written meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_writer_does_not_remove_what_the_next_one_wrote() {
    for number in 1..=9 {
        let stage = Stage::with(&state(3, &["a"])).await;
        let late = stage.lock("ada").await.without_signs_of_life();
        let store = stage.store().under(&late);
        let faults = stage.sandbox.faults();
        let sleep = Fault::Latency(Duration::from_millis(600));
        faults.once(Matcher::Number(faults.requests() + number), sleep);
        let late_state = state(4, &["late"]);
        let ((), _late) = tokio::join!(
            async {
                tokio::time::sleep(Duration::from_millis(200)).await;
                stage.silence(60);
                let next = stage.lock("ben").await;
                let store = stage.store().under(&next);
                store.commit(&state(6, &["next"]), true).await.unwrap();
            },
            store.commit(&late_state, true)
        );
        let there = stage.load().await.unwrap_or_else(|e| panic!("asleep at {number}: {e:?}"));
        assert_eq!(names(&there), ["next"], "asleep at {number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_lease_does_not_give_an_old_number_again() {
    let stage = Stage::with(&state(3, &["a"])).await;
    let late = stage.lock("ada").await.without_signs_of_life();
    let store = stage.store().under(&late);
    store.load().await.unwrap();
    stage.room().forget().await.unwrap();
    let next = stage.lock("ada").await;
    assert!(next.grip().unwrap().1 > late.grip().unwrap().1);
    assert_eq!(code(store.commit(&state(4, &[]), true).await), "E0535");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_lock_nothing_is_written_over_what_changed_since_it_was_read() {
    let stage = Stage::with(&state(3, &["a"])).await;
    let store = stage.store();
    store.load().await.unwrap();
    store.commit(&state(4, &["b"]), true).await.unwrap();
    let other = stage.store();
    other.load().await.unwrap();
    store.commit(&state(5, &["c"]), true).await.unwrap();
    assert_eq!(code(other.commit(&state(5, &["d"]), true).await), "E0535");
    assert_eq!(names(&stage.load().await.unwrap()), ["c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_without_answers_is_lost_before_it_expires() {
    let stage = Stage::new();
    let lock = stage.lock("ada").await;
    let mut lost = lock.lost().unwrap();
    let faults = stage.sandbox.faults();
    let down = Fault::Status { code: 403, reason: "Forbidden".into(), message: "no".into() };
    faults.always(Matcher::Write { path: "/leases/".into() }, down);
    let began = Instant::now();
    lost.wait_for(Option::is_some).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(lock.problem().unwrap().code.0, "E0541");
    faults.clear();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_outage_does_not_cost_the_lock() {
    let stage = Stage::new();
    let lock = stage.lock("ada").await;
    let faults = stage.sandbox.faults();
    faults.always(Matcher::Write { path: "/leases/".into() }, Fault::DropBefore);
    tokio::time::sleep(Duration::from_millis(1800)).await;
    faults.clear();
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(lock.problem(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_living_holder_is_only_released_by_force_and_notices_it() {
    let stage = Stage::with(&state(3, &["a"])).await;
    let lock = stage.lock("ada").await;
    let store = stage.store().under(&lock);
    assert_eq!(code(stage.room().release(false).await), "E0542");
    assert!(matches!(stage.room().release(true).await.unwrap(), Released::From(_)));
    assert_eq!(code(store.commit(&state(4, &[]), true).await), "E0535");
    lock.lost().unwrap().wait_for(Option::is_some).await.unwrap();
    assert_eq!(stage.room().release(false).await.unwrap(), Released::Free);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_of_a_dead_run_is_released_without_force() {
    let stage = Stage::new();
    std::mem::forget(stage.lock("ada").await.without_signs_of_life());
    stage.silence(60);
    assert!(matches!(stage.room().release(false).await.unwrap(), Released::From(_)));
    stage.lock("ben").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_of_all_configurations_are_listed() {
    let stage = Stage::new();
    let _lock = stage.lock("ada").await;
    let other = crate::Room::new(stage.cluster(), "clinch-system", "other");
    drop(other.lock(&claim("ben", 0), &|_| {}).await.unwrap());
    let all = stage.room().all_leases().await.unwrap();
    let shown: Vec<_> = all.iter().map(|l| (l.project.as_str(), l.identity.is_some())).collect();
    assert_eq!(shown, [("other", false), ("shop", true)]);
}
