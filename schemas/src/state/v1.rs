//! Version 1 of the state.

use crate::text::Text;
use crate::value::{sealed, v1::WireValue};
use addrs::InstanceAddr;
use plans::{Identity, ObjectKey, Recorded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use states::State;
use std::collections::BTreeMap;

/// A state file.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "StateFile", deny_unknown_fields)]
#[expect(dead_code, reason = "only described; it is written and read by its envelope")]
pub struct File {
    /// `clinch-state`.
    format: String,
    /// 1.
    version: u64,
    /// The clinch that wrote it.
    clinch: String,
    /// SHA-256 of the file without this entry.
    digest: String,
    /// The state.
    body: Body,
}

/// The state.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "State")]
pub struct Body {
    /// Names this state among all states.
    pub lineage: String,
    /// Grows with every run and every edit.
    pub serial: u64,
    /// The configuration's name.
    pub project: String,
    /// The cluster that it describes.
    pub cluster_uid: Option<String>,
    /// Every object, by the address of its instance.
    #[serde(with = "crate::entries")]
    #[schemars(with = "BTreeMap<Text<InstanceAddr>, Record>")]
    pub records: Vec<(Text<InstanceAddr>, Record)>,
    /// The outputs of the last run that ended.
    pub outputs: BTreeMap<String, WireValue>,
    /// Plans that were applied, the latest last.
    pub used_plans: Vec<String>,
}

/// What is remembered of one object.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Which object.
    pub identity: WireIdentity,
    /// The uid that the world gave it.
    pub uid: Option<String>,
    /// Digest of what was asked for.
    pub digest: String,
    /// Instances that it needs.
    pub needs: Vec<Text<InstanceAddr>>,
    /// Whether `prevent_destroy` was set.
    pub protected: bool,
}

/// Which object is meant.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Identity")]
pub struct WireIdentity {
    /// Its one name.
    pub key: String,
    /// What the provider needs to find it.
    pub args: WireValue,
    /// How people call it.
    pub shown: String,
}

impl From<&State> for Body {
    fn from(state: &State) -> Self {
        let output = |(name, value): (&String, _)| (name.clone(), WireValue(sealed(value)));
        Self {
            lineage: state.lineage.clone(),
            serial: state.serial,
            project: state.project.clone(),
            cluster_uid: state.cluster_uid.clone(),
            records: state.records.iter().map(|(a, r)| (Text(a.clone()), r.into())).collect(),
            outputs: state.outputs.iter().map(output).collect(),
            used_plans: state.used_plans.clone(),
        }
    }
}

impl From<Body> for State {
    fn from(body: Body) -> Self {
        Self {
            lineage: body.lineage,
            serial: body.serial,
            project: body.project,
            cluster_uid: body.cluster_uid,
            records: body.records.into_iter().map(|(a, r)| (a.0, r.into())).collect(),
            outputs: body.outputs.into_iter().map(|(name, value)| (name, value.0)).collect(),
            used_plans: body.used_plans,
        }
    }
}

impl From<&Recorded> for Record {
    fn from(recorded: &Recorded) -> Self {
        Self {
            identity: (&recorded.identity).into(),
            uid: recorded.uid.clone(),
            digest: recorded.digest.clone(),
            needs: recorded.needs.iter().cloned().map(Text).collect(),
            protected: recorded.protected,
        }
    }
}

impl From<Record> for Recorded {
    fn from(record: Record) -> Self {
        Self {
            identity: record.identity.into(),
            uid: record.uid,
            digest: record.digest,
            needs: record.needs.into_iter().map(|need| need.0).collect(),
            protected: record.protected,
        }
    }
}

impl From<&Identity> for WireIdentity {
    fn from(identity: &Identity) -> Self {
        Self {
            key: identity.key.to_string(),
            args: WireValue(sealed(&identity.args)),
            shown: identity.shown.clone(),
        }
    }
}

impl From<WireIdentity> for Identity {
    fn from(identity: WireIdentity) -> Self {
        Self { key: ObjectKey(identity.key.into()), args: identity.args.0, shown: identity.shown }
    }
}
