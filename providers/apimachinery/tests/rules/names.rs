//! Names and labels: the server's own table, and its words.

use crate::common::Checked;
use apimachinery::names;

#[test]
fn names_agree_with_the_servers_table() {
    let tests = [
        "TestShortName",
        "TestLongName",
        "TestLabelKey",
        "TestLabelValue",
        "TestIsPathSegmentName",
        "TestExtendedResourceName",
    ];
    crate::common::score("names", &tests, 25, |row| {
        let Some(input) = crate::common::text(&row["f"]["input"]) else { return Checked::Unusable };
        let errors = match row["test"].as_str().unwrap() {
            "TestShortName" => names::dns_1123_label(&input),
            "TestLongName" => names::dns_1123_subdomain(&input),
            "TestLabelKey" => names::qualified_name(&input),
            "TestLabelValue" => names::label_value(&input),
            "TestExtendedResourceName" => names::extended_resource(&input).into_iter().collect(),
            _ => return Checked::Unusable,
        };
        let wanted = row["f"]["wantErrs"]["f"].as_object();
        if errors.is_empty() != wanted.is_none() {
            return Checked::Wrong(format!("{input:?}: {errors:?}"));
        }
        // Where the table tells the words, they are compared.
        let words = &row["f"]["wantErrs"]["f"]["_0"]["recv"]["args"][2];
        let own_words = row["test"] == "TestExtendedResourceName";
        match words.as_str().filter(|words| !words.is_empty() && !own_words) {
            Some(words) if !errors[0].starts_with(words) => {
                Checked::Wrong(format!("{input:?}: {:?} instead of {words:?}", errors[0]))
            }
            _ => Checked::Right,
        }
    });
}

#[test]
fn wrong_name_is_explained_with_the_rule_and_an_example() {
    assert_eq!(
        names::dns_1123_label("TCP"),
        [
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
        ]
    );
    assert_eq!(names::dns_1123_label("a.b"), ["must not contain dots"]);
    assert_eq!(names::dns_1123_label(&"a".repeat(64)), ["must be no more than 63 bytes"]);
    assert_eq!(names::port_number(0), ["must be between 1 and 65535, inclusive"]);
}

#[test]
fn extended_resource_needs_a_domain_of_its_own() {
    assert!(names::is_extended_resource("example.com/dongle"));
    for (name, why) in [
        ("dongle", "`dongle` has no domain: write it as `example.com/dongle`"),
        (
            "kubernetes.io/dongle",
            "`kubernetes.io/dongle` is in a domain that is reserved for Kubernetes",
        ),
        (
            "requests.example.com/dongle",
            "`requests.example.com/dongle` must not begin with `requests.`; only quotas use that prefix",
        ),
    ] {
        assert!(!names::is_extended_resource(name));
        assert_eq!(names::extended_resource(name).as_deref(), Some(why));
    }
}
