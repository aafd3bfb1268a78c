//! What `kubeadm upgrade node` would make of a node's settings: it writes the file anew from the
//! `ConfigMap` of all nodes.
//!
//! Source: [Reconfiguring a kubeadm
//! cluster](https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-reconfigure/#applying-kubelet-configuration-changes).

use super::{running, text};
use crate::settings::ways::Way;
use apimachinery::versions::Minor;
use plans::{Note, ObjectKey};
use std::collections::BTreeSet;
use values::{Path, Value};

/// So many settings are named.
const MOST: usize = 5;

/// What a block for the whole cluster brings along, so that blocks of nodes in the same plan know.
pub(crate) fn brings(way: &Way, value: &Value) -> ObjectKey {
    let value = access::json::to_json(value).map(|json| json.to_string()).unwrap_or_default();
    ObjectKey(format!("kubelet-config:{}={value}", way.join(".")).into())
}

/// A warning when the settings are others than those of the `ConfigMap`, which has this text.
pub(crate) fn note(
    settings: &[(Way, Value)],
    base: &str,
    minor: Minor,
    coming: &BTreeSet<ObjectKey>,
) -> Option<Note> {
    let path = Path::of("settings");
    let base = match text::read(base) {
        Ok(base) => base,
        Err(why) => {
            let text = format!("the ConfigMap kube-system/kubelet-config {why}");
            return Some(Note { path, text });
        }
    };
    let stays = |(way, _): &&(Way, Value)| {
        let asked = settings.iter().find(|(asked, _)| asked == way);
        !asked.is_some_and(|(way, value)| coming.contains(&brings(way, value)))
    };
    let differing = running::differing(settings, &base, minor);
    let differing: Vec<&(Way, Value)> = differing.iter().filter(stays).collect();
    if differing.is_empty() {
        return None;
    }
    let told = |(way, has): &&(Way, Value)| match access::json::to_json(has) {
        Ok(json) if !json.is_null() => format!("`{}` ({json})", way.join(".")),
        _ => format!("`{}` (not set)", way.join(".")),
    };
    let mut named: Vec<String> = differing.iter().take(MOST).map(told).collect();
    if differing.len() > MOST {
        named.push(format!("{} more", differing.len() - MOST));
    }
    let text = format!(
        "`kubeadm upgrade node` would write other values here, those of the ConfigMap \
         kube-system/kubelet-config: {}; to change them there as well, add a \
         `kubelet_base_config` block",
        named.join(", ")
    );
    Some(Note { path, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ways;

    const BASE: &str = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n\
                        maxPods: 110\nsyncFrequency: 1m0s\n";

    fn told(settings: &[(&'static str, Value)], coming: &[ObjectKey]) -> String {
        let settings = ways::leaves(&Value::map(settings.iter().cloned()));
        let coming = coming.iter().cloned().collect();
        note(&settings, BASE, Minor::newest(), &coming).map(|note| note.text).unwrap_or_default()
    }

    #[test]
    fn only_what_means_something_else_is_told() {
        assert_eq!(told(&[("maxPods", 110_i64.into()), ("syncFrequency", "60s".into())], &[]), "");
        let text = told(&[("maxPods", 200_i64.into()), ("podsPerCore", 5_i64.into())], &[]);
        assert!(text.contains(": `maxPods` (110), `podsPerCore` (not set); to"), "{text}");
    }

    #[test]
    fn what_the_same_plan_brings_there_is_not_told() {
        let coming = brings(&vec!["maxPods".into()], &200_i64.into());
        assert_eq!(told(&[("maxPods", 200_i64.into())], std::slice::from_ref(&coming)), "");
        assert_ne!(told(&[("maxPods", 201_i64.into())], &[coming]), "");
    }
}
