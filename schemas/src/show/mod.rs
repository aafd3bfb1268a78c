//! Plans, states and outputs for machines, in the shape that tools know from Terraform.
//!
//! Start reading at [`plan::Plan`]. These documents are for reading only: a plan is stored and
//! applied in another format (`schemas::plan`).
//!
//! **Invariant:** what is sensitive or not known yet is left out of every value, and named in
//! an object of the same shape beside it (`after_unknown`, `after_sensitive`). Terraform
//! writes sensitive values in clear here; this program writes them nowhere.

pub mod graph;
pub mod lock;
pub mod plan;
pub mod rollout;
pub mod state;
mod time;
pub(crate) mod values;

pub use time::rfc3339;

/// Of the documents here: minor versions add, major versions break.
pub const PLAN_FORMAT: &str = "1.2";
/// As [`PLAN_FORMAT`], for states.
pub const STATE_FORMAT: &str = "1.0";
/// Where every resource type comes from.
pub(crate) const PROVIDER: &str = "clinch";

/// A document as it is printed: indented, with a newline at the end.
pub fn document(document: &impl serde::Serialize) -> String {
    let mut text =
        serde_json::to_string_pretty(document).expect("texts, numbers and plain JSON serialize");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    /// Those of stored formats are checked beside them.
    const SHOWN: &[&str] = &["diagnostic.", "event.", "show-plan.", "show-state.", "validate."];

    #[test]
    fn shown_formats_do_not_change_unnoticed() {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("json");
        let shown = |name: &str| SHOWN.iter().any(|prefix| name.starts_with(prefix));
        let schemas: Vec<_> =
            crate::json_schemas().into_iter().filter(|(name, _)| shown(name)).collect();
        assert_eq!(schemas.len(), SHOWN.len());
        for (name, expected) in schemas {
            let path = dir.join(name);
            if std::env::var_os("UPDATE_EXPECT").is_some() {
                std::fs::create_dir_all(&dir).expect("the folder can be made");
                std::fs::write(&path, &expected).expect("the file can be written");
            }
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(committed, expected, "set UPDATE_EXPECT=1 to write {name}");
        }
    }
}
