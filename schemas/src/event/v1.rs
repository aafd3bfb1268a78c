//! Version 1 of the event stream (`ui` 1.2).

use crate::diagnostic::v1::Diagnostic;
use crate::show::values::{shown, type_of};
use crate::show::{PROVIDER, rfc3339};
use addrs::{InstanceAddr, InstanceKey};
use plans::{Action, Change, Event, OutputChange, Reason, StepId, Tally, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use values::Value;

/// Minor versions add, major versions break.
pub const UI: &str = "1.2";

/// One line of the stream. Which of the optional members it has depends on its type; a reader
/// shows the message of a type that it does not know.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Line {
    /// How important it is.
    #[serde(rename = "@level")]
    pub level: Level,
    /// What a person would read.
    #[serde(rename = "@message")]
    pub message: String,
    /// `clinch.ui`.
    #[serde(rename = "@module")]
    pub module: &'static str,
    /// When.
    #[serde(rename = "@timestamp")]
    pub timestamp: String,
    /// What kind of line it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Of `version`: the version of clinch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clinch: Option<String>,
    /// Of `version`: the version of this format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ui: Option<String>,
    /// Of `diagnostic`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnostic: Option<Diagnostic>,
    /// Of `planned_change` and `resource_drift`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<PlannedChange>,
    /// Of `change_summary`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Summary>,
    /// Of `outputs`: by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<BTreeMap<String, Output>>,
    /// Of `apply_*` and `step_*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hook: Option<Hook>,
}

/// How important a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Info,
    /// Worth a look.
    Warn,
    /// Something went wrong.
    Error,
}

/// What kind of line it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The first line.
    Version,
    /// Words only.
    Log,
    /// Something is wrong.
    Diagnostic,
    /// Others have changed an object since the last apply.
    ResourceDrift,
    /// What will happen to an instance.
    PlannedChange,
    /// How many instances are, or were, added, changed and removed.
    ChangeSummary,
    /// Outputs, planned or as they are.
    Outputs,
    /// Work on an instance begins.
    ApplyStart,
    /// It goes on.
    ApplyProgress,
    /// It ended well.
    ApplyComplete,
    /// It ended badly.
    ApplyErrored,
    /// One step of several begins. Not in Terraform's format.
    StepStart,
    /// It goes on. Not in Terraform's format.
    StepProgress,
    /// It ended well. Not in Terraform's format.
    StepComplete,
    /// It ended badly. Not in Terraform's format.
    StepErrored,
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Resource {
    /// Its address.
    pub addr: String,
    /// The module that it stands in; empty in the root.
    pub module: String,
    /// Its address inside of the module.
    pub resource: String,
    /// Where the type comes from.
    pub implied_provider: String,
    /// The first label.
    pub resource_type: String,
    /// The second label.
    pub resource_name: String,
    /// A number from `count`, a text from `for_each`, or null.
    pub resource_key: Json,
}

/// What will happen to an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlannedChange {
    /// Which.
    pub resource: Resource,
    /// `noop`, `create`, `update`, `replace`, `delete` or `remove` (forgotten).
    pub action: String,
    /// Why, when the configuration does not plainly say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it costs: `none`, `reload`, `restart`, `drain` or `reboot`. Not in Terraform's
    /// format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disruption: Option<String>,
}

/// How many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// Created.
    pub add: usize,
    /// Updated.
    pub change: usize,
    /// Imported.
    pub import: usize,
    /// Deleted.
    pub remove: usize,
    /// No longer managed. Not in Terraform's format.
    pub forget: usize,
    /// `plan`, `apply` or `destroy`.
    pub operation: String,
}

/// One output.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Output {
    /// Whether its value is left out.
    pub sensitive: bool,
    /// Its type, as Terraform writes types.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub ty: Option<Json>,
    /// Its value; absent when it is sensitive or not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
    /// Of a plan: what happens to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

/// Work on an instance, or one step of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Hook {
    /// Which instance; absent for a step that serves none, such as draining a node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource>,
    /// What is done to it.
    pub action: String,
    /// `id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_key: Option<String>,
    /// How people call the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_value: Option<String>,
    /// Since it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed_seconds: Option<u64>,
    /// The number of the step. Not in Terraform's format.
    pub step: u32,
    /// The operation, what is awaited, or why it failed. Not in Terraform's format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Line {
    /// A line of words only; every other kind starts here.
    pub fn log(at: Timestamp, level: Level, message: impl Into<String>) -> Self {
        Self {
            level,
            message: message.into(),
            module: "clinch.ui",
            timestamp: rfc3339(at),
            kind: Kind::Log,
            clinch: None,
            ui: None,
            diagnostic: None,
            change: None,
            changes: None,
            outputs: None,
            hook: None,
        }
    }

    /// The first line.
    pub fn version(at: Timestamp, version: &str) -> Self {
        Self {
            kind: Kind::Version,
            clinch: Some(version.to_owned()),
            ui: Some(UI.to_owned()),
            ..Self::log(at, Level::Info, format!("clinch {version}"))
        }
    }

    /// Something is wrong.
    pub fn diagnostic(at: Timestamp, diagnostic: Diagnostic, message: impl Into<String>) -> Self {
        let level = match diagnostic.severity {
            crate::diagnostic::v1::Severity::Error => Level::Error,
            crate::diagnostic::v1::Severity::Warning => Level::Warn,
        };
        Self {
            kind: Kind::Diagnostic,
            diagnostic: Some(diagnostic),
            ..Self::log(at, level, message)
        }
    }

    /// What will happen to an instance.
    pub fn planned_change(at: Timestamp, change: &Change, message: impl Into<String>) -> Self {
        Self {
            kind: Kind::PlannedChange,
            change: Some(PlannedChange {
                resource: Resource::new(&change.addr),
                action: action(change.action).to_owned(),
                reason: change.reason.as_ref().and_then(reason).map(str::to_owned),
                disruption: Some(change.disruption.to_string()),
            }),
            ..Self::log(at, Level::Info, message)
        }
    }

    /// Others have changed an object since the last apply. `change` is what would repair it.
    pub fn resource_drift(at: Timestamp, change: &Change, message: impl Into<String>) -> Self {
        let happened = match change.action {
            Action::Create => Action::Delete,
            Action::Delete => Action::Create,
            Action::NoOp | Action::Update | Action::Replace | Action::Forget => Action::Update,
        };
        Self {
            kind: Kind::ResourceDrift,
            change: Some(PlannedChange {
                resource: Resource::new(&change.addr),
                action: action(happened).to_owned(),
                reason: None,
                disruption: None,
            }),
            ..Self::log(at, Level::Info, message)
        }
    }

    /// How many instances are, or were, added, changed and removed by `operation`.
    pub fn change_summary(
        at: Timestamp,
        tally: Tally,
        operation: &str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind: Kind::ChangeSummary,
            changes: Some(Summary {
                add: tally.added,
                change: tally.changed,
                import: 0,
                remove: tally.destroyed,
                forget: tally.forgotten,
                operation: operation.to_owned(),
            }),
            ..Self::log(at, Level::Info, message)
        }
    }

    /// What happens to the outputs.
    pub fn planned_outputs(
        at: Timestamp,
        outputs: &[OutputChange],
        message: impl Into<String>,
    ) -> Self {
        let outputs = outputs.iter().map(|o| {
            let (before, after) = (o.before.as_ref(), o.after.as_ref());
            let action = match (before, after) {
                (None, Some(_)) => Action::Create,
                (Some(_), None) => Action::Delete,
                (Some(a), Some(b)) if a != b => Action::Update,
                (Some(_), Some(_)) | (None, None) => Action::NoOp,
            };
            let sensitive = [before, after].into_iter().flatten().any(Value::has_sensitive);
            let output = Output {
                sensitive,
                ty: None,
                value: None,
                action: Some(self::action(action).to_owned()),
            };
            (o.name.clone(), output)
        });
        Self {
            kind: Kind::Outputs,
            outputs: Some(outputs.collect()),
            ..Self::log(at, Level::Info, message)
        }
    }

    /// The outputs as they are.
    pub fn outputs<'a>(
        at: Timestamp,
        outputs: impl IntoIterator<Item = (&'a str, &'a Value)>,
        message: impl Into<String>,
    ) -> Self {
        let outputs = outputs.into_iter().map(|(name, value)| {
            let sensitive = value.has_sensitive();
            let told = !sensitive && value.is_known();
            let output = Output {
                sensitive,
                ty: told.then(|| type_of(value)),
                value: told.then(|| shown(value)),
                action: None,
            };
            (name.to_owned(), output)
        });
        Self {
            kind: Kind::Outputs,
            outputs: Some(outputs.collect()),
            ..Self::log(at, Level::Info, message)
        }
    }

    /// What happens while a plan is made and run; `of` counts for steps only, the rest is words.
    pub fn event(at: Timestamp, event: &Event, of: Of, message: impl Into<String>) -> Self {
        let line = |level| Self::log(at, level, message);
        match event {
            Event::Observing { .. }
            | Event::Observed { .. }
            | Event::Previewing { .. }
            | Event::Pausing { .. } => line(Level::Info),
            Event::Stopping(_) => line(Level::Warn),
            Event::StepStarted { id, addr, action, text } => Self {
                kind: of.pick(Kind::ApplyStart, Kind::StepStart),
                hook: Some(Hook {
                    text: Some(text.clone()),
                    ..Hook::new(*id, addr.as_ref(), *action)
                }),
                ..line(Level::Info)
            },
            Event::StepWaiting { id, addr, action, on, elapsed } => Self {
                kind: of.pick(Kind::ApplyProgress, Kind::StepProgress),
                hook: Some(Hook {
                    elapsed_seconds: Some(elapsed.as_secs()),
                    text: (!on.is_empty()).then(|| on.clone()),
                    ..Hook::new(*id, addr.as_ref(), *action)
                }),
                ..line(Level::Info)
            },
            Event::StepFinished { id, addr, action, shown, elapsed } => Self {
                kind: of.pick(Kind::ApplyComplete, Kind::StepComplete),
                hook: Some(Hook {
                    id_key: (!shown.is_empty()).then(|| "id".to_owned()),
                    id_value: (!shown.is_empty()).then(|| shown.clone()),
                    elapsed_seconds: Some(elapsed.as_secs()),
                    ..Hook::new(*id, addr.as_ref(), *action)
                }),
                ..line(Level::Info)
            },
            Event::StepFailed { id, addr, action, why, .. } => Self {
                kind: of.pick(Kind::ApplyErrored, Kind::StepErrored),
                hook: Some(Hook {
                    text: Some(why.clone()),
                    ..Hook::new(*id, addr.as_ref(), *action)
                }),
                ..line(Level::Error)
            },
        }
    }

    /// The line as it is printed, without a newline.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts, numbers and plain JSON serialize")
    }
}

/// Whether a line is about work on an instance as a whole or about one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// `apply_*`.
    Instance,
    /// `step_*`.
    Step,
}

impl Of {
    fn pick(self, instance: Kind, step: Kind) -> Kind {
        match self {
            Self::Instance => instance,
            Self::Step => step,
        }
    }
}

impl Hook {
    fn new(id: StepId, addr: Option<&InstanceAddr>, what: Action) -> Self {
        Self {
            resource: addr.map(Resource::new),
            action: action(what).to_owned(),
            id_key: None,
            id_value: None,
            elapsed_seconds: None,
            step: id.0,
            text: None,
        }
    }
}

impl Resource {
    /// Of an address.
    pub fn new(addr: &InstanceAddr) -> Self {
        let inside = InstanceAddr { module: addrs::ModuleInstance::root(), ..addr.clone() };
        Self {
            addr: addr.to_string(),
            module: addr.module.to_string(),
            resource: inside.to_string(),
            implied_provider: PROVIDER.to_owned(),
            resource_type: addr.ty.to_string(),
            resource_name: addr.name.to_string(),
            resource_key: match &addr.key {
                InstanceKey::None => Json::Null,
                InstanceKey::Index(i) => (*i).into(),
                InstanceKey::Key(key) => key.to_string().into(),
            },
        }
    }
}

/// The word of an action in the stream; not the one of a plan.
fn action(action: Action) -> &'static str {
    match action {
        Action::NoOp => "noop",
        Action::Create => "create",
        Action::Update => "update",
        Action::Replace => "replace",
        Action::Delete => "delete",
        Action::Forget => "remove",
    }
}

fn reason(reason: &Reason) -> Option<&'static str> {
    match reason {
        Reason::NotInConfiguration => Some("delete_because_no_resource_config"),
        Reason::KeyGone => Some("delete_because_each_key"),
        Reason::IndexGone => Some("delete_because_count_index"),
        Reason::Disabled => Some("delete_because_enabled_false"),
        Reason::CannotUpdate(_) => Some("cannot_update"),
        Reason::Requested => Some("requested"),
        Reason::Triggered(_) => Some("triggered"),
        Reason::Destroy => None,
    }
}
