//! Plans as text.

mod object;
mod whole;
mod words;

use crate::recorded::{list, map};
use plans::Plan;
use values::Value;
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
