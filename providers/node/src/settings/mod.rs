//! Files of which only some settings are ours.
//!
//! Others write such a file too, so each setting has an owner of its own: a record beside the
//! file ([`record`]) says which are ours and what stood there before. [`ways`] are the names of
//! settings, [`exchange`] puts a new file in the place of the old one and back, and [`kept`] are the
//! copies of old files where several change together ([`files`]).

pub(crate) mod exchange;
pub(crate) mod files;
pub(crate) mod kept;
pub(crate) mod record;
pub(crate) mod ways;

use values::Value;

/// Digest of what is asked for.
pub(crate) fn digest(project: &str, settings: &Value) -> String {
    let text = match access::json::to_json(settings) {
        Ok(json) => json.to_string(),
        // Some of it is not known yet.
        Err(_) => "?".to_owned(),
    };
    format!("sha256:{}", access::digest(format!("clinch/v1\n{project}\n{text}").as_bytes()))
}
