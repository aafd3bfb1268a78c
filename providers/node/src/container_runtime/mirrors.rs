//! Mirrors of registries: what is asked for, and how containerd reads it.
//!
//! Source: `docs/hosts.md` of `containerd/containerd` v2.2.

use super::text;
use crate::codes;
use crate::owned;
use plans::Problem;
use std::fmt::Write as _;
use values::{Path, Type, Value};

/// The folder of what is known about registries, when the file names none.
pub(super) const FOLDER: &str = "/etc/containerd/certs.d";
/// The file in the folder of a registry.
pub(super) const FILE: &str = "hosts.toml";
/// What is known about every registry that has no folder of its own.
const ANY: &str = "_default";
const CAPABILITIES: [&str; 3] = ["pull", "resolve", "push"];

/// What the argument holds.
pub(super) fn ty() -> Type {
    let endpoint = Type::object([
        ("url", Type::String),
        ("capabilities?", Type::list(Type::String)),
        ("ca?", Type::String),
        ("skip_verify?", Type::Bool),
        ("override_path?", Type::Bool),
    ]);
    Type::map(Type::object([("server?", Type::String), ("endpoints?", Type::list(endpoint))]))
}

/// What is wrong with them.
pub(super) fn check(mirrors: &Value) -> Vec<Problem> {
    let all = mirrors.as_map().into_iter().flat_map(values::Map::iter);
    all.flat_map(|(registry, mirror)| {
        let at = Path::of("mirrors").attr(registry);
        wrong_registry(registry)
            .map(|why| {
                let detail = format!("`{}` {why}.", registry.escape_debug());
                Problem::error(codes::REGISTRY, "Invalid registry", at.clone(), detail).with_help(
                    "Write what stands before the first `/` of an image's name: `docker.io`, \
                     `registry.example.org:5000`; or `_default` for all others.",
                )
            })
            .into_iter()
            .chain(check_one(mirror, &at))
            .collect::<Vec<_>>()
    })
    .collect()
}

fn check_one(mirror: &Value, at: &Path) -> Vec<Problem> {
    let wrong = |path: Path, detail: String| {
        Problem::error(codes::REGISTRY, "Invalid registry mirror", path, detail)
    };
    let mut out = Vec::new();
    let server = mirror.get("server").filter(|server| !server.is_null());
    if let Some(why) = server.and_then(Value::as_str).and_then(wrong_url) {
        out.push(wrong(at.clone().attr("server"), why));
    }
    let endpoints = mirror.get("endpoints").and_then(Value::as_list).unwrap_or(&[]);
    if endpoints.is_empty() && server.is_none() && mirror.is_known() {
        let detail = "It has neither `endpoints` nor a `server`.".to_owned();
        out.push(wrong(at.clone(), detail));
    }
    let mut urls = Vec::new();
    for (i, endpoint) in endpoints.iter().enumerate() {
        let at = at.clone().attr("endpoints").index(i);
        if let Some(url) = endpoint.get("url").and_then(Value::as_str) {
            let path = at.clone().attr("url");
            if let Some(why) = wrong_url(url) {
                out.push(wrong(path, why));
            } else if urls.contains(&url) {
                out.push(wrong(path, format!("`{url}` stands in it twice.")));
            }
            urls.push(url);
        }
        let capabilities = endpoint.get("capabilities").and_then(Value::as_list).unwrap_or(&[]);
        for (j, capability) in capabilities.iter().enumerate() {
            let Some(name) = capability.as_str() else { continue };
            if !CAPABILITIES.contains(&name) {
                let path = at.clone().attr("capabilities").index(j);
                let all = CAPABILITIES.join(", ");
                let detail = format!("`{}` must be one of: {all}.", name.escape_debug());
                out.push(wrong(path, detail));
            }
        }
        if let Some(ca) = endpoint.get("ca").and_then(Value::as_str)
            && let Some(problem) = crate::place::check_path(ca)
        {
            out.push(Problem { path: at.attr("ca"), help: None, ..problem });
        }
    }
    out
}

/// Why a name is not one of a registry, as the end of a sentence. It becomes the name of a folder.
pub(super) fn wrong_registry(name: &str) -> Option<&'static str> {
    if name == ANY {
        return None;
    }
    if name.contains("://") {
        return Some("is an address: a registry has no scheme");
    }
    if name.contains('/') {
        return Some("has a `/`: a mirror is for a whole registry");
    }
    let (host, port) = match name.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (name, None),
    };
    if port.is_some_and(|port| !is_port(port)) {
        return Some("has a port that is none");
    }
    (!is_host(host)).then_some("is not the name of a host")
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        let plain = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        plain && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(is_label)
}

/// Why a text is not the address of a registry, as a sentence. It is never repeated whole: there
/// may be a password in it.
fn wrong_url(url: &str) -> Option<String> {
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return Some("It must begin with `https://` or `http://`.".to_owned());
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        return Some("It has a user in it; containerd would not log in.".to_owned());
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/%+".contains(&b);
    if !path.bytes().all(plain) || path.split('/').any(|part| part == "..") {
        return Some("Its path has characters that no registry's has.".to_owned());
    }
    let wrong = wrong_registry(authority).or((authority == ANY).then_some("is no host"))?;
    Some(format!("`{}` {wrong}.", authority.escape_debug()))
}

/// The folder in which containerd looks first that is there, or will be made.
///
/// Source: `docs/hosts.md`, "Port Handling in Registry Host".
pub(super) fn place(folder: &str, registry: &str, there: impl Fn(&str) -> bool) -> String {
    let path = |name: &str| format!("{folder}/{name}/{FILE}");
    let other = registry.split_once(':').map(|(host, port)| path(&format!("{host}_{port}_")));
    match other {
        Some(other) if there(&other) => other,
        Some(_) | None => path(registry),
    }
}

/// A mirror as it is shown: without what is not given.
pub(super) fn plain(mirror: &Value) -> Value {
    match mirror {
        Value::Map(map) => {
            let given = map.iter().filter(|(_, value)| !value.is_null());
            Value::map(given.map(|(key, value)| (key.clone(), plain(value))))
        }
        Value::List(items) => Value::list(items.iter().map(plain)),
        other => other.clone(),
    }
}

/// The file of a mirror, as containerd reads it.
pub(super) fn render(project: &str, mirror: &Value) -> String {
    let mut out = owned::head(project, false);
    // Writing to a string cannot fail.
    if let Some(server) = mirror.get("server").and_then(Value::as_str) {
        let _ = writeln!(out, "server = {}", text::quoted(server));
    }
    for endpoint in mirror.get("endpoints").and_then(Value::as_list).unwrap_or(&[]) {
        let url = endpoint.get("url").and_then(Value::as_str).unwrap_or_default();
        let _ = writeln!(out, "\n[host.{}]", text::quoted(url));
        if let Some(names) = endpoint.get("capabilities").and_then(Value::as_list) {
            let names: Vec<_> = names.iter().filter_map(Value::as_str).map(text::quoted).collect();
            let _ = writeln!(out, "  capabilities = [{}]", names.join(", "));
        }
        if let Some(ca) = endpoint.get("ca").and_then(Value::as_str) {
            let _ = writeln!(out, "  ca = {}", text::quoted(ca));
        }
        for flag in ["skip_verify", "override_path"] {
            if let Some(set) = endpoint.get(flag).and_then(Value::as_bool) {
                let _ = writeln!(out, "  {flag} = {set}");
            }
        }
    }
    out
}

/// What a file says, in the form of the argument; `None` when it is no TOML. What the argument
/// has no name for is left out: it may be a secret.
pub(super) fn read(content: &str) -> Option<Value> {
    let doc = text::parsed(content).ok()?;
    let root = doc.as_table();
    let hosts = root.get("host").and_then(toml_edit::Item::as_table_like);
    let endpoints = hosts.into_iter().flat_map(toml_edit::TableLike::iter).map(|(url, host)| {
        let host = host.as_table_like();
        let known = ["capabilities", "ca", "skip_verify", "override_path"];
        let given =
            known.into_iter().filter_map(|name| Some((name, text::value(host?.get(name)?))));
        Value::map([("url", url.into())].into_iter().chain(given))
    });
    let endpoints: Vec<Value> = endpoints.collect();
    let server = root.get("server").map(|server| ("server", text::value(server)));
    let endpoints = (!endpoints.is_empty()).then(|| ("endpoints", Value::list(endpoints)));
    Some(Value::map(server.into_iter().chain(endpoints)))
}

/// Whether it may hold credentials: nobody knows what a header is for.
pub(super) fn holds_secrets(content: &str) -> bool {
    content.contains("header")
}

/// Where nobody looks whether the server is the right one.
pub(super) fn unverified(mirrors: &Value) -> Vec<String> {
    let all = mirrors.as_map().into_iter().flat_map(values::Map::values);
    let endpoints = all.flat_map(|m| m.get("endpoints").and_then(Value::as_list).unwrap_or(&[]));
    let open = |endpoint: &&Value| {
        let url = endpoint.get("url").and_then(Value::as_str).unwrap_or_default();
        url.starts_with("http://")
            || endpoint.get("skip_verify").and_then(Value::as_bool) == Some(true)
    };
    let url = |endpoint: &Value| endpoint.get("url").and_then(Value::as_str).map(str::to_owned);
    endpoints.filter(open).filter_map(url).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirror() -> Value {
        let private = Value::map([
            ("url", "https://mirror.example.org:5000/v2/hub".into()),
            ("capabilities", Value::list(["pull".into(), "resolve".into()])),
            ("ca", "/etc/ssl/mirror.pem".into()),
            ("override_path", true.into()),
        ]);
        let public = Value::map([
            ("url", "http://10.0.0.7".into()),
            ("capabilities", Value::list(["pull".into()])),
            ("skip_verify", false.into()),
        ]);
        let server = ("server", "https://registry-1.docker.io".into());
        Value::map([server, ("endpoints", Value::list([private, public]))])
    }

    const TEXT: &str = r#"# Managed by clinch (project shop)
# Changes made here are overwritten.
server = "https://registry-1.docker.io"

[host."https://mirror.example.org:5000/v2/hub"]
  capabilities = ["pull", "resolve"]
  ca = "/etc/ssl/mirror.pem"
  override_path = true

[host."http://10.0.0.7"]
  capabilities = ["pull"]
  skip_verify = false
"#;

    #[test]
    fn file_has_the_endpoints_in_order_and_reads_back() {
        assert_eq!(render("shop", &mirror()), TEXT);
        assert_eq!(read(TEXT), Some(mirror()));
        assert_eq!(read("server = "), None);
    }

    #[test]
    fn headers_are_not_shown() {
        let text = "[host.\"https://a.example\"]\n[host.\"https://a.example\".header]\nauthorization = \"Basic x\"\n";
        let endpoint = Value::map([("url", "https://a.example".into())]);
        assert_eq!(read(text), Some(Value::map([("endpoints", Value::list([endpoint]))])));
        assert!(holds_secrets(text));
    }

    #[test]
    fn a_registry_is_a_host_and_perhaps_a_port() {
        for name in ["docker.io", "_default", "localhost:5000", "10.0.0.7:80", "A-b.c"] {
            assert_eq!(wrong_registry(name), None, "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            "../etc",
            "a/b",
            "https://docker.io",
            "a b",
            "a\nb",
            "a:0",
            "a:65536",
            "a:",
            "a:+1",
            "-a",
            "a..b",
            "_other",
            "a\0",
            "\u{202e}",
            "[::1]",
            "a_b",
            "é.io",
        ] {
            assert!(wrong_registry(name).is_some(), "{name:?}");
        }
    }

    #[test]
    fn an_address_has_a_scheme_a_host_and_no_password() {
        for url in ["https://a.example", "http://10.0.0.7:5000", "https://a.example/v2/hub"] {
            assert_eq!(wrong_url(url), None, "{url}");
        }
        for url in [
            "a.example",
            "ftp://a",
            "https://",
            "https://_default",
            "https://a/\"]",
            "https://a/../b",
            "https://a?x",
            "https://a b",
            "https://u:hunter2@a",
            "https://a/\u{1b}[31m",
        ] {
            let why = wrong_url(url).unwrap_or_else(|| panic!("{url}"));
            assert!(!why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn a_folder_that_containerd_looks_into_first_is_the_one() {
        let there = |path: &str| path.contains("_5000_");
        let old = "/c/a_5000_/hosts.toml";
        assert_eq!(place("/c", "a:5000", there), old);
        assert_eq!(place("/c", "a:5000", |_| false), "/c/a:5000/hosts.toml");
        assert_eq!(place("/c", "a", there), "/c/a/hosts.toml");
    }
}
