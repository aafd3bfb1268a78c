//! Selectors: the server's own tables, and what matches.

use std::collections::BTreeMap;

use crate::common::Checked;
use apimachinery::selector::{FieldSelector, LabelSelector};
use serde_json::json;

#[test]
fn label_selectors_agree_with_the_servers_table() {
    crate::common::score("label-selectors", &["TestSetSelectorParser"], 20, |row| {
        let (Some(input), Some(valid)) = (row["f"]["In"].as_str(), row["f"]["Valid"].as_bool())
        else {
            return Checked::Unusable;
        };
        match (LabelSelector::parse(input), valid) {
            (Ok(_), true) | (Err(_), false) => Checked::Right,
            (got, _) => Checked::Wrong(format!("{input:?}: {got:?}")),
        }
    });
}

#[test]
fn sets_of_labels_written_as_selectors_match_themselves() {
    crate::common::score("label-sets", &["TestLabelSelectorParse"], 4, |row| {
        let (Some(text), Some(true)) = (row["f"]["selector"].as_str(), row["f"]["valid"].as_bool())
        else {
            return Checked::Unusable;
        };
        let labels: BTreeMap<String, String> =
            serde_json::from_value(row["f"]["labels"]["v"].clone()).unwrap();
        match LabelSelector::parse(text) {
            Ok(selector) if selector.matches(&labels) => Checked::Right,
            got => Checked::Wrong(format!("{text:?}: {got:?}")),
        }
    });
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn each_operator_matches_what_it_says() {
    #[track_caller]
    fn check(selector: &str, pairs: &[(&str, &str)], want: bool) {
        let selector = LabelSelector::parse(selector).unwrap();
        assert_eq!(selector.matches(&labels(pairs)), want, "{selector} on {pairs:?}");
    }
    check("", &[], true);
    check("a=1", &[("a", "1")], true);
    check("a=1", &[("a", "2")], false);
    check("a!=1", &[], true);
    check("a in (1,2)", &[("a", "2")], true);
    check("a notin (1,2)", &[], true);
    check("a", &[("a", "")], true);
    check("!a", &[("a", "")], false);
    check("a>3", &[("a", "4")], true);
    check("a>3", &[("a", "x")], false);
    check("a=1,b=2", &[("a", "1")], false);
}

#[test]
fn selector_of_an_object_takes_labels_and_expressions_together() {
    let object = json!({
        "matchLabels": {"app": "web"},
        "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["db"]}],
    });
    let selector = LabelSelector::from_object(&object).unwrap();
    assert!(selector.matches(&labels(&[("app", "web")])), "a missing label is not in any list");
    assert!(!selector.matches(&labels(&[("app", "web"), ("tier", "db")])));
    let empty = json!({"matchExpressions": [{"key": "a", "operator": "In", "values": []}]});
    assert!(LabelSelector::from_object(&empty).is_err());
}

#[test]
fn field_selector_compares_whole_values() {
    let selector = FieldSelector::parse("metadata.name=web,status.phase!=Failed").unwrap();
    let matches = |phase: &'static str| {
        selector.matches(|field| if field == "metadata.name" { "web" } else { phase })
    };
    assert!(matches("Running"));
    assert!(!matches("Failed"));
    let escaped = FieldSelector::parse(r"a=b\,c").unwrap();
    assert_eq!(escaped.requirements[0].value, "b,c");
    assert_eq!(
        FieldSelector::parse("nonsense").unwrap_err().to_string(),
        "invalid selector: 'nonsense'; can't understand 'nonsense'"
    );
}
