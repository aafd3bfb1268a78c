//! Which blocks there are, how many labels they have and which of their arguments name something:
//! in JSON nothing else tells a block from an argument.
//!
//! What stands in a block of a resource type is an argument here: its type knows how to read
//! lists of objects as blocks.

/// What is known of a block.
pub(super) struct Form {
    pub(super) labels: usize,
    /// Nested blocks.
    pub(super) blocks: Forms,
    /// Arguments whose texts hold references or types.
    pub(super) names: &'static [&'static str],
}

pub(super) type Forms = &'static [(&'static str, &'static Form)];

pub(super) fn find(forms: Forms, name: &str) -> Option<&'static Form> {
    forms.iter().find(|(known, _)| *known == name).map(|(_, form)| *form)
}

const fn form(labels: usize, blocks: Forms, names: &'static [&'static str]) -> Form {
    Form { labels, blocks, names }
}

pub(super) static UNKNOWN: Form = form(0, &[], &[]);
static PLAIN: Form = form(0, &[], &[]);
static LABELLED: Form = form(1, &[], &[]);
static LIFECYCLE: Form = form(
    0,
    &[("precondition", &PLAIN), ("postcondition", &PLAIN)],
    &["ignore_changes", "replace_triggered_by"],
);
static DYNAMIC: Form = form(1, &[("content", &CONTENT)], &["iterator"]);
static CONTENT: Form = form(0, &[("dynamic", &DYNAMIC)], &[]);
static RESOURCE: Form = form(
    2,
    &[
        ("lifecycle", &LIFECYCLE),
        ("dynamic", &DYNAMIC),
        ("provisioner", &LABELLED),
        ("connection", &PLAIN),
    ],
    &["depends_on"],
);
static HOSTS: Form = form(0, &[("ssh", &PLAIN), ("host", &LABELLED)], &[]);
static CLUSTER: Form = form(1, &[("hosts", &HOSTS)], &[]);
static CLINCH: Form = form(0, &[("state", &LABELLED)], &[]);
static VARIABLE: Form = form(1, &[("validation", &PLAIN)], &["type"]);
static OUTPUT: Form = form(1, &[("precondition", &PLAIN)], &["depends_on"]);
static MODULE: Form = form(1, &[("lifecycle", &LIFECYCLE)], &["depends_on"]);
static CHECK: Form = form(1, &[("assert", &PLAIN), ("data", &RESOURCE)], &[]);
static MOVED: Form = form(0, &[], &["from", "to"]);
static REMOVED: Form = form(0, &[("lifecycle", &PLAIN)], &["from"]);

pub(super) const TOP: Forms = &[
    ("clinch", &CLINCH),
    ("cluster", &CLUSTER),
    ("rollout", &LABELLED),
    ("resource", &RESOURCE),
    ("data", &RESOURCE),
    ("variable", &VARIABLE),
    ("locals", &PLAIN),
    ("output", &OUTPUT),
    ("module", &MODULE),
    ("check", &CHECK),
    ("moved", &MOVED),
    ("removed", &REMOVED),
    ("import", &MOVED),
];
