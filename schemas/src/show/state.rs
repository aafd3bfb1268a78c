//! A state in Terraform's shape. Values of objects are not in it: the state holds none.

use super::plan::{index, mode};
use super::values::{sensitive, shown, type_of};
use super::{PROVIDER, STATE_FORMAT};
use addrs::InstanceAddr;
use plans::Recorded;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use values::Value;

/// What `show -json` answers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ShowState")]
pub struct State {
    /// Minor versions add, major versions break.
    pub format_version: String,
    /// The version of clinch, under the name that tools look for.
    pub terraform_version: String,
    /// What is remembered; absent when nothing was ever applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<StateValues>,
    /// What Terraform has no word for.
    pub x_ops: StateOps,
}

/// What a state says beyond Terraform's shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StateOps {
    /// Names this state among all states.
    pub lineage: String,
    /// Grows with every run and every edit.
    pub serial: u64,
    /// The configuration's name.
    pub project: String,
    /// The cluster that it describes.
    pub cluster_uid: Option<String>,
}

/// Outputs and resources.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StateValues {
    /// By name.
    pub outputs: BTreeMap<String, Output>,
    /// The root module, and all others inside of it.
    pub root_module: Module,
}

/// One output.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Output {
    /// Whether its value is left out.
    pub sensitive: bool,
    /// Its type, as Terraform writes types.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub ty: Option<Json>,
    /// Its value; absent when it is sensitive or not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
}

/// One module instance.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct Module {
    /// Absent for the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// In order of address.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Resource>,
    /// Modules inside of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub child_modules: Vec<Module>,
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Resource {
    /// Its address.
    pub address: String,
    /// `managed` or `data`.
    pub mode: String,
    /// The first label.
    #[serde(rename = "type")]
    pub ty: String,
    /// The second label.
    pub name: String,
    /// A number from `count`, a text from `for_each`, or absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<Json>,
    /// Where the type comes from.
    pub provider_name: String,
    /// 0: types have no versions.
    pub schema_version: u64,
    /// Attributes; empty in a state, which holds none.
    pub values: Json,
    /// `true` where `values` leaves something out because it is sensitive.
    pub sensitive_values: Json,
    /// Instances that it needs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// What Terraform has no word for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_ops: Option<ResourceOps>,
    #[serde(skip)]
    #[schemars(skip)]
    module: Vec<String>,
}

/// What a state says of an instance beyond Terraform's shape.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ResourceOps {
    /// The object, as people call it.
    pub object: String,
    /// Its one name.
    pub key: String,
    /// What the provider needs to find it.
    pub identity: Json,
    /// The uid that the world gave it.
    pub uid: Option<String>,
    /// Digest of what was asked for.
    pub digest: String,
    /// Whether `prevent_destroy` was set.
    pub protected: bool,
}

impl State {
    /// For machines, written by this version of clinch.
    pub fn new(state: &states::State, version: &str) -> Self {
        let outputs = state.outputs.iter().map(|(name, value)| (name.as_str(), value));
        let resources = state.records.iter().map(|(addr, record)| Resource::recorded(addr, record));
        let values = StateValues::new(outputs, modules(resources));
        Self {
            format_version: STATE_FORMAT.to_owned(),
            terraform_version: version.to_owned(),
            values: (!state.is_new()).then_some(values),
            x_ops: StateOps {
                lineage: state.lineage.clone(),
                serial: state.serial,
                project: state.project.clone(),
                cluster_uid: state.cluster_uid.clone(),
            },
        }
    }
}

/// Outputs by name, as `output -json` answers.
pub fn outputs<'a>(
    outputs: impl IntoIterator<Item = (&'a str, &'a Value)>,
) -> BTreeMap<String, Output> {
    outputs.into_iter().map(|(name, value)| (name.to_owned(), Output::new(value))).collect()
}

impl StateValues {
    pub(super) fn new<'a>(
        outputs: impl Iterator<Item = (&'a str, &'a Value)>,
        root_module: Module,
    ) -> Self {
        Self { outputs: self::outputs(outputs), root_module }
    }
}

impl Output {
    /// Without its value when any part of it is sensitive or not known.
    pub fn new(value: &Value) -> Self {
        let sensitive = value.has_sensitive();
        let told = !sensitive && value.is_known();
        Self { sensitive, ty: told.then(|| type_of(value)), value: told.then(|| shown(value)) }
    }
}

impl Resource {
    fn new(addr: &InstanceAddr) -> Self {
        // Each prefix of the module's path, as an address: `module.a`, `module.a.module.b`.
        let steps = &addr.module.0;
        let prefix = |n: usize| addrs::ModuleInstance(steps[..n].to_vec()).to_string();
        Self {
            address: addr.to_string(),
            mode: mode(addr.mode).to_owned(),
            ty: addr.ty.to_string(),
            name: addr.name.to_string(),
            index: index(&addr.key),
            provider_name: PROVIDER.to_owned(),
            schema_version: 0,
            values: Json::Object(serde_json::Map::new()),
            sensitive_values: Json::Object(serde_json::Map::new()),
            depends_on: Vec::new(),
            x_ops: None,
            module: (1..=steps.len()).map(prefix).collect(),
        }
    }

    pub(super) fn with_values(addr: &InstanceAddr, value: &Value) -> Self {
        Self { values: shown(value), sensitive_values: sensitive(value), ..Self::new(addr) }
    }

    fn recorded(addr: &InstanceAddr, record: &Recorded) -> Self {
        Self {
            depends_on: record.needs.iter().map(ToString::to_string).collect(),
            x_ops: Some(ResourceOps {
                object: record.identity.shown.clone(),
                key: record.identity.key.to_string(),
                identity: shown(&record.identity.args),
                uid: record.uid.clone(),
                digest: record.digest.clone(),
                protected: record.protected,
            }),
            ..Self::new(addr)
        }
    }
}

/// Resources in the modules that they stand in.
pub(super) fn modules(resources: impl Iterator<Item = Resource>) -> Module {
    let mut root = Module::default();
    for resource in resources {
        let mut module = &mut root;
        for address in &resource.module {
            let known =
                module.child_modules.iter().position(|m| m.address.as_ref() == Some(address));
            let at = known.unwrap_or_else(|| {
                let address = Some(address.clone());
                module.child_modules.push(Module { address, ..Module::default() });
                module.child_modules.len() - 1
            });
            module = &mut module.child_modules[at];
        }
        module.resources.push(resource);
    }
    root
}
