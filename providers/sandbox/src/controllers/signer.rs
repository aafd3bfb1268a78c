//! Certificates for requests that somebody approved.
//!
//! The authority is made when it is first needed and kept as a secret, so that what it signed
//! stays good in a folder and in a snapshot. A request decides about its subject, names and key;
//! everything else follows from the signer and the usages, never from the request.
//!
//! Facts: <https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers>.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use serde_json::{Value, json};

use super::{CONTROLLER_STATUS, create_if_missing, set_status};
use crate::catalog;
use crate::handlers::Env;
use crate::meta;
use crate::store::Txn;

pub(super) const REQUESTS: &str = "certificatesigningrequests.certificates.k8s.io";

const CLIENT: &str = "kubernetes.io/kube-apiserver-client";
const KUBELET_CLIENT: &str = "kubernetes.io/kube-apiserver-client-kubelet";
const KUBELET_SERVING: &str = "kubernetes.io/kubelet-serving";

/// Where the authority is kept.
const AUTHORITY: (&str, &str) = ("kube-system", "sandbox-signer");
/// What a certificate lasts when nobody asks for less, in seconds.
const YEAR: i64 = 365 * 24 * 3600;
/// Clocks differ; a certificate is good a little before it was made.
const EARLIER: i64 = 300;

/// Signs a request that is approved, or says why not.
pub(super) fn after_write(txn: &mut Txn<'_>, env: &Env<'_>, request: &Arc<Value>) {
    let Some(served) = catalog::built_in_table(REQUESTS) else { return };
    let mut status = request["status"].clone();
    let is = |kind: &str| {
        let mut conditions = status["conditions"].as_array().into_iter().flatten();
        conditions.any(|one| one["type"] == kind && one["status"] == "True")
    };
    let is_open = is("Approved") && !is("Denied") && !is("Failed");
    let signer = meta::plain(&request["spec"]["signerName"]);
    let is_ours = matches!(signer, CLIENT | KUBELET_CLIENT | KUBELET_SERVING);
    if !is_open || !is_ours || status["certificate"].is_string() {
        return;
    }
    match sign(txn, env, signer, &request["spec"]) {
        Ok(certificate) => status["certificate"] = json!(STANDARD.encode(certificate)),
        Err(why) => {
            let failed = json!({
                "type": "Failed",
                "status": "True",
                "reason": "SignerValidationFailure",
                "message": why,
                "lastUpdateTime": env.now_text,
                "lastTransitionTime": env.now_text,
            });
            if let Some(conditions) = status["conditions"].as_array_mut() {
                conditions.push(failed);
            }
        }
    }
    set_status(txn, env, served, request, status, CONTROLLER_STATUS);
}

fn sign(txn: &mut Txn<'_>, env: &Env<'_>, signer: &str, spec: &Value) -> Result<String, String> {
    let sent = STANDARD.decode(meta::plain(&spec["request"])).map_err(|error| error.to_string())?;
    let text = String::from_utf8(sent).map_err(|error| error.to_string())?;
    let mut request =
        CertificateSigningRequestParams::from_pem(&text).map_err(|error| error.to_string())?;
    check(signer, spec, &request.params)?;
    let asked = spec["expirationSeconds"].as_i64().unwrap_or(YEAR).min(YEAR);
    let params = &mut request.params;
    // A request may ask to be an authority itself; it is not.
    params.is_ca = IsCa::ExplicitNoCa;
    params.not_before = moment(env.now.as_second() - EARLIER)?;
    params.not_after = moment(env.now.as_second() + asked)?;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = usages(spec).filter_map(key_usage).collect();
    params.extended_key_usages = usages(spec).filter_map(extended_usage).collect();
    let (issuer, key) = authority(txn, env)?;
    let key = KeyPair::from_pem(&key).map_err(|error| error.to_string())?;
    let issuer = Issuer::from_ca_cert_pem(&issuer, key).map_err(|error| error.to_string())?;
    let certificate = request.signed_by(&issuer).map_err(|error| error.to_string())?;
    Ok(certificate.pem())
}

fn moment(second: i64) -> Result<time::OffsetDateTime, String> {
    time::OffsetDateTime::from_unix_timestamp(second).map_err(|error| error.to_string())
}

fn usages(spec: &Value) -> impl Iterator<Item = &str> {
    spec["usages"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// What each signer wants of a request.
fn check(signer: &str, spec: &Value, params: &CertificateParams) -> Result<(), String> {
    let wanted = if signer == KUBELET_SERVING { "server auth" } else { "client auth" };
    let allowed =
        |usage: &str| usage == wanted || matches!(usage, "digital signature" | "key encipherment");
    if !usages(spec).any(|usage| usage == wanted) || !usages(spec).all(allowed) {
        return Err(format!("usages did not match: {signer} wants {wanted:?}"));
    }
    if signer == CLIENT {
        return Ok(());
    }
    let named = |kind: &DnType| match params.distinguished_name.get(kind) {
        Some(DnValue::Utf8String(text)) => text.clone(),
        Some(DnValue::PrintableString(text)) => text.as_str().to_owned(),
        Some(_) | None => String::new(),
    };
    if named(&DnType::OrganizationName) != "system:nodes" {
        return Err("subject organization is not system:nodes".to_owned());
    }
    if !named(&DnType::CommonName).starts_with("system:node:") {
        return Err("subject common name does not begin with \"system:node:\"".to_owned());
    }
    let serves = |name: &SanType| matches!(name, SanType::DnsName(_) | SanType::IpAddress(_));
    match signer {
        KUBELET_CLIENT if !params.subject_alt_names.is_empty() => {
            Err("DNS, IP, email and URI names are not allowed".to_owned())
        }
        KUBELET_SERVING if !params.subject_alt_names.iter().any(serves) => {
            Err("at least one DNS or IP name is required".to_owned())
        }
        _ => Ok(()),
    }
}

fn key_usage(usage: &str) -> Option<KeyUsagePurpose> {
    match usage {
        "digital signature" => Some(KeyUsagePurpose::DigitalSignature),
        "key encipherment" => Some(KeyUsagePurpose::KeyEncipherment),
        _ => None,
    }
}

fn extended_usage(usage: &str) -> Option<ExtendedKeyUsagePurpose> {
    match usage {
        "client auth" => Some(ExtendedKeyUsagePurpose::ClientAuth),
        "server auth" => Some(ExtendedKeyUsagePurpose::ServerAuth),
        _ => None,
    }
}

/// The authority's certificate and key, made when there is none yet.
fn authority(txn: &mut Txn<'_>, env: &Env<'_>) -> Result<(String, String), String> {
    let (namespace, name) = AUTHORITY;
    if txn.get("secrets", namespace, name).is_none() {
        let (certificate, key) = new_authority(env).map_err(|error| error.to_string())?;
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "type": "kubernetes.io/tls",
            "data": {"tls.crt": STANDARD.encode(certificate), "tls.key": STANDARD.encode(key)},
        });
        create_if_missing(txn, env, "secrets", secret);
    }
    let secret = txn.get("secrets", namespace, name).ok_or("the authority cannot be kept")?;
    let part = |field: &str| {
        let bytes = STANDARD.decode(meta::plain(&secret["data"][field])).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    };
    Ok((part("tls.crt"), part("tls.key")))
}

fn new_authority(env: &Env<'_>) -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "clinch sandbox");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params.not_before = moment(env.now.as_second() - EARLIER).map_err(|_| rcgen::Error::Time)?;
    params.not_after = moment(env.now.as_second() + 10 * YEAR).map_err(|_| rcgen::Error::Time)?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}
