//! What is remembered: outputs, records, the whole state.

use crate::style::Ink;
use crate::{Style, text, value};
use addrs::InstanceAddr;
use plans::Recorded;
use states::State;
use values::Value;

/// A value as HCL would write it, over as many lines as it needs; without a newline at the end.
pub fn value(value: &Value) -> String {
    value::tree(value, 0)
}

/// Outputs by name, a line or more for each; empty when there is none.
pub fn outputs<'a>(outputs: impl IntoIterator<Item = (&'a str, &'a Value)>) -> String {
    let line = |(name, v)| format!("{} = {}\n", text::name(name), value::tree(v, 0));
    outputs.into_iter().map(line).collect()
}

/// What `show` prints of a state: every object that it remembers, and the outputs.
pub fn state(state: &State, style: &Style) -> String {
    if state.is_new() {
        return "The state is empty. Nothing was applied yet.\n".to_owned();
    }
    let uid = state.cluster_uid.as_deref().unwrap_or("not known");
    let mut out = vec![format!(
        "State of project {}, serial {}, for the cluster with uid {}",
        style.ink(Ink::Strong, &text::line(&state.project)),
        state.serial,
        text::line(uid),
    )];
    out.push(String::new());
    let rows: Vec<_> = state
        .records
        .iter()
        .map(|(addr, r)| (text::line(&addr.to_string()).into_owned(), r))
        .collect();
    let widest = rows.iter().map(|(addr, _)| text::width(addr)).max().unwrap_or(0);
    for (addr, record) in &rows {
        let protected = if record.protected { "  (protected)" } else { "" };
        let object = text::line(&record.identity.shown);
        out.push(format!("  {}  {object}{protected}", text::pad(addr, widest)));
    }
    if rows.is_empty() {
        out.push("It remembers no objects.".to_owned());
    }
    let mut text = out.join("\n") + "\n";
    if !state.outputs.is_empty() {
        text.push_str("\nOutputs:\n\n");
        text.push_str(&outputs(state.outputs.iter().map(|(name, v)| (name.as_str(), v))));
    }
    text
}

/// What `state show` prints of one object: all that is remembered of it.
pub fn record(addr: &InstanceAddr, record: &Recorded, style: &Style) -> String {
    let addr = addr.to_string();
    let needs: Vec<_> =
        record.needs.iter().map(|n| text::line(&n.to_string()).into_owned()).collect();
    let mut rows = vec![
        ("object", text::quoted(&record.identity.shown)),
        ("key", text::quoted(&record.identity.key.0)),
        ("identity", value::tree(&record.identity.args, 4)),
        ("uid", record.uid.as_deref().map_or("null".to_owned(), text::quoted)),
        ("digest", text::quoted(&record.digest)),
        ("protected", record.protected.to_string()),
    ];
    if !needs.is_empty() {
        rows.push(("needs", format!("[{}]", needs.join(", "))));
    }
    let widest = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line =
        |(name, value): (&str, String)| format!("    {} = {value}\n", text::pad(name, widest));
    let rows: String = rows.into_iter().map(line).collect();
    format!("# {}\n{rows}", style.ink(Ink::Strong, &text::line(&addr)))
}
