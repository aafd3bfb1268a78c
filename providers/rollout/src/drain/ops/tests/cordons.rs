//! Taking a node out of service and bringing it back.

use super::*;
use access::Cluster;
use access::scripted::{Reply, Server};
use std::sync::{Arc, Mutex};

/// A server that has one node and applies patches to it.
struct Ground {
    server: Server,
    node: Arc<Mutex<Json>>,
}

impl Ground {
    fn new(node: Json) -> Self {
        Self::answering(node, |_| None)
    }

    /// The same; `instead` may answer a patch by its number.
    fn answering(node: Json, instead: impl Fn(usize) -> Option<Reply> + Send + 'static) -> Self {
        let node = Arc::new(Mutex::new(node));
        let (shared, mut patches) = (node.clone(), 0);
        let server = Server::new(move |seen| {
            let mut node = shared.lock().unwrap();
            if node.is_null() {
                return Reply::not_found("w1");
            }
            if seen.method == "PATCH" {
                patches += 1;
                if let Some(reply) = instead(patches) {
                    return reply;
                }
                patch(&mut node, &seen.json());
            }
            Reply::json(node.clone())
        });
        Self { server, node }
    }

    fn cluster(&self) -> Cluster {
        self.server.cluster()
    }

    /// How the node stands: whether it is cordoned, and what is said of it.
    fn stands(&self) -> (bool, String) {
        let node = self.node.lock().unwrap();
        let said = node["metadata"]["annotations"]["clinch/cordoned"].as_str();
        (node["spec"]["unschedulable"] == true, said.unwrap_or_default().to_owned())
    }

    fn patches(&self) -> usize {
        self.server.seen().iter().filter(|seen| seen.method == "PATCH").count()
    }
}

/// As a server applies a JSON patch, as far as these are.
fn patch(node: &mut Json, operations: &Json) {
    for one in operations.as_array().unwrap() {
        let path = one["path"].as_str().unwrap();
        let (parent, name) = path.rsplit_once('/').unwrap();
        let name = name.replace("~1", "/");
        match one["op"].as_str().unwrap() {
            "test" => assert_eq!(node.pointer(path), Some(&one["value"])),
            "add" => node.pointer_mut(parent).unwrap()[name] = one["value"].clone(),
            "remove" => {
                let parent = node.pointer_mut(parent).unwrap().as_object_mut().unwrap();
                assert!(parent.remove(&name).is_some(), "{path}");
            }
            other => panic!("no such operation: {other}"),
        }
    }
}

fn cordoned(said: Option<&str>) -> Json {
    let mut cordoned = node("w1");
    cordoned["spec"]["unschedulable"] = true.into();
    if let Some(said) = said {
        cordoned["metadata"]["annotations"] = json!({"clinch/cordoned": said});
    }
    cordoned
}

fn cordon() -> Cordon {
    Cordon { node: "w1".to_owned(), uid: Some("uid-w1".to_owned()), holder: ours() }
}

fn uncordon() -> Uncordon {
    Uncordon { node: "w1".to_owned(), uid: Some("uid-w1".to_owned()), holder: ours() }
}

const OURS: &str = "v1 shop 4f2a";

#[tokio::test]
async fn p18_a_cordon_says_whose_it_is_and_is_taken_away_again() {
    let ground = Ground::new(node("w1"));
    assert_eq!(cordon().settle(&ground.cluster()).await.unwrap(), None);
    for _ in 0..2 {
        let whose = cordon().perform(&ground.cluster(), &|_| {}).await.unwrap();
        assert_eq!(whose, Whose::Plan(ours()));
        assert_eq!(ground.stands(), (true, OURS.to_owned()));
    }
    assert_eq!(ground.patches(), 1, "what is done is not done again");
    assert_eq!(cordon().settle(&ground.cluster()).await.unwrap(), Some(Whose::Plan(ours())));
    assert_eq!(uncordon().settle(&ground.cluster()).await.unwrap(), None);
    for _ in 0..2 {
        let done = uncordon().perform(&ground.cluster(), &|_| {}).await.unwrap();
        assert_eq!(done, Uncordoned::Open);
        assert_eq!(ground.stands(), (false, String::new()));
    }
    assert_eq!(ground.patches(), 2);
    assert_eq!(uncordon().settle(&ground.cluster()).await.unwrap(), Some(Uncordoned::Open));
}

#[tokio::test]
async fn p19_a_cordon_of_somebody_else_stays() {
    for said in [None, Some("v9 of the future")] {
        let ground = Ground::new(cordoned(said));
        let whose = cordon().perform(&ground.cluster(), &|_| {}).await.unwrap();
        assert_eq!(whose, Whose::Other);
        let done = uncordon().perform(&ground.cluster(), &|_| {}).await.unwrap();
        assert_eq!(done, Uncordoned::Left);
        assert_eq!(ground.patches(), 0);
        assert_eq!(cordon().settle(&ground.cluster()).await.unwrap(), Some(Whose::Other));
        assert_eq!(uncordon().settle(&ground.cluster()).await.unwrap(), Some(Uncordoned::Left));
    }
}

#[tokio::test]
async fn p18_a_cordon_that_an_earlier_plan_left_is_taken_over() {
    let ground = Ground::new(cordoned(Some("v1 shop 0000")));
    let done = uncordon().perform(&ground.cluster(), &|_| {}).await.unwrap();
    assert_eq!(done, Uncordoned::Left, "it is not this plan's yet");
    cordon().perform(&ground.cluster(), &|_| {}).await.unwrap();
    assert_eq!(ground.stands(), (true, OURS.to_owned()));
}

#[tokio::test]
async fn p20_a_node_that_another_project_has_in_hand_is_refused() {
    let ground = Ground::new(cordoned(Some("v1 bank 0000")));
    let error = cordon().perform(&ground.cluster(), &|_| {}).await.unwrap_err();
    insta::assert_snapshot!(told(&error), @r"
    E0889: Node is out of service already
    Node `w1` was cordoned by plan 0000 of project `bank`, which may be at work on it.
    -> Wait until that has finished. If nothing runs there any more:
      kubectl uncordon w1
    ");
    assert_eq!(ground.patches(), 0);
}

#[tokio::test]
async fn what_is_left_of_a_cordon_that_a_person_took_away_is_removed() {
    let mut node = cordoned(Some(OURS));
    node["spec"] = json!({});
    let ground = Ground::new(node);
    let done = uncordon().perform(&ground.cluster(), &|_| {}).await.unwrap();
    assert_eq!((done, ground.stands()), (Uncordoned::Open, (false, String::new())));
}

#[tokio::test]
async fn a_node_that_moves_meanwhile_is_looked_at_again() {
    let stale = |patch: usize| {
        (patch < 3).then(|| Reply::refusal(422, "Invalid", "the server rejected our request"))
    };
    let ground = Ground::answering(node("w1"), stale);
    cordon().perform(&ground.cluster(), &|_| {}).await.unwrap();
    assert_eq!((ground.patches(), ground.stands().0), (3, true));
    let ground = Ground::answering(node("w1"), |_| Some(Reply::refusal(409, "Conflict", "moved")));
    let error = cordon().perform(&ground.cluster(), &|_| {}).await.unwrap_err();
    assert!(matches!(error, StepError::Refused(_)) && ground.patches() == 5, "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_patch_whose_answer_is_lost_is_looked_at_and_not_guessed() {
    let ground = Ground::answering(node("w1"), |patch| (patch == 1).then(Reply::reset));
    cordon().perform(&ground.cluster(), &|_| {}).await.unwrap();
    assert_eq!(ground.stands(), (true, OURS.to_owned()));
    let ground = Ground::answering(node("w1"), |_| Some(Reply::reset()));
    let error = cordon().perform(&ground.cluster(), &|_| {}).await.unwrap_err();
    assert!(matches!(error, StepError::InDoubt(_)), "{error:?}");
}

#[tokio::test]
async fn r6_a_node_that_is_gone_or_another_one_is_not_touched() {
    let mut other = node("w1");
    other["metadata"]["uid"] = "another".into();
    for node in [Json::Null, other] {
        let ground = Ground::new(node);
        let error = cordon().perform(&ground.cluster(), &|_| {}).await.unwrap_err();
        assert!(matches!(error, StepError::Stale(_)), "{error:?}");
        let done = uncordon().perform(&ground.cluster(), &|_| {}).await.unwrap();
        assert_eq!((done, ground.patches()), (Uncordoned::Gone, 0));
        assert_eq!(uncordon().settle(&ground.cluster()).await.unwrap(), Some(Uncordoned::Gone));
    }
}

#[tokio::test]
async fn a_refusal_is_told_and_nothing_is_tried_again() {
    let forbidden = "nodes \"w1\" is forbidden: User \"jane\" cannot patch resource \"nodes\"";
    let reply = Reply::refusal(403, "Forbidden", forbidden);
    let ground = Ground::answering(node("w1"), move |_| Some(reply.clone()));
    let error = cordon().perform(&ground.cluster(), &|_| {}).await.unwrap_err();
    assert!(told(&error).contains("User `jane` may not patch nodes"), "{}", told(&error));
    assert_eq!(ground.patches(), 1);
}

#[tokio::test]
async fn a_cordon_that_could_not_be_recognised_is_not_made() {
    for (project, plan) in [("my shop", "1"), ("", "1"), ("shop", ""), ("shop", "1\n2")] {
        let ground = Ground::new(node("w1"));
        let holder = Holder { project: project.to_owned(), plan: plan.to_owned() };
        let cordon = Cordon { holder, ..cordon() };
        let error = cordon.perform(&ground.cluster(), &|_| {}).await.unwrap_err();
        assert!(told(&error).starts_with("E0889: Node cannot say"), "{}", told(&error));
        assert_eq!(ground.patches(), 0);
    }
}
