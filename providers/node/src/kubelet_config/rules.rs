//! What a kubelet refuses although every field is there, and what a change costs.
//!
//! Sources: `pkg/kubelet/apis/config/validation` and `pkg/kubelet/cm` of `kubernetes/kubernetes`
//! v1.37; [Changing the CPU manager policy](https://kubernetes.io/docs/tasks/administer-cluster/cpu-management-policies/#changing-the-cpu-manager-policy).

use apimachinery::Quantity;
use values::{Disruption, Value};

const CPU_STATE: &str = "/var/lib/kubelet/cpu_manager_state";
const MEMORY_STATE: &str = "/var/lib/kubelet/memory_manager_state";

/// Settings of a few words.
const WORDS: [(&str, &[&str]); 10] = [
    ("cgroupDriver", &["cgroupfs", "systemd"]),
    ("configMapAndSecretChangeDetectionStrategy", &["Get", "Cache", "Watch"]),
    ("cpuManagerPolicy", &["none", "static"]),
    ("hairpinMode", &["promiscuous-bridge", "hairpin-veth", "none"]),
    (
        "imagePullCredentialsVerificationPolicy",
        &[
            "NeverVerify",
            "NeverVerifyPreloadedImages",
            "NeverVerifyAllowlistedImages",
            "AlwaysVerify",
        ],
    ),
    ("memoryManagerPolicy", &["None", "Static"]),
    ("tlsMinVersion", &["VersionTLS10", "VersionTLS11", "VersionTLS12", "VersionTLS13"]),
    ("topologyManagerPolicy", &["none", "best-effort", "restricted", "single-numa-node"]),
    ("topologyManagerScope", &["container", "pod"]),
    (
        "enforceNodeAllocatable",
        &[
            "none",
            "pods",
            "system-reserved",
            "system-reserved-compressible",
            "kube-reserved",
            "kube-reserved-compressible",
        ],
    ),
];

/// Settings with bounds.
const BOUNDS: [(&str, i64, i64); 17] = [
    ("containerLogMaxFiles", 2, i64::MAX),
    ("eventBurst", 0, i64::MAX),
    ("eventRecordQPS", 0, i64::MAX),
    ("healthzPort", 0, 65_535),
    ("imageGCHighThresholdPercent", 0, 100),
    ("imageGCLowThresholdPercent", 0, 100),
    ("kubeAPIBurst", 0, i64::MAX),
    ("kubeAPIQPS", 0, i64::MAX),
    ("maxOpenFiles", 0, i64::MAX),
    ("maxParallelImagePulls", 1, i64::MAX),
    ("maxPods", 0, i64::MAX),
    ("nodeLeaseDurationSeconds", 1, i64::MAX),
    ("oomScoreAdj", -1000, 1000),
    ("podsPerCore", 0, i64::MAX),
    ("port", 1, 65_535),
    ("readOnlyPort", 0, 65_535),
    ("registryBurst", 0, i64::MAX),
];

/// Settings that pods which run already do not follow, or that a kubelet refuses to change under
/// them.
const DRAINED: [&str; 14] = [
    "cgroupDriver",
    "cgroupRoot",
    "cgroupsPerQOS",
    "containerRuntimeEndpoint",
    "cpuManagerPolicy",
    "cpuManagerPolicyOptions",
    "memoryManagerPolicy",
    "memorySwap",
    "podLogsDir",
    "reservedMemory",
    "reservedSystemCPUs",
    "topologyManagerPolicy",
    "topologyManagerPolicyOptions",
    "topologyManagerScope",
];
/// Settings that other programs have to follow, or that leave behind what runs.
pub(super) const UNPROCEDURAL: [&str; 4] =
    ["cgroupDriver", "cgroupRoot", "cgroupsPerQOS", "containerRuntimeEndpoint"];
/// Reservations: with a static policy they are a part of what was handed out to pods.
const RESERVED: [&str; 2] = ["kubeReserved", "systemReserved"];

/// What it costs to change these settings of a configuration that will be `wanted`. A kubelet
/// reads its file only when it starts.
pub(super) fn cost<'a>(changed: impl IntoIterator<Item = &'a str>, wanted: &Value) -> Disruption {
    let is = |name: &str, policy: &str| text(wanted, name) == Some(policy);
    let pinned = is("cpuManagerPolicy", "static") || is("memoryManagerPolicy", "Static");
    let one = |name: &str| {
        let drained = DRAINED.contains(&name) || (pinned && RESERVED.contains(&name));
        if drained { Disruption::Drain } else { Disruption::Restart }
    };
    changed.into_iter().map(one).max().unwrap_or(Disruption::Quiet)
}

/// What a kubelet noted of what it handed out to pods, and does not start with after these
/// settings changed of a configuration that was `live` and will be `wanted`.
///
/// Source: [Changing the CPU manager policy](https://kubernetes.io/docs/tasks/administer-cluster/cpu-management-policies/#changing-the-cpu-manager-policy);
/// the memory manager compares its notes in the same way (`pkg/kubelet/cm/memorymanager`).
pub(super) fn forgets(changed: &[&str], live: &Value, wanted: &Value) -> Vec<&'static str> {
    let is = |name: &str, policy: &str| {
        [live, wanted].iter().any(|config| text(config, name) == Some(policy))
    };
    let among = |names: &[&str]| changed.iter().any(|name| names.contains(name));
    let cpus = among(&["cpuManagerPolicy", "cpuManagerPolicyOptions", "reservedSystemCPUs"])
        || (is("cpuManagerPolicy", "static") && among(&RESERVED));
    let memory = among(&["memoryManagerPolicy", "reservedMemory"])
        || (is("memoryManagerPolicy", "Static") && among(&RESERVED))
        || (is("memoryManagerPolicy", "Static") && among(&["evictionHard"]));
    let files = [(cpus, CPU_STATE), (memory, MEMORY_STATE)];
    files.into_iter().filter(|(forgets, _)| *forgets).map(|(_, file)| file).collect()
}

/// Why a kubelet would not start with this configuration, by the setting that is to blame.
pub(super) fn refused(wanted: &Value) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    for (name, words) in WORDS {
        let found = match wanted.get(name) {
            Some(Value::List(items)) => items.iter().filter_map(Value::as_str).collect(),
            other => other.and_then(Value::as_str).into_iter().collect::<Vec<_>>(),
        };
        for word in found.iter().filter(|word| !words.contains(*word)) {
            let detail = format!("`{}` must be one of: {}.", word.escape_debug(), words.join(", "));
            out.push((name, detail));
        }
    }
    for (name, least, most) in BOUNDS {
        if let Some(number) = number(wanted, name).filter(|n| !(least..=most).contains(n)) {
            let bounds = match most {
                i64::MAX => format!("at least {least}"),
                most => format!("from {least} to {most}"),
            };
            out.push((name, format!("{number} must be {bounds}.")));
        }
    }
    out.extend(images(wanted));
    out.extend(static_cpus(wanted));
    out.extend(static_memory(wanted));
    out
}

fn images(wanted: &Value) -> Option<(&'static str, String)> {
    let low = number(wanted, "imageGCLowThresholdPercent").unwrap_or(80);
    let high = number(wanted, "imageGCHighThresholdPercent").unwrap_or(85);
    (low >= high).then(|| {
        let detail = format!(
            "`imageGCLowThresholdPercent` is {low} and `imageGCHighThresholdPercent` {high} \
             (85 when it is not set); the first must be lower."
        );
        ("imageGCLowThresholdPercent", detail)
    })
}

fn static_cpus(wanted: &Value) -> Option<(&'static str, String)> {
    if text(wanted, "cpuManagerPolicy") != Some("static") {
        return None;
    }
    let reserves = |name: &str| amount(wanted.get(name)?.get("cpu")?);
    let sum =
        RESERVED.iter().filter_map(|name| reserves(name)).fold(Quantity::zero(), Quantity::plus);
    let named = text(wanted, "reservedSystemCPUs").is_some_and(|cpus| !cpus.is_empty());
    (!named && sum <= Quantity::zero()).then(|| {
        let detail = "The static policy needs CPUs that are reserved for the system: set \
                      `reservedSystemCPUs`, or `cpu` in `kubeReserved` or `systemReserved`.";
        ("cpuManagerPolicy", detail.to_owned())
    })
}

fn static_memory(wanted: &Value) -> Option<(&'static str, String)> {
    if text(wanted, "memoryManagerPolicy") != Some("Static") {
        return None;
    }
    let blocks = wanted.get("reservedMemory").and_then(Value::as_list).unwrap_or(&[]);
    if blocks.is_empty() {
        let detail = "The static policy needs `reservedMemory`.";
        return Some(("memoryManagerPolicy", detail.to_owned()));
    }
    let memory = |value: Option<&Value>| value.and_then(|v| v.get("memory")).and_then(amount);
    let given = blocks.iter().filter_map(|block| memory(block.get("limits")));
    let given = given.fold(Quantity::zero(), Quantity::plus);
    let eviction = match wanted.get("evictionHard").filter(|hard| !hard.is_null()) {
        None => Quantity::parse("100Mi").ok(),
        Some(hard) => hard.get("memory.available").and_then(amount),
    };
    let eviction = eviction.unwrap_or(Quantity::zero());
    let reserved = RESERVED.iter().filter_map(|name| memory(wanted.get(name)));
    let needed = reserved.fold(eviction, Quantity::plus);
    // A threshold in percent depends on the machine.
    let percent = wanted
        .get("evictionHard")
        .and_then(|hard| hard.get("memory.available"))
        .and_then(Value::as_str)
        .is_some_and(|text| text.ends_with('%'));
    (!percent && given != needed).then(|| {
        let detail = format!(
            "The memory of all `reservedMemory` is {given}, and must be {needed}: that of \
             `kubeReserved`, `systemReserved` and the hard eviction threshold `memory.available` \
             (100Mi when none is set) together."
        );
        ("reservedMemory", detail)
    })
}

fn text<'a>(of: &'a Value, name: &str) -> Option<&'a str> {
    of.get(name)?.as_str()
}

fn number(of: &Value, name: &str) -> Option<i64> {
    of.get(name)?.as_number()?.as_i64()
}

fn amount(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => Quantity::parse(text).ok(),
        Value::Number(number) => Quantity::parse(&number.to_string()).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(settings: &[(&'static str, Value)]) -> Vec<String> {
        let wanted = Value::map(settings.iter().cloned());
        refused(&wanted).into_iter().map(|(name, detail)| format!("{name}: {detail}")).collect()
    }

    fn memory(amount: &str) -> Value {
        Value::map([("memory", amount.into())])
    }

    #[test]
    fn words_and_bounds_are_those_of_the_kubelet() {
        assert_eq!(
            said(&[("memoryManagerPolicy", "none".into())]),
            ["memoryManagerPolicy: `none` must be one of: None, Static."]
        );
        assert_eq!(
            said(&[("oomScoreAdj", 1001_i64.into())]),
            ["oomScoreAdj: 1001 must be from -1000 to 1000."]
        );
        assert_eq!(
            said(&[("maxPods", 250_i64.into()), ("cgroupDriver", "systemd".into())]),
            [""; 0]
        );
    }

    #[test]
    fn p24_notes_that_a_kubelet_would_not_start_with_are_forgotten_and_no_others() {
        let plain = Value::map([("cpuManagerPolicy", "none".into())]);
        let pinned = Value::map([
            ("cpuManagerPolicy", "static".into()),
            ("memoryManagerPolicy", "Static".into()),
        ]);
        let of = |changed: &[&str], live: &Value, wanted: &Value| {
            let names = forgets(changed, live, wanted).into_iter();
            names.map(|file| file.rsplit('/').next().unwrap_or(file)).collect::<Vec<_>>()
        };
        let (cpus, memory) = ("cpu_manager_state", "memory_manager_state");
        assert_eq!(of(&["cpuManagerPolicy"], &plain, &pinned), [cpus]);
        // The way back is the same.
        assert_eq!(of(&["cpuManagerPolicy"], &pinned, &plain), [cpus]);
        assert_eq!(of(&["reservedMemory"], &plain, &pinned), [memory]);
        assert_eq!(of(&["kubeReserved"], &pinned, &pinned), [cpus, memory]);
        for quiet in ["kubeReserved", "topologyManagerPolicy", "maxPods", "evictionHard"] {
            assert_eq!(of(&[quiet], &plain, &plain), [""; 0], "{quiet}");
        }
    }

    #[test]
    fn thresholds_of_images_are_in_order_with_the_usual_ones_too() {
        let low = ("imageGCLowThresholdPercent", 90_i64.into());
        assert_eq!(said(std::slice::from_ref(&low)).len(), 1);
        assert_eq!(said(&[low, ("imageGCHighThresholdPercent", 95_i64.into())]), [""; 0]);
    }

    #[test]
    fn static_policies_need_what_is_reserved() {
        let policy = ("cpuManagerPolicy", Value::from("static"));
        assert!(said(std::slice::from_ref(&policy))[0].contains("reservedSystemCPUs"));
        assert_eq!(said(&[policy, ("reservedSystemCPUs", "0".into())]), [""; 0]);
        let policy = ("memoryManagerPolicy", Value::from("Static"));
        assert!(said(std::slice::from_ref(&policy))[0].contains("reservedMemory"));
        let block = |amount: &str| {
            let block = Value::map([("numaNode", 0_i64.into()), ("limits", memory(amount))]);
            ("reservedMemory", Value::list([block]))
        };
        let kube = ("kubeReserved", memory("924Mi"));
        assert_eq!(said(&[policy.clone(), block("1Gi"), kube.clone()]), [""; 0]);
        assert!(said(&[policy, block("1100Mi"), kube])[0].contains("is 1100Mi, and must be 1Gi"));
    }

    #[test]
    fn a_change_costs_a_restart_and_what_pods_were_placed_by_a_drain() {
        let of = |names: &[&'static str], policy: &str| {
            cost(names.iter().copied(), &Value::map([("cpuManagerPolicy", policy.into())]))
        };
        assert_eq!(of(&["maxPods"], "none"), Disruption::Restart);
        assert_eq!(of(&["maxPods", "cgroupDriver"], "none"), Disruption::Drain);
        assert_eq!(of(&["kubeReserved"], "none"), Disruption::Restart);
        assert_eq!(of(&["kubeReserved"], "static"), Disruption::Drain);
        assert_eq!(of(&[], "none"), Disruption::Quiet);
    }
}
