//! Questions and hints around a plan.

use crate::style::Ink;
use crate::{Style, text};
use plans::{Mode, Plan};

/// The question before a plan is applied, without a newline at the end: the answer follows.
pub fn approval(plan: &Plan, style: &Style) -> String {
    let cluster = text::line(&plan.target.name);
    let (question, what) = match plan.mode {
        Mode::Normal | Mode::Drift => (
            "Do you want to perform these actions?",
            format!(
                "  clinch will perform the actions described above in cluster {cluster}.\n  \
                 Only 'yes' will be accepted to approve."
            ),
        ),
        Mode::Destroy => (
            "Do you really want to destroy all resources?",
            format!(
                "  clinch will destroy everything that it manages in cluster {cluster}, as shown \
                 above.\n  There is no undo. Only 'yes' will be accepted to confirm."
            ),
        ),
    };
    let prompt = style.ink(Ink::Strong, "Enter a value:");
    format!("{}\n{what}\n\n  {prompt} ", style.ink(Ink::Strong, question))
}

/// After a plan that was saved: how to apply it.
pub fn saved(path: &str) -> String {
    let path = text::quoted(path);
    format!(
        "Saved the plan to: {}\n\nTo perform exactly these actions, run the following command to \
         apply:\n    clinch apply {path}\n",
        path.trim_matches('"')
    )
}

/// After a plan that was not saved.
pub fn not_saved(style: &Style) -> String {
    let text = "Note: You didn't use the -out option to save this plan, so clinch can't \
                guarantee to take exactly these actions if you run \"clinch apply\" now.";
    text::wrap(text, style.width).join("\n") + "\n"
}
