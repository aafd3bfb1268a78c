//! Names, labels and resource names, with the server's words when they are wrong.
//!
//! Every function returns the list of complaints; an empty list means valid. The
//! words are kube-apiserver's, so that a person sees the same text before and
//! after the request.

/// The most bytes in a DNS label.
pub const LABEL_MAX: usize = 63;
/// The most bytes in a DNS subdomain, and so in most names.
pub const SUBDOMAIN_MAX: usize = 253;
/// The most bytes of all annotations of an object together.
pub const ANNOTATIONS_MAX: usize = 256 * 1024;

const LABEL_RULE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const DNS_1035_RULE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const KEY_RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE_RULE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const CONFIG_KEY_RULE: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const PORT_NAME_CHARS: &str =
    "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";

/// "must be no more than N bytes".
pub fn too_long(most: usize) -> String {
    format!("must be no more than {most} bytes")
}

/// The older rules of the server count the same bytes and call them characters.
fn too_long_characters(most: usize) -> String {
    format!("must be no more than {most} characters")
}

/// Complaints about a DNS-1123 label, such as the name of a namespace or a container.
pub fn dns_1123_label(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > LABEL_MAX {
        errors.push(too_long(LABEL_MAX));
    }
    if !is_label(text) {
        // A dotted name is a subdomain by mistake; the server says so with this rule alone.
        errors.push(if text.split('.').all(is_label) {
            "must not contain dots".to_owned()
        } else {
            LABEL_RULE.to_owned()
        });
    }
    errors
}

/// Complaints about a DNS-1123 subdomain, such as the name of most objects.
pub fn dns_1123_subdomain(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > SUBDOMAIN_MAX {
        errors.push(too_long(SUBDOMAIN_MAX));
    }
    if !text.split('.').all(is_label) {
        errors.push(SUBDOMAIN_RULE.to_owned());
    }
    errors
}

/// Complaints about a DNS-1035 label, such as the name of a service.
pub fn dns_1035_label(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > LABEL_MAX {
        errors.push(too_long_characters(LABEL_MAX));
    }
    if !is_label(text) || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        errors.push(DNS_1035_RULE.to_owned());
    }
    errors
}

/// Complaints about a label's key, which is also what is called a qualified name.
pub fn qualified_name(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts.as_slice() {
        [name] => *name,
        [prefix, name] => {
            if prefix.is_empty() {
                errors.push("prefix part must be non-empty".to_owned());
            } else {
                let wrong = dns_1123_subdomain(prefix);
                errors.extend(wrong.into_iter().map(|error| format!("prefix part {error}")));
            }
            *name
        }
        _ => {
            return vec![format!(
                "a valid label key {KEY_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        errors.push("name part must be non-empty".to_owned());
    } else if name.len() > LABEL_MAX {
        errors.push(format!("name part {}", too_long(LABEL_MAX)));
    }
    if !is_key(name) {
        errors.push(format!("name part {KEY_RULE}"));
    }
    errors
}

/// Complaints about a label's value.
pub fn label_value(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > LABEL_MAX {
        errors.push(too_long(LABEL_MAX));
    }
    if !text.is_empty() && !is_key(text) {
        errors.push(VALUE_RULE.to_owned());
    }
    errors
}

/// Complaints about a key of a `ConfigMap` or `Secret`.
pub fn config_map_key(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > SUBDOMAIN_MAX {
        errors.push(too_long_characters(SUBDOMAIN_MAX));
    }
    let fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if text.is_empty() || !text.chars().all(fine) {
        errors.push(CONFIG_KEY_RULE.to_owned());
    }
    match text {
        "." => errors.push("must not be '.'".to_owned()),
        ".." => errors.push("must not be '..'".to_owned()),
        _ if text.starts_with("..") => errors.push("must not start with '..'".to_owned()),
        _ => {}
    }
    errors
}

/// Complaints about a name that becomes part of a path, such as that of a role.
pub fn path_segment(text: &str) -> Vec<String> {
    if text == "." || text == ".." {
        return vec![format!("may not be '{text}'")];
    }
    let bad = ['/', '%'];
    bad.iter().filter(|c| text.contains(**c)).map(|c| format!("may not contain '{c}'")).collect()
}

/// Complaints about the name of a port.
pub fn port_name(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 15 {
        errors.push(too_long_characters(15));
    }
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.is_empty() || !text.chars().all(fine) {
        errors.push(PORT_NAME_CHARS.to_owned());
    }
    if !text.contains(|c: char| c.is_ascii_lowercase()) {
        errors.push("must contain at least one letter (a-z)".to_owned());
    }
    if text.contains("--") {
        errors.push("must not contain consecutive hyphens".to_owned());
    }
    if text.starts_with('-') || text.ends_with('-') {
        errors.push("must not begin or end with a hyphen".to_owned());
    }
    errors
}

/// Complaints about a port number.
pub fn port_number(port: i64) -> Vec<String> {
    if (1..=65_535).contains(&port) {
        return Vec::new();
    }
    vec!["must be between 1 and 65535, inclusive".to_owned()]
}

/// Whether this resource belongs to Kubernetes itself: no `/`, or a `kubernetes.io/` domain.
pub fn is_native_resource(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// Whether this names an extended resource that a node may advertise.
pub fn is_extended_resource(name: &str) -> bool {
    if is_native_resource(name) || name.starts_with("requests.") {
        return false;
    }
    // Quotas name it with this prefix, so the longer name has to be valid too.
    qualified_name(&format!("requests.{name}")).is_empty()
}

/// Why this cannot be an extended resource; `None` if it can.
pub fn extended_resource(name: &str) -> Option<String> {
    if !name.contains('/') {
        return Some(format!("`{name}` has no domain: write it as `example.com/{name}`"));
    }
    if name.contains("kubernetes.io/") {
        return Some(format!("`{name}` is in a domain that is reserved for Kubernetes"));
    }
    if name.starts_with("requests.") {
        return Some(format!(
            "`{name}` must not begin with `requests.`; only quotas use that prefix"
        ));
    }
    let errors = qualified_name(&format!("requests.{name}"));
    if errors.is_empty() { None } else { Some(format!("`{name}`: {}", errors.join("; "))) }
}

fn is_label(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(edge) && text.ends_with(edge) && text.bytes().all(inside)
}

fn is_key(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    let inside = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    text.starts_with(edge) && text.ends_with(edge) && text.chars().all(inside)
}
