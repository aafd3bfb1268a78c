//! Files that were read with the configuration.

use super::{Care, FunctionInfo, Kind, Parameter, fail};

/// Only for people and for the count of arguments: the values come from the configuration,
/// where the evaluator looks them up.
pub(super) fn table() -> Vec<FunctionInfo> {
    vec![FunctionInfo {
        name: crate::manifests::MANIFESTS,
        parameters: vec![
            Parameter { name: "pattern", kind: Kind::String },
            Parameter { name: "patterns", kind: Kind::String },
        ],
        variadic: true,
        gives: "map(any)",
        doc: "The objects in these files of YAML, by kind, namespace and name: \
              `Deployment/team-a/web`. Patterns may hold `*`, `?` and `**`.",
        optional: 0,
        care: Care::Deep,
        run: |_| fail(None, "files are read with the configuration only"),
    }]
}
