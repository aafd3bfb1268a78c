//! The certificate of an authority, read from PEM.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use values::Value;
use x509_parser::pem::Pem;

/// What is wrong with a text that must not be shown.
pub(super) const KEY: &str = "The text has a private key.";

/// The certificate of an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Authority {
    /// In PEM, in lines of 64 characters, and nothing around it.
    pub(super) pem: String,
    /// Whose it is.
    pub(super) subject: String,
    /// SHA-256 of the certificate.
    fingerprint: String,
    /// Seconds since 1970.
    pub(super) not_before: i64,
    pub(super) not_after: i64,
    /// The day of `not_after`.
    pub(super) expires: String,
}

impl Authority {
    /// Reads exactly one; else what is wrong, as a sentence that repeats nothing of the text,
    /// which may be a key. Source for what an authority is: RFC 5280, 4.2.1.3 and 4.2.1.9.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut found = Vec::new();
        for block in Pem::iter_from_buffer(text.as_bytes()) {
            found.push(block.map_err(|_| "The text is no complete PEM.".to_owned())?);
        }
        if found.iter().any(|block| block.label.ends_with("PRIVATE KEY")) {
            return Err(KEY.to_owned());
        }
        let block = match found.as_slice() {
            [block] if block.label == "CERTIFICATE" => block,
            [_] => return Err("The text is PEM, and no certificate.".to_owned()),
            [] => return Err("The text has no certificate in PEM.".to_owned()),
            several => {
                return Err(format!(
                    "The text has {} certificates, and one is meant.",
                    several.len()
                ));
            }
        };
        let damaged = || "The certificate cannot be read.".to_owned();
        let certificate = block.parse_x509().map_err(|_| damaged())?;
        let constraints = certificate.basic_constraints().map_err(|_| damaged())?;
        if !constraints.is_some_and(|constraints| constraints.value.ca) {
            return Err("The certificate is not one of an authority (`CA:TRUE`).".to_owned());
        }
        let usage = certificate.key_usage().map_err(|_| damaged())?;
        if usage.is_some_and(|usage| !usage.value.key_cert_sign()) {
            return Err("The authority may not sign certificates (`keyCertSign`).".to_owned());
        }
        let validity = certificate.validity();
        Ok(Self {
            pem: wrapped(&block.contents),
            subject: access::text::clean(&certificate.subject().to_string()),
            fingerprint: access::digest(&block.contents),
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
            expires: validity.not_after.to_datetime().date().to_string(),
        })
    }

    /// As people tell certificates apart.
    pub(super) fn shown(self) -> Vec<(&'static str, Value)> {
        vec![
            ("subject", self.subject.into()),
            ("expires", self.expires.into()),
            ("sha256", self.fingerprint.into()),
        ]
    }
}

fn wrapped(der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut out = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "{line}");
        rest = after;
    }
    out + "-----END CERTIFICATE-----\n"
}
