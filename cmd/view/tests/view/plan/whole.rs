//! The page as a whole: target, table, each change, counts.

use super::{deployment, quota, text};
use crate::recorded::{bracket, create, delete, list, map, plan, step, update};
use addrs::Scope;
use plans::{Action, Note, Reason};
use values::{Disruption, Path, Type, Value};
use view::{Detail, Style, human};

#[test]
fn first_plan_of_a_small_configuration() {
    let plan = plan(vec![
        create(
            "namespace.team",
            "Namespace team",
            map([
                ("name", "team".into()),
                ("labels", map([("pod-security.kubernetes.io/enforce", "baseline".into())])),
                ("annotations", Value::Null),
            ]),
        ),
        create("resource_quota.team", "ResourceQuota team/team-quota", quota("10")),
        create(
            "network_policy.team[\"deny\"]",
            "NetworkPolicy team/deny",
            map([
                ("name", "deny".into()),
                ("namespace", "team".into()),
                ("policy_types", list(["Ingress".into(), "Egress".into()])),
                (
                    "ingress",
                    list([map([
                        ("ports", list([map([("port", 443.into()), ("protocol", "TCP".into())])])),
                        ("from", list([])),
                    ])]),
                ),
                ("uid", Value::Unknown(Type::String)),
            ]),
        ),
    ]);
    insta::assert_snapshot!(text(&plan));
}

#[test]
fn dangerous_changes_stand_first_and_say_why() {
    let host = |c: plans::Change, node: &str, cost| plans::Change {
        scope: Scope::node(node),
        disruption: cost,
        ..c
    };
    let modules = |names: &[&str]| {
        map([
            ("node", "w1".into()),
            ("modules", Value::list(names.iter().map(|n| Value::from(*n)))),
        ])
    };
    let mut gone = delete(
        "config_map.settings[\"old\"]",
        "ConfigMap shop/settings-old",
        map([
            ("name", "settings-old".into()),
            ("namespace", "shop".into()),
            ("data", map([("a", "1".into())])),
        ]),
    );
    gone.reason = Some(Reason::KeyGone);
    let mut replaced = update(
        "object.job",
        "Job shop/migrate",
        map([
            ("metadata", map([("name", "migrate".into())])),
            ("spec", map([("parallelism", 1.into()), ("template", "a".into())])),
        ]),
        map([
            ("metadata", map([("name", "migrate".into())])),
            ("spec", map([("parallelism", 1.into()), ("template", "b".into())])),
        ]),
    );
    replaced.action = Action::Replace;
    replaced.reason = Some(Reason::CannotUpdate(vec![Path::of("spec.template")]));
    let mut forgotten = delete("namespace.old", "Namespace old", map([("name", "old".into())]));
    forgotten.action = Action::Forget;
    let mut plan = plan(vec![
        create("namespace.a", "Namespace a", map([("name", "a".into())])),
        gone,
        replaced,
        forgotten,
        host(
            update(
                "kernel_module_blacklist.w[\"w1\"]",
                "w1:/etc/modprobe.d/90-clinch.conf",
                modules(&["dccp", "sctp"]),
                modules(&["dccp", "rds", "tipc"]),
            ),
            "w1",
            Disruption::Drain,
        ),
    ]);
    plan.brackets = vec![bracket("w1", Disruption::Drain, &[1, 2, 3, 4])];
    plan.steps = vec![
        step(1, None, Action::NoOp, "cordon w1"),
        step(2, None, Action::NoOp, "drain w1"),
        step(
            3,
            Some("kernel_module_blacklist.w[\"w1\"]"),
            Action::Update,
            "write /etc/modprobe.d/90-clinch.conf on w1",
        ),
        step(4, None, Action::NoOp, "uncordon w1"),
    ];
    insta::assert_snapshot!(text(&plan));
}

#[test]
fn table_fits_a_narrow_screen_and_keeps_both_ends_of_an_address() {
    let plan = plan(vec![
        create(
            "module.team_with_a_long_name[\"first\"].resource_quota.limits",
            "ResourceQuota team-with-a-long-name/limits",
            map([("name", "x".into())]),
        ),
        update("resource_quota.team", "ResourceQuota team/team-quota", quota("10"), quota("20")),
    ]);
    let table = |width| {
        let style = Style { width: Some(width), ..Style::plain() };
        let text = human::plan(&plan, &style, Detail::Summary);
        let lines: Vec<_> = text.lines().skip_while(|l| !l.contains("ADDRESS")).take(3).collect();
        assert!(lines.iter().all(|l| l.chars().count() <= width), "{text}");
        lines.join("\n")
    };
    insta::assert_snapshot!([100, 72, 48, 24].map(table).join("\n\n"), @r#"
      ADDRESS                                 OBJECT                DISRUPTION  WHY
    ~ resource_quota.team                     ResourceQ…team-quota  none        hard.pods "10" -> "20"
    + module.team_with_a…source_quota.limits  ResourceQ…ame/limits  none        new

      ADDRESS                   OBJECT          DISRUPTION  WHY
    ~ resource_quota.team       Resour…m-quota  none        hard.pods "10…
    + module.team…quota.limits  Resour…/limits  none        new

      ADDRESS                   DISRUPTION
    ~ resource_quota.team       none
    + module.team…quota.limits  none

      ADDRESS
    ~ resource_quota.team
    + module.te…ota.limits
    "#);
}

#[test]
fn full_detail_shows_what_does_not_change_too() {
    let mut same = update("namespace.a", "Namespace a", quota("1"), quota("1"));
    same.action = Action::NoOp;
    same.notes = vec![Note { path: Path::root(), text: "rewritten by a webhook".into() }];
    let plan = plan(vec![
        same,
        update(
            "object.web",
            "Deployment shop/web",
            deployment("nginx:1.25", "1Gi", 2),
            deployment("nginx:1.27", "1Gi", 2),
        ),
    ]);
    let text = human::plan(&plan, &Style::plain(), Detail::Full);
    let body: Vec<_> = text.lines().skip_while(|l| !l.contains("will perform")).collect();
    insta::assert_snapshot!(body.join("\n"), @r#"
    clinch will perform the following actions:

      # object.web will be updated in-place
      ~ resource "object" "web" {
            apiVersion = "apps/v1"
            kind       = "Deployment"
            metadata   = {
                labels    = {
                    app = "web"
                }
                name      = "web"
                namespace = "shop"
            }
          ~ spec       = {
                replicas = 2
                selector = {
                    matchLabels = {
                        app = "web"
                    }
                }
              ~ template = {
                  ~ spec = {
                      ~ containers["app"] = {
                            args      = ["--log", "info"]
                          ~ image     = "nginx:1.25" -> "nginx:1.27"
                            name      = "app"
                            resources = {
                                limits = {
                                    memory = "1Gi"
                                }
                            }
                        }
                        containers["proxy"] = {
                            image = "envoy:1"
                            name  = "proxy"
                        }
                    }
                }
            }
        }

    Without changes:

      # namespace.a has no changes
      # note: rewritten by a webhook
        resource "namespace" "a" {
            hard      = {
                "limits.cpu" = "4"
                pods         = "1"
                services     = "5"
            }
            name      = "team-quota"
            namespace = "team"
        }

    Plan: 0 to add, 1 to change, 0 to destroy.
    "#);
}

fn right(verb: &str, resource: &str, by: &str) -> plans::Right {
    plans::Right {
        verb: verb.to_owned(),
        group: String::new(),
        resource: resource.to_owned(),
        namespace: Some("web".to_owned()),
        name: None,
        needed_by: vec![by.to_owned()],
        allowed: Some(false),
    }
}

#[test]
fn what_is_predicted_or_blocked_is_marked_and_counted_below_the_plan() {
    let object = |colour: &str| Value::map([("colour", Value::from(colour))]);
    let ask =
        |what: &str| plans::Basis::Predicted(format!("`ci` may not {what} in namespace `web`"));
    let at = ["config_map.a", "config_map.b", "config_map.c"];
    let mut a = update(at[0], "ConfigMap web/a", object("blue"), object("red"));
    a.basis = ask("patch configmaps");
    a.blocked = vec![plans::Guard {
        kind: plans::GuardKind::Disruption,
        why: "it costs a drain of node `w1`".to_owned(),
    }];
    let mut b = delete(at[1], "ConfigMap web/b", object("blue"));
    b.basis = ask("delete configmaps");
    b.blocked = vec![plans::Guard {
        kind: plans::GuardKind::Kept,
        why: "its annotation asks for it to be kept".to_owned(),
    }];
    let c = create(at[2], "ConfigMap web/c", object("red"));
    let mut plan = plan(vec![a, b, c]);
    plan.rights = vec![right("patch", "configmaps", at[0]), right("create", "configmaps", at[2])];
    let text = view::human::plan(&plan, &Style::plain(), Detail::Concise);
    let told: Vec<&str> = text
        .lines()
        .filter(|l| ["blocked", "Blocked", "verified", "Plan:"].iter().any(|w| l.contains(w)))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
      # (predicted locally, not verified by the server: `ci` may not delete configmaps in namespace `web`)
      # (blocked: its annotation asks for it to be kept; -allow=kept allows it)
      # (predicted locally, not verified by the server: `ci` may not patch configmaps in namespace `web`)
      # (blocked: it costs a drain of node `w1`)
      # (blocked: you may not create configmaps in namespace `web`)
    Plan: 1 to add, 1 to change, 1 to destroy.
    Not verified by the server: 2 of 3 changes (`ci` may not patch configmaps in namespace `web`, nor delete configmaps in namespace `web`).
    Blocked: 1 change must be allowed by name; 1 change costs more than can be done; 2 rights are missing. To allow it: -allow=kept
    ");
}
