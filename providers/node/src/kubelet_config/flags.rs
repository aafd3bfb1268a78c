//! Flags of a kubelet's command line that win over its file.
//!
//! What kubeadm and its packages set up reads them from two files of variables, and a unit may have
//! more of them. A kubelet reads its file first and its flags again over it, so that a setting of
//! the file that a flag gives, too, is never what runs.
//!
//! Sources: [The kubelet drop-in file for
//! systemd](https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/kubelet-integration/#the-kubelet-drop-in-file-for-systemd);
//! `AddKubeletConfigFlags` and `kubeletConfigFlagPrecedence` in `cmd/kubelet/app` of
//! `kubernetes/kubernetes` v1.37; `systemd.exec(5)`, `EnvironmentFile=`.

use super::{env, running};
use crate::codes;
use crate::look::Looked;
use crate::settings::ways::Way;
use access::{Ask, HostError};
use apimachinery::versions::{Minor, Shape};
use plans::Problem;
use values::{Path, Value};

/// Where kubeadm and the packages of Debian and RHEL keep flags, each over the one before and all
/// over those that the unit has itself.
const FILES: [&str; 3] = [env::PATH, "/etc/default/kubelet", "/etc/sysconfig/kubelet"];
/// The variables of these files that the unit makes flags of.
const VARIABLES: [&str; 2] = ["KUBELET_KUBEADM_ARGS", "KUBELET_EXTRA_ARGS"];
/// How a person is told that it is in none of them.
const THE_UNIT: &str = "the unit `kubelet`";
const UNIT: [&str; 4] = ["systemctl", "show", "--property=ExecStart,Environment", "kubelet"];

/// Flags whose name is not that of their setting in other letters; keys of maps behind a dot.
const OTHER_NAMES: [(&str, &str); 31] = [
    ("anonymous-auth", "authentication.anonymous.enabled"),
    ("authentication-token-webhook", "authentication.webhook.enabled"),
    ("authentication-token-webhook-cache-ttl", "authentication.webhook.cacheTTL"),
    ("authorization-mode", "authorization.mode"),
    ("authorization-webhook-cache-authorized-ttl", "authorization.webhook.cacheAuthorizedTTL"),
    ("authorization-webhook-cache-unauthorized-ttl", "authorization.webhook.cacheUnauthorizedTTL"),
    ("cgroups-per-qos", "cgroupsPerQOS"),
    ("client-ca-file", "authentication.x509.clientCAFile"),
    ("cluster-dns", "clusterDNS"),
    ("contention-profiling", "enableContentionProfiling"),
    ("cpu-cfs-quota", "cpuCFSQuota"),
    ("cpu-cfs-quota-period", "cpuCFSQuotaPeriod"),
    ("event-qps", "eventRecordQPS"),
    ("fail-cgroupv1", "failCgroupV1"),
    ("http-check-frequency", "httpCheckFrequency"),
    ("image-gc-high-threshold", "imageGCHighThresholdPercent"),
    ("image-gc-low-threshold", "imageGCLowThresholdPercent"),
    ("kube-api-burst", "kubeAPIBurst"),
    ("kube-api-content-type", "contentType"),
    ("kube-api-qps", "kubeAPIQPS"),
    ("make-iptables-util-chains", "makeIPTablesUtilChains"),
    ("manifest-url", "staticPodURL"),
    ("minimum-image-ttl-duration", "imageMinimumGCAge"),
    ("pod-cidr", "podCIDR"),
    ("pod-manifest-path", "staticPodPath"),
    ("pod-max-pids", "podPidsLimit"),
    ("provider-id", "providerID"),
    ("registry-qps", "registryPullQPS"),
    ("reserved-cpus", "reservedSystemCPUs"),
    ("resolv-conf", "resolvConf"),
    ("rotate-server-certificates", "serverTLSBootstrap"),
];

/// Flags with which pods that run would not be found again.
pub(super) const MOVES_PODS: [&str; 3] = ["cloud-provider", "hostname-override", "root-dir"];
/// Flags that a unit gives and nothing else should.
const THE_UNITS: [&str; 3] = ["bootstrap-kubeconfig", "config", "kubeconfig"];

/// A flag, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Flag {
    name: String,
    /// `true` when it is given without one.
    value: String,
    place: String,
}

/// What is looked at to know the flags of the next start.
pub(crate) fn asks() -> Vec<Ask> {
    FILES.into_iter().map(Ask::file).chain([Ask::command(UNIT)]).collect()
}

/// What was seen of them, one text for each flag, so that nothing else of these files gets into a
/// plan. What is no setting is left out.
pub(super) fn seen(looked: &Looked) -> Result<Value, HostError> {
    let of_settings = all(looked)?.into_iter().filter(|flag| way(&flag.name).is_some());
    Ok(Value::list(of_settings.map(Flag::into_value)))
}

/// What the next start is given of these flags, each as its name, its text and where it stands.
pub(crate) fn among(looked: &Looked, names: &[&str]) -> Result<Value, HostError> {
    let wanted = all(looked)?.into_iter().filter(|flag| names.contains(&&*flag.name));
    Ok(Value::list(wanted.map(Flag::into_value)))
}

/// All flags of the next start, in their order.
fn all(looked: &Looked) -> Result<Vec<Flag>, HostError> {
    let unit = match looked.ran(&UNIT) {
        Ok(Some(output)) if output.succeeded() => of_unit(&output.text()),
        // The unit may be of another init system; then the running kubelet tells.
        Ok(Some(_) | None) | Err(HostError::NoCommands { .. }) => Vec::new(),
        Err(error) => return Err(error),
    };
    let at =
        |place: &'static str| move |(name, value)| Flag { name, value, place: place.to_owned() };
    let mut flags: Vec<Flag> = unit.into_iter().map(at(THE_UNIT)).collect();
    for path in FILES {
        if let Some(file) = looked.file(path)? {
            let text = String::from_utf8_lossy(&file.content);
            flags.extend(of_file(&text).into_iter().map(at(path)));
        }
    }
    Ok(flags)
}

/// What the next start is given for a flag, and where that stands.
pub(crate) fn given(looked: &Looked, name: &str) -> Result<Option<(String, String)>, HostError> {
    // The last one wins.
    let found = all(looked)?.into_iter().rev().find(|flag| flag.name == name);
    Ok(found.map(|flag| (flag.value, flag.place)))
}

/// The variables of a file, and the flags in them.
fn of_file(text: &str) -> Vec<(String, String)> {
    let assignments = text.lines().filter_map(|line| line.trim().split_once('='));
    let ours = assignments.filter(|(name, _)| VARIABLES.contains(&name.trim()));
    ours.flat_map(|(_, value)| flags(&words(&words(value.trim()).join(" ")))).collect()
}

/// The command of a unit and the variables that it sets itself.
fn of_unit(said: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for line in said.lines() {
        if let Some(command) = line.strip_prefix("ExecStart=") {
            let command = command.split_once("argv[]=").map_or(command, |(_, rest)| rest);
            let command = command.split(" ; ").next().unwrap_or_default();
            out.extend(flags(&words(command)));
        }
        for variable in line.strip_prefix("Environment=").map(words).unwrap_or_default() {
            let value = variable.split_once('=').map_or("", |(_, value)| value);
            out.extend(flags(&words(value)));
        }
    }
    out
}

/// Words apart by blanks outside of quotes, without the quotes.
pub(super) fn words(text: &str) -> Vec<String> {
    split(text, false)
}

/// The same with the quotes, so that they can be written again.
pub(super) fn words_as_written(text: &str) -> Vec<String> {
    split(text, true)
}

fn split(text: &str, as_written: bool) -> Vec<String> {
    let (mut out, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let ends = quote == Some(letter);
        let begins = quote.is_none() && matches!(letter, '"' | '\'');
        if ends || begins {
            quote = begins.then_some(letter);
            word.get_or_insert_default().extend(as_written.then_some(letter));
        } else if letter == '\\' && quote != Some('\'') {
            let word = word.get_or_insert_default();
            word.extend(as_written.then_some(letter));
            word.extend(letters.next());
        } else if quote.is_none() && letter.is_whitespace() {
            out.extend(word.take());
        } else {
            word.get_or_insert_default().push(letter);
        }
    }
    out.extend(word);
    out
}

fn flags(words: &[String]) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix("--") else { continue };
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None => match words.peek() {
                // Variables of the unit stand for words of their own.
                Some(next) if !next.starts_with(['-', '$']) => (flag, (*next).clone()),
                Some(_) | None => (flag, "true".to_owned()),
            },
        };
        // A kubelet takes both for one.
        out.push((name.replace('_', "-"), value));
    }
    out
}

/// The setting that a flag gives; `None` when it gives none.
pub(super) fn way(flag: &str) -> Option<Way> {
    let other = OTHER_NAMES.iter().find(|(name, _)| *name == flag);
    let name = other.map_or_else(|| camel(flag), |(_, setting)| (*setting).to_owned());
    let way: Way = name.split('.').map(Into::into).collect();
    let top = running::fields(Minor::newest())?.field(&way[0], Minor::newest());
    top.map(|_| way)
}

/// `max-pods` as `maxPods`.
fn camel(flag: &str) -> String {
    let mut parts = flag.split('-');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut all, part| {
        let mut letters = part.chars();
        all.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        all.push_str(letters.as_str());
        all
    })
}

/// Settings that would never be what runs, since a flag says something else. `will` is the text
/// that kubeadm's file of flags is going to have, where that changes.
pub(super) fn winning(
    node: &str,
    settings: &[(Way, Value)],
    seen: Option<&Value>,
    will: Option<&str>,
    minor: Minor,
) -> Vec<Problem> {
    let seen = seen.and_then(Value::as_list).unwrap_or(&[]).iter().filter_map(Flag::read);
    let mut flags: Vec<Flag> = seen.collect();
    if let Some(text) = will {
        flags.retain(|flag| flag.place != env::PATH);
        let at = flags.iter().take_while(|flag| flag.place == THE_UNIT).count();
        let place = env::PATH.to_owned();
        let new = of_file(text).into_iter().filter(|(name, _)| way(name).is_some());
        let new: Vec<Flag> =
            new.map(|(name, value)| Flag { name, value, place: place.clone() }).collect();
        flags.splice(at..at, new);
    }
    let one = |(asked, wanted): &(Way, Value)| {
        // The last one wins over the others.
        let flag = flags.iter().rev().find(|flag| flag.is_of(asked))?;
        if !flag.wins_over(asked, wanted, minor) {
            return None;
        }
        let path = asked.iter().fold(Path::of("settings"), |path, key| path.attr(key));
        let detail = format!(
            "The flag `--{}={}` in {} wins over the file: whatever the file says, the kubelet of \
             `{node}` would go on with the flag's value.",
            flag.name.escape_debug(),
            flag.value.escape_debug(),
            flag.place
        );
        let summary = "A flag wins over the setting";
        let help = match flag.place.as_str() {
            env::PATH => {
                format!("Take it away: add `flags = {{ {} = null }}` to this block.", flag.name)
            }
            place => format!("Remove it from {place}, or leave the setting out."),
        };
        Some(Problem::error(codes::KUBELET_FLAG, summary, path, detail).with_help(help))
    };
    settings.iter().filter_map(one).collect()
}

/// What is wrong with the argument `flags`.
pub(super) fn problems(args: &Value) -> Vec<Problem> {
    let at = Path::of("flags");
    let wrong = |path: Path, detail: String, help: &str| {
        Problem::error(codes::KUBELET_FLAG, "Invalid kubelet flag", path, detail).with_help(help)
    };
    let given = args.get("flags").unwrap_or(&Value::Null);
    if given.has_sensitive() {
        let detail = "Every process on the host can read the flags of another, so none may be \
                      sensitive.";
        return vec![wrong(
            at,
            detail.to_owned(),
            "Write flags from values that are not sensitive.",
        )];
    }
    let map = match given {
        Value::Null | Value::Unknown(_) => return Vec::new(),
        Value::Map(map) => map,
        other => {
            let detail = format!("This must be an object, and it is a {}.", other.kind());
            return vec![wrong(at, detail, "Write `flags = { \"node-ip\" = \"10.0.0.7\" }`.")];
        }
    };
    let mut out = Vec::new();
    for (name, value) in map.iter() {
        let path = at.clone().attr(name);
        let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.starts_with('-') || !name.chars().all(letter) {
            let detail = format!("`{}` is not the name of a flag.", name.escape_debug());
            out.push(wrong(path, detail, "Write it in small letters without dashes in front."));
        } else if THE_UNITS.contains(&&**name) {
            let detail = format!("`{name}` is given by the unit, and says what the kubelet is.");
            out.push(wrong(path, detail, "Change it in the unit, with `systemd_unit`."));
        } else if let (Some(way), false) = (way(name), value.is_null()) {
            let detail = format!("The flag `{name}` is the setting `{}`.", way.join("."));
            out.push(wrong(path, detail, "Put it into `settings`; a flag would win over them."));
        } else if let Some(why) = unfit(value) {
            let detail = format!("The value of `{name}` {why}.");
            out.push(wrong(path, detail, "Write a text without blanks and quotes."));
        }
    }
    out
}

/// Why a value is none for a flag, as the end of a sentence.
fn unfit(value: &Value) -> Option<&'static str> {
    match value {
        Value::Null | Value::Unknown(_) | Value::Number(_) | Value::Bool(_) => None,
        Value::String(text) => {
            let odd = |c: char| c.is_whitespace() || c.is_control() || "\"'\\".contains(c);
            (text.is_empty() || text.chars().any(odd)).then_some(
                "is empty, or has a blank, a quote, a backslash or a character that cannot be shown",
            )
        }
        Value::List(_) | Value::Map(_) | Value::Sensitive(_) => Some("is no text"),
    }
}

impl Flag {
    fn into_value(self) -> Value {
        Value::list([self.name.into(), self.value.into(), self.place.into()])
    }

    fn read(value: &Value) -> Option<Self> {
        let [name, value, place] = value.as_list()? else { return None };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Some(Self { name: text(name)?, value: text(value)?, place: text(place)? })
    }

    fn is_of(&self, asked: &Way) -> bool {
        way(&self.name).is_some_and(|way| asked.starts_with(&way))
    }

    fn wins_over(&self, asked: &Way, wanted: &Value, minor: Minor) -> bool {
        let Some(way) = way(&self.name).filter(|way| asked.starts_with(way)) else { return false };
        let text = match asked.get(way.len()) {
            None => Some(self.value.as_str()),
            // A map; `a=1,b=2`, or `a<1` for thresholds.
            Some(key) => self.value.split(',').find_map(|entry| {
                let (name, value) = entry.split_once(['=', '<'])?;
                (name.trim() == &**key).then_some(value.trim())
            }),
        };
        match text {
            // Gates of the file stay where no flag names them; other maps are replaced as a whole.
            None => self.name != "feature-gates",
            Some(text) => {
                let shape = running::shape_of(asked, minor);
                !running::same(wanted, &value(text, shape), shape)
            }
        }
    }
}

/// What a flag's text means for a setting of this shape.
fn value(text: &str, shape: Shape) -> Value {
    match (shape, text) {
        (Shape::Bool, "true" | "1" | "t" | "T" | "TRUE" | "True") => true.into(),
        (Shape::Bool, "false" | "0" | "f" | "F" | "FALSE" | "False") => false.into(),
        (Shape::Integer | Shape::Number, _) => match text.parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) => text.into(),
        },
        (Shape::List(_), _) => Value::list(text.split(',').map(Value::from)),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ways;

    const UNIT: &str = "ExecStart={ path=/usr/bin/kubelet ; argv[]=/usr/bin/kubelet \
        $KUBELET_CONFIG_ARGS --port 10251 $KUBELET_EXTRA_ARGS ; ignore_errors=no ; pid=0 }\n\
        Environment=\"KUBELET_KUBECONFIG_ARGS=--kubeconfig=/etc/k --max_pods=5\" A=b\n";

    fn told(settings: Value, env: &str) -> Vec<String> {
        let flags = of_unit(UNIT).into_iter().chain(of_file(env));
        let flags = flags.filter(|(name, _)| way(name).is_some());
        let seen = Value::list(
            flags.map(|(name, value)| Value::list([name.into(), value.into(), "f".into()])),
        );
        let settings = ways::leaves(&settings);
        let problems = winning("w1", &settings, Some(&seen), None, Minor::newest());
        problems.iter().map(|p| format!("{}: {}", p.path, p.detail)).collect()
    }

    #[test]
    fn flags_are_found_in_files_of_variables_and_in_the_unit() {
        let file = "# KUBELET_EXTRA_ARGS=--no\nKUBELET_KUBEADM_ARGS=\"--node-ip=10.0.0.1 \
                    --cgroup-driver=systemd --fail-swap-on\"\nOTHER=\"--port=1\"\n";
        let found: Vec<String> = of_file(file).iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(found, ["node-ip=10.0.0.1", "cgroup-driver=systemd", "fail-swap-on=true"]);
        let found: Vec<String> = of_unit(UNIT).iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(found, ["port=10251", "kubeconfig=/etc/k", "max-pods=5"]);
    }

    #[test]
    fn a_flag_that_says_something_else_wins_and_one_that_says_the_same_does_not() {
        let said = told(Value::map([("maxPods", 64_i64.into())]), "");
        assert_eq!(
            said,
            ["settings.maxPods: The flag `--max-pods=5` in f wins over the file: whatever the \
              file says, the kubelet of `w1` would go on with the flag's value."]
        );
        assert_eq!(told(Value::map([("maxPods", 5_i64.into())]), ""), [""; 0]);
        let other =
            told(Value::map([("maxPods", 5_i64.into())]), "KUBELET_EXTRA_ARGS=--max-pods=6");
        assert_eq!(other.len(), 1, "the last one wins");
        let last = told(Value::map([("maxPods", 6_i64.into())]), "KUBELET_EXTRA_ARGS=--max-pods=6");
        assert_eq!(last, [""; 0]);
        let same = Value::map([("syncFrequency", "60s".into()), ("failSwapOn", true.into())]);
        let env = "KUBELET_EXTRA_ARGS='--sync-frequency=1m0s --fail-swap-on'";
        assert_eq!(told(same, env), [""; 0]);
        let hidden = Value::map([(
            "authentication",
            Value::map([("anonymous", Value::map([("enabled", false.into())]))]),
        )]);
        assert_eq!(told(hidden, "KUBELET_EXTRA_ARGS=--anonymous-auth=true").len(), 1);
    }

    #[test]
    fn flags_of_kubeadms_file_count_as_they_will_be() {
        let settings = ways::leaves(&Value::map([("maxPods", 64_i64.into())]));
        let flag =
            |value: &str, place: &str| Value::list(["max-pods".into(), value.into(), place.into()]);
        let count = |seen: &[Value], will: Option<&str>| {
            let seen = Value::list(seen.iter().cloned());
            winning("w1", &settings, Some(&seen), will, Minor::newest()).len()
        };
        let (old, unit) = (flag("17", env::PATH), flag("5", THE_UNIT));
        let line = |flags: &str| format!("KUBELET_KUBEADM_ARGS=\"{flags}\"\n");
        assert_eq!(count(std::slice::from_ref(&old), None), 1);
        assert_eq!(count(&[old], Some(&line(""))), 0, "taken away");
        assert_eq!(count(&[], Some(&line("--max-pods=17"))), 1, "given back");
        assert_eq!(count(&[unit], Some(&line("--max-pods=64"))), 0, "over the unit's");
    }

    #[test]
    fn a_flag_of_a_map_replaces_all_of_it_except_feature_gates() {
        let hard = |key: &'static str, amount: &'static str| {
            Value::map([("evictionHard", Value::map([(key, amount.into())]))])
        };
        let env = "KUBELET_EXTRA_ARGS=--eviction-hard=memory.available<1Gi,nodefs.available<10%";
        assert_eq!(told(hard("memory.available", "1024Mi"), env).len(), 1, "texts, not amounts");
        assert_eq!(told(hard("memory.available", "1Gi"), env), [""; 0]);
        assert_eq!(told(hard("imagefs.available", "5%"), env).len(), 1);
        let gates =
            |key: &'static str| Value::map([("featureGates", Value::map([(key, true.into())]))]);
        let env = "KUBELET_EXTRA_ARGS=--feature-gates=A=false";
        assert_eq!(told(gates("A"), env).len(), 1);
        assert_eq!(told(gates("B"), env), [""; 0]);
    }

    #[test]
    fn names_and_values_that_would_be_other_words_are_refused() {
        let told = |name: &'static str, value: Value| {
            let args = Value::map([("flags", Value::map([(name, value)]))]);
            problems(&args).into_iter().map(|p| p.detail).collect::<Vec<_>>().join("|")
        };
        assert_eq!(told("node-ip", "10.0.0.7".into()), "");
        assert_eq!(told("max-pods", Value::Null), "");
        assert_eq!(told("max-pods", 5_i64.into()), "The flag `max-pods` is the setting `maxPods`.");
        for name in ["--node-ip", "", "Node-ip", "a b", "a=b", "a\u{1b}"] {
            assert!(told(name, "x".into()).ends_with("is not the name of a flag."), "{name}");
        }
        for value in ["", "a b", "a\nb", "'", "\"", "\\", "\u{7}", "a\u{2028}b"] {
            assert!(told("node-ip", value.into()).contains("has a blank"), "{value:?}");
        }
        assert!(told("config", "/etc/k".into()).contains("given by the unit"));
        assert!(told("node-ip", Value::from("x").into_sensitive()).contains("sensitive"));
    }

    #[test]
    fn every_other_name_leads_to_a_setting() {
        for (flag, _) in OTHER_NAMES {
            let way = way(flag);
            assert!(way.is_some(), "{flag}");
        }
        for flag in
            ["max-pods", "cgroup-driver", "eviction-hard", "feature-gates", "tls-min-version"]
        {
            assert!(way(flag).is_some(), "{flag}");
        }
        assert_eq!(way("node-ip"), None);
        assert_eq!(way("kubeconfig"), None);
    }

    #[test]
    fn quotes_keep_words_together_and_nothing_makes_it_panic() {
        let text = "a 'b c' \"d \\\" e\" f\\ g";
        assert_eq!(words(text), ["a", "b c", "d \" e", "f g"]);
        assert_eq!(words_as_written(text), ["a", "'b c'", "\"d \\\" e\"", "f\\ g"]);
        for odd in ["\"", "'", "\\", "--", "--=", "  ", "--a='", "\u{0}--x"] {
            let _ = flags(&words(odd));
        }
    }
}
