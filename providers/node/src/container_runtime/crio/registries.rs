//! Mirrors of registries as CRI-O knows them: `[[registry]]` tables of `registries.conf`.
//!
//! An image is pulled by the table whose `prefix` is the longest that its name begins with: first
//! from each `mirror`, then from `location`. Both are hosts, perhaps with a path that stands in
//! front of the name of the image; the API is always at `https://HOST/v2/`. Where CRI-O would ask
//! for something else than containerd does with the same arguments, they are refused.
//!
//! Tables of files that are read later take the place of those with the same prefix.
//!
//! Sources: `containers-registries.conf(5)`, `containers-registries.conf.d(5)`;
//! `pkg/sysregistriesv2` of `containers/image` v5.36; `docs/hosts.md` of `containerd/containerd`.

use crate::codes;
use crate::container_runtime::text;
use crate::owned;
use plans::Problem;
use std::fmt::Write as _;
use values::{Map, Path, Value};

const ANY: &str = "_default";
/// What images of Docker Hub are called, and where they are.
const HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// A place that images are pulled from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    location: String,
    /// Without TLS, or without looking whose certificate it is.
    insecure: bool,
    /// Asked only for images whose digest is known.
    by_digest: bool,
}

/// What of them CRI-O cannot do. What is wrong with them on any runtime is told elsewhere.
pub(super) fn check(mirrors: &Value) -> Vec<Problem> {
    let mut out = Vec::new();
    let mut seen: Vec<(String, bool)> = Vec::new();
    for (registry, mirror) in mirrors.as_map().into_iter().flat_map(Map::iter) {
        let at = Path::of("mirrors").attr(registry);
        if &**registry == ANY {
            let detail = "CRI-O has no mirror of all registries.";
            let help = "Name each registry.";
            out.push(cannot(at, detail.to_owned(), help));
            continue;
        }
        if let Some(url) = mirror.get("server").and_then(Value::as_str)
            && path_of(url).is_some()
        {
            let detail = "The API of a server is always at `/v2/` for CRI-O.".to_owned();
            out.push(cannot(at.clone().attr("server"), detail, "Write it without a path."));
        }
        // CRI-O takes no file in which one place is safe here and not there.
        let (location, insecure) = server(registry, mirror);
        if seen.iter().any(|(known, is)| *known == location && *is != insecure) {
            let detail = format!("`{location}` is safe in one of the mirrors and not in another.");
            let help = "Write the same scheme at both.";
            out.push(cannot(at.clone().attr("server"), detail, help));
        }
        seen.push((location, insecure));
        let endpoints = mirror.get("endpoints").and_then(Value::as_list).unwrap_or(&[]);
        for (i, endpoint) in endpoints.iter().enumerate() {
            check_endpoint(endpoint, &at.clone().attr("endpoints").index(i), &mut out);
        }
    }
    out
}

fn check_endpoint(endpoint: &Value, at: &Path, out: &mut Vec<Problem>) {
    let given = |name: &str| endpoint.get(name).filter(|value| !value.is_null());
    if let Some(ca) = given("ca") {
        let host = given("url").and_then(Value::as_str).map_or("HOST", host_of);
        let detail = "CRI-O looks for the authority of a registry in a folder of its name.";
        let help = format!(
            "Put {} into `/etc/containers/certs.d/{host}/ca.crt`, with `host_file`.",
            ca.as_str().map_or("it".to_owned(), |ca| format!("what is in `{}`", ca.escape_debug()))
        );
        out.push(cannot(at.clone().attr("ca"), detail.to_owned(), &help));
    }
    if let Some(names) = given("capabilities").and_then(Value::as_list) {
        let has = |name: &str| names.iter().any(|given| given.as_str() == Some(name));
        let at = at.clone().attr("capabilities");
        if has("push") {
            let detail = "CRI-O never pushes.".to_owned();
            out.push(cannot(at, detail, "Leave `push` out."));
        } else if !has("pull") && names.iter().all(Value::is_known) {
            let detail = "CRI-O pulls from every mirror that it asks.".to_owned();
            out.push(cannot(at, detail, "Add `pull`, or leave the endpoint out."));
        }
    }
    let Some(url) = given("url").and_then(Value::as_str) else { return };
    let overrides = given("override_path").and_then(Value::as_bool) == Some(true);
    let whole = path_of(url).unwrap_or_default();
    let is_api = whole == "v2" || whole.starts_with("v2/");
    let is_fine = if overrides { is_api } else { whole.is_empty() };
    if !is_fine {
        let detail = "CRI-O asks every mirror at `/v2/`, and cannot leave it out or put something \
                      before it.";
        let help = format!(
            "Where the images are below a path, write `url = \"https://{}/v2/PATH\"` and \
             `override_path = true`.",
            host_of(url)
        );
        out.push(cannot(at.clone().attr("url"), detail.to_owned(), &help));
    }
}

fn cannot(at: Path, detail: String, help: &str) -> Problem {
    Problem::error(codes::REGISTRY, "Not a mirror that CRI-O can have", at, detail).with_help(help)
}

/// Without scheme and path.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

/// What comes after the host, if anything does.
fn path_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    Some(path.trim_end_matches('/')).filter(|path| !path.is_empty())
}

/// Where a registry itself is, and whether nobody looks whose certificate it has.
fn server(registry: &str, mirror: &Value) -> (String, bool) {
    let url = mirror.get("server").and_then(Value::as_str);
    let host = url.map_or(registry, host_of);
    // It has its credentials under the name that images have.
    let host = if (registry, host) == HUB { registry } else { host };
    (host.to_owned(), url.is_some_and(|url| url.starts_with("http://")))
}

fn place(endpoint: &Value) -> Place {
    let url = endpoint.get("url").and_then(Value::as_str).unwrap_or_default();
    let below = path_of(url).and_then(|path| path.strip_prefix("v2/"));
    let host = host_of(url);
    let capabilities = endpoint.get("capabilities").and_then(Value::as_list);
    Place {
        location: below.map_or(host.to_owned(), |below| format!("{host}/{below}")),
        insecure: url.starts_with("http://")
            || endpoint.get("skip_verify").and_then(Value::as_bool) == Some(true),
        // Who may not say what a tag means is only asked for digests.
        by_digest: capabilities
            .is_some_and(|names| !names.iter().any(|name| name.as_str() == Some("resolve"))),
    }
}

/// The file of all mirrors; `None` when there are none.
pub(super) fn render(project: &str, mirrors: &Value) -> Option<String> {
    let mirrors = mirrors.as_map().filter(|mirrors| !mirrors.is_empty())?;
    let mut out = owned::head(project, false);
    for (registry, mirror) in mirrors.iter() {
        let (location, insecure) = server(registry, mirror);
        // Writing to a string cannot fail.
        let _ = writeln!(out, "\n[[registry]]\nprefix = {}", text::quoted(registry));
        let _ = writeln!(out, "location = {}", text::quoted(&location));
        if insecure {
            out.push_str("insecure = true\n");
        }
        let endpoints = mirror.get("endpoints").and_then(Value::as_list).unwrap_or(&[]);
        let places: Vec<Place> = endpoints.iter().map(place).collect();
        // Versions before 1.25 know only the setting for all.
        let all_by_digest = !places.is_empty() && places.iter().all(|place| place.by_digest);
        if all_by_digest {
            out.push_str("mirror-by-digest-only = true\n");
        }
        for place in places {
            let location = text::quoted(&place.location);
            let _ = writeln!(out, "\n[[registry.mirror]]\nlocation = {location}");
            if place.insecure {
                out.push_str("insecure = true\n");
            }
            if place.by_digest && !all_by_digest {
                out.push_str("pull-from-mirror = \"digest-only\"\n");
            }
        }
    }
    Some(out)
}

/// The tables of a file by their prefixes, in its own words; the error is the end of a sentence.
pub(super) fn read(content: &str) -> Result<Value, String> {
    let file = text::read(content)?;
    let tables = file.get("registry").and_then(Value::as_list).unwrap_or(&[]);
    let mut out: Map = Map::default();
    for table in tables {
        let of = |name: &str| table.get(name)?.as_str().filter(|text| !text.is_empty());
        let Some(prefix) = of("prefix").or(of("location")) else { continue };
        let mut rest = table.as_map().cloned().unwrap_or_default();
        rest.remove("prefix");
        // Of two in one file the first counts.
        let prefix = prefix.trim_end_matches('/');
        if !out.contains_key(prefix) {
            out.insert(prefix.into(), Value::map(rest));
        }
    }
    Ok(Value::map(out))
}

/// Whether a table elsewhere is asked for images of a registry although there is one of its own:
/// the longest prefix wins, and of two as long the one that sorts first.
pub(super) fn hides(prefix: &str, registry: &str) -> bool {
    let Some(end) = prefix.strip_prefix('*') else { return false };
    registry.ends_with(end) && prefix.len() >= registry.len()
}

/// Whether a table elsewhere is asked for some of its images.
pub(super) fn is_part(prefix: &str, registry: &str) -> bool {
    prefix.strip_prefix(registry).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str, more: &[(&'static str, Value)]) -> Value {
        let url = [("url", Value::from(url))];
        Value::map(url.into_iter().chain(more.iter().cloned()))
    }

    fn mirrors(registry: &'static str, server: Option<&str>, endpoints: &[Value]) -> Value {
        let server = server.map(|server| ("server", Value::from(server)));
        let endpoints = [("endpoints", Value::list(endpoints.to_vec()))];
        Value::map([(registry, Value::map(server.into_iter().chain(endpoints)))])
    }

    fn words(names: &[&str]) -> Value {
        Value::list(names.iter().map(|name| Value::from(*name)))
    }

    #[test]
    fn tables_ask_the_mirrors_in_order_and_then_the_registry() {
        let pulls = ("capabilities", words(&["pull", "resolve"]));
        let digests = ("capabilities", words(&["pull"]));
        let all = mirrors(
            "docker.io",
            Some("https://registry-1.docker.io"),
            &[
                endpoint(
                    "https://mirror.example.org:5000/v2/hub",
                    &[pulls, ("override_path", true.into())],
                ),
                endpoint("http://10.0.0.7", &[digests]),
                endpoint("https://b.example/", &[("skip_verify", true.into())]),
            ],
        );
        assert_eq!(told(&all), "");
        let file = render("shop", &all).unwrap();
        assert_eq!(
            file,
            r#"# Managed by clinch (project shop)
# Changes made here are overwritten.

[[registry]]
prefix = "docker.io"
location = "docker.io"

[[registry.mirror]]
location = "mirror.example.org:5000/hub"

[[registry.mirror]]
location = "10.0.0.7"
insecure = true
pull-from-mirror = "digest-only"

[[registry.mirror]]
location = "b.example"
insecure = true
"#
        );
        let read = read(&file).unwrap();
        let table = read.get("docker.io").unwrap();
        assert_eq!(table.get("location"), Some(&"docker.io".into()));
        assert_eq!(table.get("mirror").and_then(Value::as_list).map(<[Value]>::len), Some(3));
        assert_eq!(render("shop", &Value::empty_map()), None);
    }

    #[test]
    fn mirrors_that_only_know_digests_are_said_as_every_version_reads_it() {
        let one = endpoint("https://a.example", &[("capabilities", words(&["pull"]))]);
        let file = render("shop", &mirrors("quay.io", Some("http://b.example"), &[one])).unwrap();
        let (_, tables) = file.split_once("\n\n").unwrap();
        assert_eq!(
            tables,
            "[[registry]]\nprefix = \"quay.io\"\nlocation = \"b.example\"\ninsecure = true\n\
             mirror-by-digest-only = true\n\n[[registry.mirror]]\nlocation = \"a.example\"\n"
        );
    }

    fn told(mirrors: &Value) -> String {
        let lines = check(mirrors);
        let lines = lines.iter().map(|p| format!("{} at `{}`: {}", p.code, p.path, p.detail));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_cri_o_cannot_do_is_refused_at_its_place() {
        let wrong = |url: &str, more: &[(&'static str, Value)]| {
            told(&mirrors("quay.io", None, &[endpoint(url, more)]))
        };
        let at = "E0825 at `mirrors[\"quay.io\"].endpoints[0]";
        let url = "https://a.example";
        assert_eq!(wrong(url, &[]), "");
        let found = wrong(url, &[("ca", "/etc/a.pem".into())]);
        assert!(found.starts_with(&format!("{at}.ca`: CRI-O looks for the authority")), "{found}");
        let found = wrong(url, &[("capabilities", words(&["pull", "push"]))]);
        assert_eq!(found, format!("{at}.capabilities`: CRI-O never pushes."));
        let found = wrong(url, &[("capabilities", words(&["resolve"]))]);
        assert!(found.starts_with(&format!("{at}.capabilities`: CRI-O pulls")), "{found}");
        let overrides = [("override_path", Value::from(true))];
        for (url, more) in [
            ("https://a.example/hub", &[][..]),
            ("https://a.example/v2/hub", &[]),
            ("https://a.example", &overrides),
            ("https://a.example/api/hub", &overrides),
            ("https://a.example/v2hub", &overrides),
        ] {
            let found = wrong(url, more);
            assert!(
                found.starts_with(&format!("{at}.url`: CRI-O asks every mirror")),
                "{url}: {found}"
            );
        }
        assert_eq!(wrong("https://a.example/v2", &overrides), "");
        let any = told(&mirrors("_default", Some("https://a"), &[]));
        assert_eq!(any, "E0825 at `mirrors._default`: CRI-O has no mirror of all registries.");
        let below = told(&mirrors("quay.io", Some("https://a/v2/x"), &[]));
        assert!(below.starts_with("E0825 at `mirrors[\"quay.io\"].server`"), "{below}");
        let two = Value::map([
            ("a.io", Value::map([("server", Value::from("http://c.io"))])),
            ("b.io", Value::map([("server", Value::from("https://c.io"))])),
        ]);
        assert!(told(&two).contains("`c.io` is safe in one of the mirrors"), "{}", told(&two));
    }

    #[test]
    fn the_longest_prefix_is_asked() {
        assert!(hides("*.example.org", "a.example.org"));
        assert!(!hides("*.example.org", "ab.example.org"));
        assert!(!hides("*.example.org", "a.example.com"));
        assert!(is_part("docker.io/library", "docker.io"));
        assert!(
            !is_part("docker.io.example.org", "docker.io") && !is_part("docker.io", "docker.io")
        );
    }

    #[test]
    fn a_table_without_a_prefix_is_about_its_location() {
        let read = read(
            "[[registry]]\nlocation = \"a.io/\"\nblocked = true\n[[registry]]\nprefix = \"a.io\"\n",
        );
        assert_eq!(read.unwrap().get("a.io").and_then(|t| t.get("blocked")), Some(&true.into()));
    }
}
