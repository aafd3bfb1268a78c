//! A server that misbehaves: what a person reads then, and what did not happen.
//!
//! A fault never becomes an absence, a deletion, a second object or silence. Each class of faults
//! has a test here or, where it was made for a room of its own, there:
//!
//! | fault | test |
//! | --- | --- |
//! | 429 with and without `Retry-After` | `too_many_requests_are_waited_for_and_then_told` |
//! | 5xx | `answers_of_a_restarting_server_do_not_double_a_write`; `access`: `only_what_cannot_do_harm_is_sent_again` |
//! | the answer to a write is lost | `answers_of_a_restarting_server_do_not_double_a_write`; `real::crash` at every request |
//! | connection reset or refused | the same; `cluster`: `an_apply_reaches_its_goal_whichever_request_fails_and_however` |
//! | half an answer, the page of a proxy | `half_an_answer_and_a_page_of_a_proxy_are_no_empty_cluster` |
//! | a read from the past | `a_server_that_lags_behind_is_not_believed_when_it_is_about_to_write` |
//! | a watch that ends, is cut, expires, falls silent, repeats itself | `whatever_becomes_of_the_watch_the_object_is_waited_for` |
//! | 409 | `a_conflict_is_looked_at_again`; `real::pitfalls` 5; `cluster`: `a_change_by_others_to_what_is_theirs_does_not_stop_the_apply` |
//! | deleted, or made anew by somebody | casebook `failure.md`; `real::pitfalls` 11 |
//! | a webhook refuses, changes, is late or down | `a_webhook_that_is_in_the_way_is_named`, `a_webhook_that_changes_a_field_is_told_and_not_fought` |
//! | 403 on a part | `a_kind_that_may_not_be_read_is_not_deleted_and_not_created`; `real::refused` |
//! | kinds that are not discovered | `cluster`: `a_group_whose_server_is_sick_affects_only_its_own_objects` |
//! | a finalizer that stays | `cluster`: `a_finalizer_that_never_clears_is_named_and_never_stripped` |
//! | too large | `an_object_that_is_too_large_is_refused_in_the_plan`; `remote`: `a_state_of_three_mebibytes_is_cut_into_pieces_below_one` |
//! | a plan applied twice; on another cluster | `saved`: `a_plan_is_applied_once`, `a_plan_for_another_cluster_is_refused`; `real::refused`: `a_pin_on_another_cluster_stops_before_anything_is_looked_at` |
//! | no address is configured | `access`: `without_any_configuration_no_address_is_assumed` |
//! | quantities in another spelling | casebook `change.md`; `real::pitfalls` 5; `apimachinery`'s tables |
//! | fields that stay after `kubectl apply` | `real::pitfalls` 2 |
//! | a field of somebody else, taken by force | `real::others`; `cluster`: `each_conflict_names_the_field_the_manager_and_both_values` |
//! | what was approved is not what there is now | `saved`: `a_plan_whose_object_somebody_changed_meanwhile_is_stale` |
//! | a budget that blocks a drain | nodes are not drained yet |
//! | extended resources set to zero | casebook `extended_resource.md`; restarts of kubelets are not planned yet |
//! | an empty configuration | `files`: `configuration_that_is_gone_is_not_a_request_to_delete_everything` |
//! | an authority or a name that TLS does not accept | `access`: `a_certificate_that_is_wrong_is_told_by_what_is_wrong_with_it` |

use super::site::Site;
use super::stage::Stage;
use crate::support::Said;
use sandbox::{Fault, Matcher, WatchFault, Webhook};
use serde_json::json;
use std::time::Duration;

fn settings(colour: &str) -> String {
    format!(
        "resource \"namespace\" \"team\" {{\n  name = \"team\"\n}}\n\nresource \"config_map\" \"settings\" \
         {{\n  namespace = namespace.team.name\n  name      = \"settings\"\n  data      = {{ colour = \
         \"{colour}\" }}\n}}\n"
    )
}

/// A site where `colour = "blue"` is applied and `"green"` is wanted.
fn site(stage: &Stage) -> Site<'_> {
    let site = Site::new(stage, "quickstart");
    site.desk.write("main.hcl", settings("blue"));
    site.well(&["apply", "-auto-approve"]);
    site.desk.write("main.hcl", settings("green"));
    site
}

fn colour(stage: &Stage) -> String {
    let maps = kube::core::GroupVersionKind::gvk("", "v1", "ConfigMap");
    let kind = kube::core::ApiResource::from_gvk(&maps);
    let found = stage.on(|client| async move {
        let api: kube::Api<kube::api::DynamicObject> =
            kube::Api::namespaced_with(client, "team", &kind);
        api.get_opt("settings").await.unwrap()
    });
    found.map_or_else(String::new, |map| map.data["data"]["colour"].as_str().unwrap().to_owned())
}

/// An error that says this, and nothing that was concluded from not knowing.
#[track_caller]
fn is_told(said: &Said, words: &[&str]) {
    let all = said.all();
    assert_eq!(said.code, 1, "{all}");
    for word in words {
        assert!(said.err.contains(word), "does not say `{word}`: {all}");
    }
    for lie in ["No changes", "settings will be created", "settings will be destroyed"] {
        assert!(!all.contains(lie), "says `{lie}`: {all}");
    }
}

#[test]
fn too_many_requests_are_waited_for_and_then_told() {
    let stage = Stage::sandbox();
    let site = site(&stage);
    for retry_after in [None, Some(1)] {
        let busy = Fault::TooManyRequests { retry_after };
        stage.faults().times(2, Matcher::verb("get", "configmaps"), busy);
        let said = site.run(&["plan", "-detailed-exitcode"]);
        assert_eq!(said.code, 2, "{}", said.all());
    }
    let busy = Fault::TooManyRequests { retry_after: None };
    stage.faults().always(Matcher::verb("*", "configmaps"), busy);
    let words = ["Error: The server cannot answer at the moment", "answered 429", "tried"];
    is_told(&site.run(&["plan"]), &words);
}

#[test]
fn answers_of_a_restarting_server_do_not_double_a_write() {
    let unavailable = Fault::Status {
        code: 503,
        reason: "ServiceUnavailable".to_owned(),
        message: "apiserver is shutting down".to_owned(),
    };
    let faults =
        [unavailable, Fault::DropBefore, Fault::DropDuring, Fault::DropAfter, Fault::Truncated];
    for fault in faults {
        let stage = Stage::sandbox();
        let site = site(&stage);
        let write = Matcher::Write { path: "/configmaps/".to_owned() };
        stage.faults().once(write, fault.clone());
        let said = site.run(&["apply", "-auto-approve"]);
        assert_eq!(said.code, 0, "{fault:?}: {}", said.all());
        let line = "Apply complete! Resources: 0 added, 1 changed, 0 destroyed.";
        assert!(said.out.contains(line), "{fault:?}: {}", said.all());
        assert_eq!(colour(&stage), "green", "{fault:?}");
        site.is_converged();
    }
}

#[test]
fn half_an_answer_and_a_page_of_a_proxy_are_no_empty_cluster() {
    let page = Fault::Answer {
        code: 200,
        content_type: "text/html".to_owned(),
        body: "<html>Please log in</html>".to_owned(),
    };
    for fault in [page, Fault::Truncated] {
        let stage = Stage::sandbox();
        let site = site(&stage);
        stage.faults().always(Matcher::verb("*", "configmaps"), fault);
        is_told(&site.run(&["plan"]), &["Error: The server's answer cannot be understood"]);
        is_told(
            &site.run(&["destroy", "-auto-approve", "-target=config_map.settings"]),
            &["Error: The server's answer cannot be understood"],
        );
        stage.faults().clear();
        assert_eq!(colour(&stage), "blue");
    }
}

#[test]
fn a_server_that_lags_behind_is_not_believed_when_it_is_about_to_write() {
    let stage = Stage::sandbox();
    let site = site(&stage);
    let version = stage.version();
    site.well(&["apply", "-auto-approve"]);
    site.desk.write("main.hcl", settings("red"));
    // The past says `blue`, and it is `green` by now.
    stage.faults().always(Matcher::verb("get", "configmaps"), Fault::Stale { version });
    let said = site.run(&["apply", "-auto-approve"]);
    is_told(&said, &["Error: Object moved while planning", "Plan again."]);
    stage.faults().clear();
    assert_eq!(colour(&stage), "green", "nothing was written over what was not seen");
}

#[test]
fn whatever_becomes_of_the_watch_the_object_is_waited_for() {
    for fault in [
        WatchFault::Closes { after: 0 },
        WatchFault::Breaks { after: 0 },
        WatchFault::Expires { after: 0 },
        WatchFault::Bookmarks { after: 0 },
        WatchFault::FallsSilent { after: 0 },
        WatchFault::Repeats,
        WatchFault::Swaps,
    ] {
        let stage = Stage::sandbox();
        let site = Site::new(&stage, "network-policy");
        stage.faults().always(Matcher::Any, Fault::Watch(fault.clone()));
        let begun = std::time::Instant::now();
        let said = site.run(&["apply", "-auto-approve"]);
        assert_eq!(said.code, 0, "{fault:?}: {}", said.all());
        assert!(begun.elapsed() < Duration::from_secs(40), "{fault:?}: {:?}", begun.elapsed());
        let said = site.run(&["destroy", "-auto-approve"]);
        assert_eq!(said.code, 0, "{fault:?}: {}", said.all());
    }
}

#[test]
fn a_conflict_is_looked_at_again() {
    let stage = Stage::sandbox();
    let site = site(&stage);
    stage.faults().once(Matcher::Write { path: "/configmaps/".to_owned() }, Fault::Conflict);
    site.well(&["apply", "-auto-approve"]);
    assert_eq!(colour(&stage), "green");
}

#[test]
fn a_webhook_that_is_in_the_way_is_named() {
    let name = || "policy.example.com".to_owned();
    let message = "colours are chosen by the committee".to_owned();
    for (webhook, words) in [
        (
            Webhook::Refuses { name: name(), code: 403, message },
            &["policy.example.com", "colours are chosen by the committee"][..],
        ),
        (
            Webhook::IsDown { name: name() },
            &["Error: Webhook does not answer", "`policy.example.com`", "connection refused"],
        ),
        (
            Webhook::TimesOut { name: name(), after: Duration::from_millis(50) },
            &["Error: Webhook does not answer", "`policy.example.com`", "deadline exceeded"],
        ),
    ] {
        let stage = Stage::sandbox();
        let site = site(&stage);
        stage.faults().always(Matcher::verb("patch", "configmaps"), Fault::Webhook(webhook));
        let said = site.run(&["plan"]);
        is_told(&said, words);
        assert!(said.err.contains("main.hcl line 5"), "{}", said.all());
    }
}

#[test]
fn a_webhook_that_changes_a_field_is_told_and_not_fought() {
    let stage = Stage::sandbox();
    let site = site(&stage);
    let webhook = Webhook::Mutates(json!({ "data": { "colour": "grey" } }));
    stage.faults().always(Matcher::verb("patch", "configmaps"), Fault::Webhook(webhook));
    let said = site.well(&["apply", "-auto-approve"]);
    let words = "wants `green` for `data.colour`, and the server makes it `grey`";
    assert!(said.err.contains(words), "{}", said.all());
    assert_eq!(colour(&stage), "grey");
    let again = site.well(&["plan", "-detailed-exitcode"]);
    assert!(again.out.contains("\nNo changes.") && again.err.contains(words), "{}", again.all());
}

#[test]
fn a_kind_that_may_not_be_read_is_not_deleted_and_not_created() {
    let stage = Stage::sandbox();
    let site = site(&stage);
    let forbidden = Fault::Forbidden { user: "ada".to_owned() };
    stage.faults().always(Matcher::verb("*", "configmaps"), forbidden);
    let words = ["Error: The server does not allow this", "User `ada` may not get configmaps"];
    is_told(&site.run(&["plan"]), &words);
    site.desk.write("main.hcl", "resource \"namespace\" \"team\" {\n  name = \"team\"\n}\n");
    is_told(&site.run(&["apply", "-auto-approve", "-allow=destroy"]), &words);
    stage.faults().clear();
    assert_eq!(colour(&stage), "blue");
}

#[test]
fn an_object_that_is_too_large_is_refused_in_the_plan() {
    for stage in Stage::both("an object that is too large") {
        let site = Site::new(&stage, "quickstart");
        let text = "x".repeat(1_100_000);
        site.desk.write("terraform.tfvars", format!("text = \"{text}\"\n"));
        site.desk.write(
            "main.hcl",
            "variable \"text\" {}\n\nresource \"config_map\" \"large\" {\n  namespace = \
             \"default\"\n  name      = \"large\"\n  data      = { text = var.text }\n}\n",
        );
        let said = site.run(&["plan"]);
        assert_eq!(said.code, 1, "{}", said.all());
        let words = ["main.hcl line 6", "have 1100000 bytes, and the server takes 1048576"];
        assert!(words.iter().all(|w| said.err.contains(w)), "{}", said.all());
    }
}
