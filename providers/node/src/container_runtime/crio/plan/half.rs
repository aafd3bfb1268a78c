//! What becomes of the driver of a CRI-O, for whoever changes it together with the kubelet's.

use super::Case;
use crate::container_runtime::crio::settings;
use crate::container_runtime::driver::{CRIO_PATH, Change, Half};
use crate::container_runtime::kubelet;
use crate::owned::Seen;
use addrs::TypeName;
use plans::Problem;
use provider::PlanRequest;
use values::Value;

/// From this minor version on, CRI-O tells a kubelet its driver, and can be asked how it runs.
/// Source: `server/runtime_config.go` and `internal/criocli/status.go`, new in v1.28.0.
const ANSWERS: u32 = 28;

impl Case<'_> {
    /// Whether it tells a kubelet that asks.
    pub(super) fn answers(&self) -> bool {
        self.text("version").and_then(kubelet::minor_of).is_some_and(|minor| minor >= ANSWERS)
    }
}

/// What becomes of the driver of a CRI-O, in a drop-in that says nothing else.
pub(in super::super::super) fn half(
    ty: &TypeName,
    request: &PlanRequest<'_>,
    present: &Value,
) -> Result<Half, Vec<Problem>> {
    let seen = |name: &str| Seen::read(present.get(name).unwrap_or(&Value::Null));
    let (ours, registries) = (seen("settings"), seen("registries"));
    let case = Case { ty, request, present, settings: ours, registries };
    case.check_place()?;
    let has = settings::driver(&case.now()).to_owned();
    let is_there = case.settings.content.is_some();
    let goal = case.goal(request.desired.unwrap_or(&Value::Null));
    let asked = request.desired.and_then(|args| args.get("cgroup_driver")?.as_str());
    // What nobody says is so by itself.
    let is_needed = is_there || asked != Some(has.as_str());
    Ok(Half {
        path: CRIO_PATH,
        will: settings::driver(&goal.effective).to_owned(),
        answers: case.answers(),
        problems: request.desired.map_or_else(Vec::new, |args| case.judge(&goal, args)),
        change: Change::Whole {
            was: case.settings.content.map(str::to_owned),
            will: goal.settings.filter(|_| is_needed),
        },
        has,
    })
}
