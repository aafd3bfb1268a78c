//! What certificates say of themselves. None of it is checked, and none of it looks at a clock.

use super::Kind::String;
use super::{Failed, FunctionInfo, Outcome, deep, fail, p, str_at};
use sha2::Digest as _;
use std::net::IpAddr;
use values::Value;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;
use x509_parser::prelude::X509Certificate;
use x509_parser::time::ASN1Time;

/// So many in one text at most.
const MOST: usize = 1000;

pub(super) fn table() -> Vec<FunctionInfo> {
    vec![deep(
        "pemcertificates",
        [p("pem", String)],
        "list(any)",
        "What the certificates in a text of PEM say, in their order: `subject`, `issuer`, `serial`, \
         `not_before`, `not_after`, `is_ca`, `dns_names`, `ip_addresses`, `sha256`. Nothing is \
         checked.",
        certificates,
    )]
}

/// The text may hold a key too, so no message repeats any of it.
fn certificates(args: &[Value]) -> Outcome {
    let mut found = Vec::new();
    for block in Pem::iter_from_buffer(str_at(args, 0).as_bytes()) {
        let Ok(block) = block else { return fail(0, "the text is no complete PEM") };
        if block.label != "CERTIFICATE" {
            continue;
        }
        let number = found.len() + 1;
        if number > MOST {
            return fail(0, format!("there are more than {MOST} certificates"));
        }
        let damaged = || format!("certificate {number} cannot be read");
        let Ok(certificate) = block.parse_x509() else { return fail(0, damaged()) };
        found.push(told(&certificate, &block.contents).or_else(|_| fail(0, damaged()))?);
    }
    if found.is_empty() {
        return fail(0, "the text has no certificate in PEM");
    }
    Ok(Value::list(found))
}

fn told(certificate: &X509Certificate<'_>, der: &[u8]) -> Result<Value, Failed> {
    let broken = |_| Failed { arg: None, why: "broken".into(), help: None };
    let authority = certificate.basic_constraints().map_err(broken)?;
    let names = certificate.subject_alternative_name().map_err(broken)?;
    let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
    let dns = names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(Value::from(*name)),
        _ => None,
    });
    let addresses = names.iter().filter_map(|name| match name {
        GeneralName::IPAddress(bytes) => Some(Value::from(address(bytes)?.to_string())),
        _ => None,
    });
    let validity = certificate.validity();
    Ok(Value::map([
        ("subject", certificate.subject().to_string().into()),
        ("issuer", certificate.issuer().to_string().into()),
        ("serial", super::hex(certificate.raw_serial()).into()),
        ("not_before", time(&validity.not_before)?),
        ("not_after", time(&validity.not_after)?),
        ("is_ca", authority.is_some_and(|constraints| constraints.value.ca).into()),
        ("dns_names", Value::list(dns)),
        ("ip_addresses", Value::list(addresses)),
        ("sha256", super::hex(&sha2::Sha256::digest(der)).into()),
    ]))
}

/// As `timecmp` and `formatdate` read it.
fn time(at: &ASN1Time) -> Result<Value, Failed> {
    match jiff::Timestamp::from_second(at.timestamp()) {
        Ok(at) => Ok(at.to_string().into()),
        Err(_) => fail(None, "a date is out of range"),
    }
}

/// Source: RFC 5280, 4.2.1.6: four or sixteen octets.
fn address(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}
