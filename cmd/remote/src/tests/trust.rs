//! What is not as it was written is refused, and never taken for an empty state.

use super::samples::*;
use serde_json::Value as Json;

const HEAD: &str = "clinch-state-shop";

async fn head(stage: &Stage) -> Json {
    stage.secrets().await[HEAD].clone()
}

async fn piece(stage: &Stage) -> Json {
    let secrets = stage.secrets().await;
    secrets.into_iter().find(|(name, _)| name.starts_with("clinch-state-shop-")).unwrap().1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_cut_off_anywhere_is_refused() {
    let stage = Stage::with(&state(3, &["a"])).await;
    let head = head(&stage).await;
    let whole = text(&head);
    for end in (0..whole.len()).step_by(7) {
        stage.put_back(&with_text(&head, &whole.as_bytes()[..end])).await;
        assert_eq!(code(stage.load().await), "E0530", "{end} bytes");
    }
    stage.put_back(&head).await;
    stage.load().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_in_which_a_bit_is_flipped_is_refused() {
    let stage = Stage::with(&state(3, &["a"])).await;
    let head = head(&stage).await;
    let whole = text(&head);
    for at in (0..whole.len()).step_by(5) {
        let mut bytes = whole.clone().into_bytes();
        bytes[at] ^= 1;
        stage.put_back(&with_text(&head, &bytes)).await;
        assert!(stage.load().await.is_err(), "byte {at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_that_is_missing_changed_or_cut_off_is_refused() {
    let stage = Stage::with(&state(3, &["a"])).await;
    let piece = piece(&stage).await;
    let name = piece["metadata"]["name"].as_str().unwrap().to_owned();
    stage.delete(&name).await;
    let problems = stage.load().await.unwrap_err();
    let problem = problems.iter().next().unwrap();
    assert_eq!(problem.code.0, "E0530");
    assert!(problem.detail.contains(&format!("Its piece `{name}` is missing.")), "{problem:?}");
    let whole = crate::room::content(&piece).unwrap();
    for bytes in [&whole[..whole.len() - 1], &[whole.as_slice(), b"x"].concat(), b""] {
        stage.put_back(&with_text(&piece, bytes)).await;
        assert_eq!(code(stage.load().await), "E0530");
    }
    stage.put_back(&piece).await;
    stage.load().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_a_newer_version_is_refused_and_not_touched() {
    let stage = Stage::with(&state(3, &["a"])).await;
    let head = head(&stage).await;
    let newer = text(&head).replace("\"version\":1,\"clinch\":\"", "\"version\":2,\"clinch\":\"9");
    stage.put_back(&with_text(&head, newer.as_bytes())).await;
    assert_eq!(code(stage.load().await), "E0531");
    let locked = stage.room().lock(&claim("ada", 0), &|_| {}).await.map(drop);
    assert_eq!(code(locked), "E0531");
    assert_eq!(text(&self::head(&stage).await), newer);
    assert_eq!(stage.room().lease().await.unwrap().unwrap().identity, None, "the lock is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_another_configuration_is_refused() {
    let stage = Stage::with(&state(3, &["a"])).await;
    let mut head = schemas::head::read(text(&head(&stage).await).as_bytes()).unwrap();
    "other".clone_into(&mut head.project);
    let text = schemas::head::write(&head).unwrap();
    stage.put_back(&with_text(&self::head(&stage).await, text.as_bytes())).await;
    assert_eq!(code(stage.load().await), "E0532");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_state_that_was_put_back_is_recognised_and_can_be_rebuilt() {
    let stage = Stage::with(&state(3, &["a"])).await;
    let (head, piece) = (head(&stage).await, piece(&stage).await);
    {
        let lock = stage.lock("ada").await;
        stage.store().under(&lock).commit(&state(4, &["a", "b"]), true).await.unwrap();
    }
    stage.put_back(&head).await;
    stage.put_back(&piece).await;
    assert_eq!(code(stage.load().await), "E0533");
    let rebuilt = stage.store().for_rebuild().load().await.unwrap().state.unwrap();
    assert_eq!((rebuilt.serial, rebuilt.records.len()), (4, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_state_in_the_place_of_one_is_recognised() {
    let stage = Stage::with(&state(3, &["a"])).await;
    let (mut head, object) = {
        let object = head(&stage).await;
        (schemas::head::read(text(&object).as_bytes()).unwrap(), object)
    };
    "stranger".clone_into(&mut head.lineage);
    let text = schemas::head::write(&head).unwrap();
    stage.put_back(&with_text(&object, text.as_bytes())).await;
    assert_eq!(code(stage.load().await), "E0532");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_gone_is_no_new_one_and_its_serial_goes_on() {
    let stage = Stage::with(&state(3, &["a"])).await;
    stage.delete(HEAD).await;
    assert_eq!(code(stage.load().await), "E0534");
    let lock = stage.lock("ada").await;
    assert_eq!(code(stage.load().await), "E0534", "also when somebody has locked it");
    let store = stage.store().under(&lock).for_rebuild();
    let mut begun = store.load().await.unwrap().state.unwrap();
    assert_eq!((begun.serial, begun.lineage.as_str(), begun.records.len()), (3, "line", 0));
    begun.serial += 1;
    store.commit(&begun, true).await.unwrap();
    assert_eq!(stage.load().await.unwrap().state.unwrap().serial, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_with_a_changed_or_missing_piece_is_refused() {
    let stage = Stage::with(&state(3, &["a"])).await;
    let lock = stage.lock("ada").await;
    append(&stage.store().under(&lock), &[started("run", 4), begin(0)]).await.unwrap();
    let secrets = stage.secrets().await;
    let (name, page) = secrets.iter().find(|(name, _)| name.contains("journal")).unwrap();
    let lines = text(page);
    stage.put_back(&with_text(page, lines.replace("ada@desk", "eve@desk").as_bytes())).await;
    assert_eq!(code(stage.load().await), "E0536");
    stage.put_back(&with_text(page, &lines.as_bytes()[..lines.len() - 1])).await;
    assert_eq!(code(stage.load().await), "E0536");
    stage.delete(name).await;
    assert_eq!(code(stage.load().await), "E0536");
}
