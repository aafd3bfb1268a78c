//! What becomes of the driver of a containerd, for whoever changes it together with the kubelet's.

use super::{Case, Goal, MEND, unreadable};
use crate::codes;
use crate::container_runtime::driver::{Change, Half, is_containerd_2};
use crate::container_runtime::layout::{self, Layout, way};
use crate::container_runtime::record::Record;
use crate::container_runtime::{USUAL_PATH, file_of, look, text, wishes};
use crate::settings::{record, ways};
use addrs::TypeName;
use plans::Problem;
use provider::PlanRequest;
use std::collections::BTreeMap;
use values::{Path, Value};

/// What becomes of the driver of a containerd, and of nothing else.
pub(in super::super) fn half(
    ty: &TypeName,
    request: &PlanRequest<'_>,
    present: &Value,
    record: &record::Record,
) -> Result<Half, Vec<Problem>> {
    let says = |name: &str| present.get(name).and_then(Value::as_str);
    let (node, path) = file_of(request.identity);
    if says("version") == Some("") {
        return Err(vec![look::no_runtime(request.identity)]);
    }
    let missing = |what: &str| {
        let detail = format!("{} {what}.", request.identity.shown);
        let summary = "Runtime has no settings to change";
        Problem::error(codes::RUNTIME_FILE, summary, Path::root(), detail).with_help(format!(
            "Write what `containerd config default` prints to {path} on `{node}`, or let a \
             `container_runtime` write it first."
        ))
    };
    let Some(content) = says("content") else { return Err(vec![missing("is not there")]) };
    let live = text::read(content).map_err(|why| vec![unreadable(request, &why, MEND)])?;
    let layout = Layout::of(&live)
        .map_err(|unknown| vec![unreadable(request, &unknown.why, unknown.help)])?;
    if ways::get(&live, &way(&["version"])).is_none() {
        return Err(vec![missing("has no `version`")]);
    }
    let disabled = ways::get(&live, &way(&["disabled_plugins"])).cloned().unwrap_or(Value::Null);
    if layout::without_cri(&disabled).len() < disabled.as_list().map_or(0, <[Value]>::len) {
        return Err(vec![missing("disables the plugin that a kubelet talks to")]);
    }
    let has = layout.cgroup_driver(&live);
    let mut settings = match request.desired {
        Some(args) => wishes::settings(args, layout, &live, record),
        None => Vec::new(),
    };
    settings.retain(|(way, _)| wishes::argument(layout, way) == "cgroup_driver");
    if request.desired.and_then(|args| args.get("cgroup_driver")?.as_str()) == Some(has.as_str()) {
        // What nobody says is so by itself.
        settings
            .retain(|(way, _)| ways::get(&live, way).is_some() || record.earlier.contains_key(way));
    }
    let goal = Goal {
        wanted: record.wanted(&live, &settings),
        record: Record::none(request.project, path),
        files: BTreeMap::new(),
        settings,
    };
    let ours = Record { ours: record.clone(), ..goal.record.clone() };
    let case = Case {
        ty,
        request,
        present,
        content,
        live: live.clone(),
        layout,
        is_recorded: true,
        record: ours,
    };
    Ok(Half {
        path: USUAL_PATH,
        has,
        will: layout.cgroup_driver(&goal.wanted),
        answers: says("version").is_some_and(is_containerd_2),
        problems: request.desired.map_or_else(Vec::new, |args| case.judge(args, &goal)),
        change: Change::Settings { live, settings: goal.settings },
    })
}
