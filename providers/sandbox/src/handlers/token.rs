//! Tokens of service accounts. Nobody is asked for one here, so they are not signed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Answer, Ask};
use crate::meta;
use crate::store::Txn;

/// How long a token lasts when nobody says, in seconds.
const HOUR: i64 = 3600;

/// `POST` on the `token` of a service account.
pub(crate) fn request(txn: &Txn<'_>, ask: &Ask<'_>, body: &Value) -> Answer<Value> {
    let account = super::read::live(txn, ask.target)?;
    let (namespace, name) = (meta::namespace(&account), meta::name(&account));
    let seconds = body["spec"]["expirationSeconds"].as_i64().unwrap_or(HOUR);
    let now = ask.env.now;
    let until = now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(now);
    let audiences = match &body["spec"]["audiences"] {
        Value::Array(given) if !given.is_empty() => json!(given),
        _ => json!(["https://kubernetes.default.svc.cluster.local"]),
    };
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(json!({"alg": "none", "typ": "JWT"}));
    let claims = part(json!({
        "aud": audiences,
        "exp": until.as_second(),
        "iat": now.as_second(),
        "iss": "https://kubernetes.default.svc.cluster.local",
        "sub": format!("system:serviceaccount:{namespace}:{name}"),
    }));
    Ok(json!({
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "creationTimestamp": ask.env.now_text,
        },
        "spec": {
            "audiences": audiences,
            "expirationSeconds": seconds,
            "boundObjectRef": body["spec"]["boundObjectRef"],
        },
        "status": {
            "token": format!("{head}.{claims}."),
            "expirationTimestamp": until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        },
    }))
}
