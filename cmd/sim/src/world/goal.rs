//! Whether the world is as the configuration says, by looking at it past every provider.

use super::{CONFIG, World};
use crate::site::{CANARY, NEW, SECRET_FILE};
use std::sync::atomic::Ordering;

impl World {
    /// What is not as the configuration says.
    pub(crate) fn goal(&self) -> Result<(), String> {
        self.objects().into_iter().find(|(_, right)| !right).map_or(Ok(()), |(what, _)| Err(what))
    }

    /// How many objects are as the configuration says.
    pub(crate) fn as_wanted(&self) -> usize {
        self.objects().into_iter().filter(|(_, right)| *right).count()
    }

    /// Every object of the configuration with whether it is as it is to be.
    fn objects(&self) -> Vec<(String, bool)> {
        let map = self.get("/api/v1/namespaces/shop/configmaps/settings");
        let right = map.is_some_and(|map| map["data"]["policy"] == NEW);
        let mut all = vec![("the config map is not as wanted".to_owned(), right)];
        for (node, machine) in &self.machines {
            let new = self.goal_of_kubelets.load(Ordering::Relaxed);
            let has = |text: Option<String>| text.is_some_and(|text| text.contains(NEW) == new);
            let runs = machine.kubelet(|kubelet| kubelet.runs_with().map(str::to_owned));
            let right = has(machine.file(CONFIG)) && has(runs);
            all.push((format!("the kubelet of {node} is not as wanted"), right));
            let right = machine.file(SECRET_FILE).as_deref() == Some(CANARY);
            all.push((format!("{node}:{SECRET_FILE} is not as wanted"), right));
        }
        all
    }
}
