//! Where the state is kept.

use crate::load::{early_text, is_label};
use config::{Config, EarlyTexts};
use diags::{Code, Diagnostic, Diagnostics};
use std::time::Duration;

const BAD_PLACE: Code = Code("E0467");

/// The namespace of a state in the cluster when nothing else is said.
pub const STATE_NAMESPACE: &str = "clinch-system";

/// How long a lock holds without a sign of life when nothing else is said.
const LEASE: Duration = Duration::from_mins(1);
/// Shorter, and a slow answer of the server would cost the lock.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_mins(10);

/// Where the state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatePlace {
    /// In the data directory, on this machine.
    Local,
    /// In the cluster that it describes.
    Cluster {
        /// The namespace that it is in.
        namespace: String,
        /// How long a lock holds without a sign of life.
        lease: Duration,
    },
}

/// Where the `clinch` block says that the state is kept. Whether it is in the cluster is known
/// whatever `texts` knows.
pub fn state_place(
    config: &Config,
    texts: &mut dyn EarlyTexts,
    diagnostics: &mut Diagnostics,
) -> StatePlace {
    let root = config.modules.get(&Vec::new());
    let block = root.and_then(|m| m.clinch.as_ref()).and_then(|c| c.state.as_ref());
    let Some(block) = block.filter(|block| block.kind.as_str() == "cluster") else {
        return StatePlace::Local;
    };
    let mut text = |expr: &Option<config::Expr>, argument| {
        early_text(config, texts, expr.as_ref(), argument, diagnostics)
    };
    let given_namespace = text(&block.namespace, "namespace");
    let given_lease = text(&block.lease, "lease");
    let mut namespace = STATE_NAMESPACE.to_owned();
    if let Some((given, span)) = given_namespace {
        if !is_label(&given) {
            let detail = format!("`{given}` is not the name of a namespace.");
            diagnostics.push(
                Diagnostic::error(BAD_PLACE, "Invalid place for the state", detail)
                    .at(span, "")
                    .with_help("Write a DNS label: lower case letters, digits and `-`."),
            );
        }
        namespace = given;
    }
    let mut lease = LEASE;
    if let Some((given, span)) = given_lease {
        match duration(&given).filter(|d| (SHORTEST..=LONGEST).contains(d)) {
            Some(given) => lease = given,
            None => {
                let detail = format!("`{given}` is not a duration from `5s` to `10m`.");
                diagnostics.push(
                    Diagnostic::error(BAD_PLACE, "Invalid place for the state", detail)
                        .at(span, "")
                        .with_help("A minute is a good choice; leave `lease` out."),
                );
            }
        }
    }
    StatePlace::Cluster { namespace, lease }
}

/// `60s` or `2m`.
fn duration(text: &str) -> Option<Duration> {
    let seconds = |unit: char, factor: u64| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        Some(Duration::from_secs(number.checked_mul(factor)?))
    };
    seconds('s', 1).or_else(|| seconds('m', 60))
}
