//! Plans as text.

use crate::recorded::{bracket, create, delete, list, map, plan, step, update};
use addrs::Scope;
use plans::{Action, Basis, Mode, Note, Origin, OutputChange, Plan, Reason};
use values::{Disruption, Path, Type, Value};
use view::{Detail, Style, human};

fn text(plan: &Plan) -> String {
    human::plan(plan, &Style::plain(), Detail::Concise)
}

fn quota(pods: &str) -> Value {
    map([
        ("name", "team-quota".into()),
        ("namespace", "team".into()),
        (
            "hard",
            map([("limits.cpu", "4".into()), ("pods", pods.into()), ("services", "5".into())]),
        ),
    ])
}

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
fn edited_quota_shows_the_old_and_the_new_value_on_one_line() {
    let plan = plan(vec![update(
        "resource_quota.team",
        "ResourceQuota team/team-quota",
        quota("10"),
        quota("20"),
    )]);
    insta::assert_snapshot!(text(&plan), @r#"
    Cluster kind-dev v1.36.2 at https://127.0.0.1:6443 (uid 3f2a9c1e), project shop

    Resource actions are indicated with the following symbols:
      ~ update in-place (current -> planned)

        ADDRESS              OBJECT                         DISRUPTION  WHY
      ~ resource_quota.team  ResourceQuota team/team-quota  none        hard.pods "10" -> "20"

    clinch will perform the following actions:

      # resource_quota.team will be updated in-place
      ~ resource "resource_quota" "team" {
            name      = "team-quota"
            namespace = "team"
          ~ hard.pods = "10" -> "20"
            # (2 unchanged attributes hidden)
        }

    Plan: 0 to add, 1 to change, 0 to destroy.
    "#);
}

fn deployment(image: &str, memory: &str, replicas: i64) -> Value {
    map([
        ("apiVersion", "apps/v1".into()),
        ("kind", "Deployment".into()),
        (
            "metadata",
            map([
                ("name", "web".into()),
                ("namespace", "shop".into()),
                ("labels", map([("app", "web".into())])),
            ]),
        ),
        (
            "spec",
            map([
                ("replicas", replicas.into()),
                ("selector", map([("matchLabels", map([("app", "web".into())]))])),
                (
                    "template",
                    map([(
                        "spec",
                        map([(
                            "containers",
                            list([
                                map([
                                    ("name", "app".into()),
                                    ("image", image.into()),
                                    ("args", list(["--log".into(), "info".into()])),
                                    (
                                        "resources",
                                        map([("limits", map([("memory", memory.into())]))]),
                                    ),
                                ]),
                                map([("name", "proxy".into()), ("image", "envoy:1".into())]),
                            ]),
                        )]),
                    )]),
                ),
            ]),
        ),
    ])
}

#[test]
fn one_image_deep_inside_an_object_is_one_line() {
    let plan = plan(vec![update(
        "object.web",
        "Deployment shop/web",
        deployment("nginx:1.25", "1Gi", 2),
        deployment("nginx:1.27", "1Gi", 2),
    )]);
    insta::assert_snapshot!(text(&plan), @r#"
    Cluster kind-dev v1.36.2 at https://127.0.0.1:6443 (uid 3f2a9c1e), project shop

    Resource actions are indicated with the following symbols:
      ~ update in-place (current -> planned)

        ADDRESS     OBJECT               DISRUPTION  WHY
      ~ object.web  Deployment shop/web  none        spec.template.spec.containers["app"].image "nginx:1.25" -> "nginx:1.27"

    clinch will perform the following actions:

      # object.web will be updated in-place
      ~ resource "object" "web" {
            metadata.name      = "web"
            metadata.namespace = "shop"
          ~ spec.template.spec.containers["app"].image = "nginx:1.25" -> "nginx:1.27"
            # (8 unchanged attributes hidden)
        }

    Plan: 0 to add, 1 to change, 0 to destroy.
    "#);
}

#[test]
fn name_stays_visible_when_only_a_label_changes() {
    let object = |label: &str| {
        map([(
            "metadata",
            map([
                ("labels", map([("app.kubernetes.io/name", label.into()), ("x", "y".into())])),
                ("name", "web".into()),
                ("namespace", "shop".into()),
            ]),
        )])
    };
    let plan = plan(vec![update("object.web", "Service shop/web", object("a"), object("b"))]);
    let text = text(&plan);
    let body: Vec<_> = text.lines().skip_while(|l| !l.contains("~ resource")).take(6).collect();
    insta::assert_snapshot!(body.join("\n"), @r#"
    ~ resource "object" "web" {
          metadata.name      = "web"
          metadata.namespace = "shop"
        ~ metadata.labels["app.kubernetes.io/name"] = "a" -> "b"
          # (1 unchanged attribute hidden)
      }
    "#);
}

#[test]
fn several_changes_open_only_the_levels_where_they_part() {
    let plan = plan(vec![update(
        "object.web",
        "Deployment shop/web",
        deployment("nginx:1.25", "1Gi", 2),
        deployment("nginx:1.27", "2Gi", 3),
    )]);
    insta::assert_snapshot!(text(&plan), @r#"
    Cluster kind-dev v1.36.2 at https://127.0.0.1:6443 (uid 3f2a9c1e), project shop

    Resource actions are indicated with the following symbols:
      ~ update in-place (current -> planned)

        ADDRESS     OBJECT               DISRUPTION  WHY
      ~ object.web  Deployment shop/web  none        replicas, image, memory

    clinch will perform the following actions:

      # object.web will be updated in-place
      ~ resource "object" "web" {
            metadata.name      = "web"
            metadata.namespace = "shop"
          ~ spec               = {
              ~ replicas = 2 -> 3
              ~ template.spec.containers["app"] = {
                  ~ image = "nginx:1.25" -> "nginx:1.27"
                  ~ resources.limits.memory = "1Gi" -> "2Gi"
                    # (2 unchanged attributes hidden)
                }
                # (2 unchanged attributes hidden)
            }
            # (2 unchanged attributes hidden)
        }

    Plan: 0 to add, 1 to change, 0 to destroy.
    "#);
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
fn notes_and_what_is_not_verified_stand_where_they_belong() {
    let mut quota =
        update("resource_quota.team", "ResourceQuota team/team-quota", quota("10"), quota("5"));
    let note = |path: &str, text: &str| Note { path: Path::of(path), text: text.into() };
    quota.notes = vec![
        note("hard.pods", "the namespace uses 8 pods already, 3 more than this allows"),
        note("", "the object carries a label of helm"),
        note("hard.services", "nobody uses services here"),
    ];
    quota.basis = Basis::Unverified("its namespace is created by this plan".into());
    insta::assert_snapshot!(text(&plan(vec![quota])), @r#"
    Cluster kind-dev v1.36.2 at https://127.0.0.1:6443 (uid 3f2a9c1e), project shop

    Resource actions are indicated with the following symbols:
      ~ update in-place (current -> planned)

        ADDRESS              OBJECT                         DISRUPTION  WHY
      ~ resource_quota.team  ResourceQuota team/team-quota  none        hard.pods "10" -> "5"

    clinch will perform the following actions:

      # resource_quota.team will be updated in-place
      # (not verified by the server: its namespace is created by this plan)
      # note: the object carries a label of helm
      # note: hard.services: nobody uses services here
      ~ resource "resource_quota" "team" {
            name      = "team-quota"
            namespace = "team"
          ~ hard.pods = "10" -> "5"
            # note: the namespace uses 8 pods already, 3 more than this allows
            # (2 unchanged attributes hidden)
        }

    Plan: 0 to add, 1 to change, 0 to destroy.
    "#);
}

#[test]
fn sensitive_and_late_values_and_moved_items_are_named_and_not_shown() {
    let secret = |s: &str| Value::from(s).into_sensitive();
    let port = |name: &str, n: i64| map([("name", name.into()), ("port", n.into())]);
    let plan = plan(vec![update(
        "object.svc",
        "Service shop/web",
        map([
            ("name", "web".into()),
            ("password", "old-live-secret".into()),
            ("ip", "10.0.0.1".into()),
            ("gone", true.into()),
            ("ports", list([port("http", 80), port("https", 443), port("dns", 53)])),
        ]),
        map([
            ("name", "web".into()),
            ("password", secret("hunter2")),
            ("ip", Value::Unknown(Type::String)),
            ("ports", list([port("dns", 53), port("http", 80), port("https", 8443)])),
            ("nested", map([("token", secret("hunter3")), ("plain", "x".into())])),
        ]),
    )]);
    insta::assert_snapshot!(text(&plan), @r#"
    Cluster kind-dev v1.36.2 at https://127.0.0.1:6443 (uid 3f2a9c1e), project shop

    Resource actions are indicated with the following symbols:
      ~ update in-place (current -> planned)

        ADDRESS     OBJECT            DISRUPTION  WHY
      ~ object.svc  Service shop/web  none        -gone, ip, +nested, password, … 2 more

    clinch will perform the following actions:

      # object.svc will be updated in-place
      ~ resource "object" "svc" {
            name     = "web"
          - gone     = true
          ~ ip       = "10.0.0.1" -> (known after apply)
          + nested   = {
              + plain = "x"
              + token = (sensitive value)
            }
          ~ password = (sensitive value) # changed
          ~ ports["dns"] # moved from position 3 to 1
          ~ ports["https"].port = 443 -> 8443
            # (2 unchanged attributes hidden)
        }

    Plan: 0 to add, 1 to change, 0 to destroy.
    "#);
}

#[test]
fn texts_with_lines_are_compared_by_line() {
    let before = ".:53 {\n    errors\n    health {\n       lameduck 5s\n    }\n    ready\n    forward . 8.8.8.8\n    cache 30\n    loop\n    reload\n}\n";
    let after =
        before.replace("forward . 8.8.8.8", "forward . 1.1.1.1 9.9.9.9").replace("    loop\n", "");
    let object =
        |text: &str| map([("name", "coredns".into()), ("data", map([("Corefile", text.into())]))]);
    let plan = plan(vec![
        update(
            "config_map.coredns",
            "ConfigMap kube-system/coredns",
            object(before),
            object(&after),
        ),
        create("config_map.small", "ConfigMap shop/small", object("a = 1\n\tb = 2 \n")),
        update(
            "config_map.tabs",
            "ConfigMap shop/tabs",
            object("all:\n\tmake\n"),
            object("all:\n    make"),
        ),
    ]);
    insta::assert_snapshot!(text(&plan));
}

#[test]
fn outputs_stand_before_the_counts() {
    let mut plan = plan(vec![create("namespace.a", "Namespace a", map([("name", "a".into())]))]);
    let output = |name: &str, before, after| OutputChange { name: name.into(), before, after };
    plan.outputs = vec![
        output("gone", Some("x".into()), None),
        output("nodes", Some(list(["w1".into()])), Some(list(["w1".into(), "w2".into()]))),
        output("password", None, Some(Value::from("hunter2").into_sensitive())),
        output("same", Some(1.into()), Some(1.into())),
        output("uid", None, Some(Value::Unknown(Type::String))),
    ];
    insta::assert_snapshot!(text(&plan), @r#"
    Cluster kind-dev v1.36.2 at https://127.0.0.1:6443 (uid 3f2a9c1e), project shop

    Resource actions are indicated with the following symbols:
      + create

        ADDRESS      OBJECT       DISRUPTION  WHY
      + namespace.a  Namespace a  none        new

    clinch will perform the following actions:

      # namespace.a will be created
      + resource "namespace" "a" {
          + name = "a"
        }

    Changes to Outputs:
      - gone     = "x"
      ~ nodes    = [
            # (1 unchanged element hidden)
          + "w2",
        ]
      + password = (sensitive value)
      + uid      = (known after apply)

    Plan: 1 to add, 0 to change, 0 to destroy.
    "#);
    plan.changes.clear();
    let only_outputs = text(&plan);
    assert!(!only_outputs.contains("Plan:"), "{only_outputs}");
    assert!(only_outputs.contains("save these new output values"), "{only_outputs}");
}

#[test]
fn drift_tells_what_the_world_did_from_what_was_not_applied() {
    let mut changed =
        update("resource_quota.team", "ResourceQuota team/team-quota", quota("99"), quota("10"));
    changed.origin = Origin::Drift;
    let mut deleted = create("namespace.gone", "Namespace gone", map([("name", "gone".into())]));
    deleted.origin = Origin::Drift;
    let pending = create("namespace.new", "Namespace new", map([("name", "new".into())]));
    let mut plan = plan(vec![changed, deleted, pending]);
    plan.mode = Mode::Drift;
    insta::assert_snapshot!(text(&plan), @r#"
    Cluster kind-dev v1.36.2 at https://127.0.0.1:6443 (uid 3f2a9c1e), project shop

    Differences are indicated with the following symbols:
      + missing
      ~ differs (current -> configured)

        ADDRESS              OBJECT                         DISRUPTION  WHY
      ~ resource_quota.team  ResourceQuota team/team-quota  none        changed outside: hard.pods "99" -> "10"
      + namespace.gone       Namespace gone                 none        deleted outside
      + namespace.new        Namespace new                  none        new

    Changed outside of clinch since the last apply:

      # resource_quota.team has changed
      ~ resource "resource_quota" "team" {
            name      = "team-quota"
            namespace = "team"
          ~ hard.pods = "99" -> "10"
            # (2 unchanged attributes hidden)
        }

      # namespace.gone has been deleted
      # (Namespace gone no longer exists; apply would create it)

    Not yet applied:

      # namespace.new will be created
      + resource "namespace" "new" {
          + name = "new"
        }

    Drift: 2 changed outside of clinch, 1 not yet applied.
    "#);
}

#[test]
fn change_made_outside_says_so_in_a_normal_plan() {
    let mut changed =
        update("resource_quota.team", "ResourceQuota team/team-quota", quota("99"), quota("10"));
    changed.origin = Origin::Drift;
    let text = text(&plan(vec![changed]));
    assert!(text.contains("  # resource_quota.team will be updated in-place\n  # (because it was changed outside of clinch)\n"), "{text}");
}

#[test]
fn nothing_to_do_says_so_in_the_words_that_tools_know() {
    let mut plan = plan(vec![plans::Change {
        action: Action::NoOp,
        ..update("namespace.a", "Namespace a", quota("1"), quota("1"))
    }]);
    insta::assert_snapshot!(text(&plan), @r#"
    Cluster kind-dev v1.36.2 at https://127.0.0.1:6443 (uid 3f2a9c1e), project shop

    No changes. Your infrastructure matches the configuration.

    clinch has compared the cluster with your configuration and found no differences, so nothing needs to be done.
    "#);
    plan.mode = Mode::Destroy;
    assert!(text(&plan).contains("\nNo changes. No objects need to be destroyed.\n"));
    plan.mode = Mode::Drift;
    assert!(
        text(&plan)
            .contains("\nNo changes. Your infrastructure still matches the configuration.\n")
    );
}

#[test]
fn plan_that_could_not_look_at_everything_never_says_no_changes() {
    let mut plan = plan(Vec::new());
    plan.complete = false;
    assert!(!text(&plan).contains("No changes"));
    assert!(text(&plan).contains("\nPlanning failed. "));
    plan.changes = vec![create("namespace.a", "Namespace a", map([("name", "a".into())]))];
    assert!(text(&plan).contains("\nPlanning failed. "));
    assert!(
        text(&plan)
            .contains("\nclinch planned the following actions, but then encountered a problem:\n")
    );
}

#[test]
fn destroying_everything_lists_objects_and_not_their_insides() {
    let mut gone = delete("resource_quota.team", "ResourceQuota team/team-quota", quota("10"));
    gone.reason = Some(Reason::Destroy);
    let mut plan = plan(vec![gone]);
    plan.mode = Mode::Destroy;
    insta::assert_snapshot!(text(&plan), @r#"
    Cluster kind-dev v1.36.2 at https://127.0.0.1:6443 (uid 3f2a9c1e), project shop

    Resource actions are indicated with the following symbols:
      - destroy

        ADDRESS              OBJECT                         DISRUPTION  WHY
      - resource_quota.team  ResourceQuota team/team-quota  none        everything is destroyed

    clinch will perform the following actions:

      # resource_quota.team will be destroyed
      - resource "resource_quota" "team" {
          - name      = "team-quota"
          - namespace = "team"
            # (1 attribute hidden)
        }

    Plan: 0 to add, 0 to change, 1 to destroy.
    "#);
}

#[test]
fn json_inside_of_a_text_is_compared_by_its_lines_and_a_long_text_where_it_differs() {
    let object = |json: &str, text: &str| {
        map([("name", "a".into()), ("json", json.into()), ("text", text.into())])
    };
    let json = |n: &str| {
        format!(
            r#"{{"rules":[{{"verbs":["get","list"]}},{{"verbs":["watch"]}}],"limit":{n},"more":[1,2]}}"#
        )
    };
    let long = |n: &str| format!("{}{n}{}", "https://example.com/".repeat(9), "?q=1&".repeat(20));
    let plan = plan(vec![update(
        "config_map.a",
        "ConfigMap a/a",
        object(&json("10"), &long("one")),
        object(&json("20"), &long("two")),
    )]);
    let text = text(&plan);
    let body: Vec<_> = text.lines().skip_while(|l| !l.contains("~ resource")).collect();
    insta::assert_snapshot!(body.join("\n"), @r#"
      ~ resource "config_map" "a" {
            name = "a"
          ~ json = <<-EOT # JSON, indented here
                # (11 unchanged lines hidden)
                      ]
                    }
                  ],
              -   "limit": 10,
              +   "limit": 20,
                  "more": [
                    1,
                    2
                # (2 unchanged lines hidden)
            EOT
          ~ text = "…com/https://example.com/one?q=1&?q=1&?q=1&?q=1&?q=1…" -> "…com/https://example.com/two?q=1&?q=1&?q=1&?q=1&?q=1…"
        }

    Plan: 0 to add, 1 to change, 0 to destroy.
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

#[test]
fn question_names_the_cluster() {
    let mut plan = plan(Vec::new());
    insta::assert_snapshot!(human::approval(&plan, &Style::plain()), @r#"
    Do you want to perform these actions?
      clinch will perform the actions described above in cluster kind-dev.
      Only 'yes' will be accepted to approve.

      Enter a value:
    "#);
    plan.mode = Mode::Destroy;
    insta::assert_snapshot!(human::approval(&plan, &Style::plain()), @r#"
    Do you really want to destroy all resources?
      clinch will destroy everything that it manages in cluster kind-dev, as shown above.
      There is no undo. Only 'yes' will be accepted to confirm.

      Enter a value:
    "#);
    insta::assert_snapshot!(human::saved("tf plan"), @r#"
    Saved the plan to: tf plan

    To perform exactly these actions, run the following command to apply:
        clinch apply "tf plan"
    "#);
}

#[test]
fn very_long_text_is_shown_in_part_and_says_so() {
    let text_of = |s: String| {
        let change = create("config_map.a", "ConfigMap a/a", map([("data", s.into())]));
        text(&plan(vec![change]))
    };
    let one_line = text_of("x".repeat(5_000));
    assert!(one_line.contains(r#"xxx" # (3000 bytes hidden)"#), "{one_line}");
    let lines = text_of("x\n".repeat(5_000));
    assert!(lines.contains("            # (4900 lines hidden)\n        EOT\n"), "{lines}");
}

#[test]
fn notes_about_arguments_find_their_place_in_an_object_of_the_api() {
    let object = |name: &str, pods: &str| {
        map([
            ("apiVersion", "v1".into()),
            ("kind", "ResourceQuota".into()),
            ("metadata", map([("name", name.into()), ("namespace", "team".into())])),
            ("spec", map([("hard", map([("pods", pods.into()), ("services", "5".into())]))])),
        ])
    };
    let mut quota =
        update("resource_quota.team", "ResourceQuota team/q", object("q", "10"), object("q", "5"));
    let text_of_note = "5 is less than the 8 that are used already".to_owned();
    quota.notes = vec![Note { path: Path::of("hard.pods"), text: text_of_note }];
    let mut renamed =
        update("resource_quota.r", "ResourceQuota team/q", object("a", "10"), object("b", "10"));
    renamed.action = Action::Replace;
    renamed.reason = Some(Reason::CannotUpdate(vec![Path::of("name"), Path::of("immutable")]));
    let text = text(&plan(vec![quota, renamed]));
    let body: Vec<_> = text.lines().skip_while(|l| !l.contains("will perform")).collect();
    insta::assert_snapshot!(body.join("\n"), @r#"
    clinch will perform the following actions:

      # resource_quota.r must be replaced
      # (because immutable cannot be updated in-place)
    -/+ resource "resource_quota" "r" {
            metadata.namespace = "team"
          ~ metadata.name = "a" -> "b" # forces replacement
            # (3 unchanged attributes hidden)
        }

      # resource_quota.team will be updated in-place
      ~ resource "resource_quota" "team" {
            metadata.name      = "q"
            metadata.namespace = "team"
          ~ spec.hard.pods = "10" -> "5"
            # note: 5 is less than the 8 that are used already
            # (3 unchanged attributes hidden)
        }

    Plan: 1 to add, 1 to change, 1 to destroy.
    "#);
}
