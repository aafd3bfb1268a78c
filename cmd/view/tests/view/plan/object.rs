//! What of one object is shown: the parts that change, and enough around them.

use super::{deployment, quota, text};
use crate::recorded::{create, list, map, plan, update};
use plans::{Action, Basis, Note, Reason};
use values::{Path, Type, Value};

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
