//! Whose cordon is on a node.
//!
//! A node that clinch cordons says so in an annotation, which names the project and the plan:
//! only then may it be uncordoned. What a person cordoned stays cordoned.
//!
//! ```text
//! clinch/cordoned: v1 shop 4f2a91c07d3e
//! ```

use super::objects::Node;
use std::fmt;

/// The annotation.
pub const CORDON: &str = "clinch/cordoned";

/// Who cordoned a node: the plan of a project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// The project; neither empty nor with spaces.
    pub project: String,
    /// The plan, by a name that no other plan has; likewise.
    pub plan: String,
}

impl fmt::Display for Holder {
    /// As the annotation holds it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1 {} {}", self.project, self.plan)
    }
}

impl Holder {
    /// Of an annotation; `None` when this program does not understand it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let is_word = |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_graphic());
        let mut word = || words.next().filter(is_word).map(str::to_owned);
        let (version, project, plan) = (word()?, word()?, word()?);
        (version == "v1" && words.next().is_none()).then_some(Self { project, plan })
    }
}

impl Holder {
    /// Whether a plan of the same project cordoned this node, this one or an earlier one.
    pub fn has_cordoned(&self, node: &Node) -> bool {
        matches!(Whose::of(node), Whose::Plan(by) if by.project == self.project)
    }

    /// Whether a plan of the same project took this node out of service and did not bring it back,
    /// whoever did since.
    pub fn was_at_work(&self, node: &Node) -> bool {
        let by = node.cordon.as_deref().and_then(Holder::parse);
        by.is_some_and(|by| by.project == self.project)
    }

    /// Whether an earlier plan of the same project left this node out of service.
    pub fn takes_over(&self, node: &Node) -> bool {
        matches!(
            Whose::of(node),
            Whose::Plan(by) if by.project == self.project && by.plan != self.plan
        )
    }
}

/// Whether a node is cordoned, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// It takes pods. What is left of a cordon of ours that somebody else took away does not
    /// count.
    Nobody,
    /// By a plan of clinch.
    Plan(Holder),
    /// By somebody else: a person, another program, or a newer clinch.
    Other,
}

impl Whose {
    /// Of a node as it was read.
    pub fn of(node: &Node) -> Self {
        match (node.unschedulable, node.cordon.as_deref().and_then(Holder::parse)) {
            (false, _) => Self::Nobody,
            (true, Some(holder)) => Self::Plan(holder),
            (true, None) => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holder_is_read_back_as_it_was_written() {
        let holder = Holder { project: "shop".to_owned(), plan: "4f2a".to_owned() };
        assert_eq!(holder.to_string(), "v1 shop 4f2a");
        assert_eq!(Holder::parse("v1 shop 4f2a"), Some(holder));
    }

    #[test]
    fn only_what_an_earlier_plan_of_the_project_cordoned_is_taken_over() {
        let holder = Holder { project: "shop".to_owned(), plan: "91c0".to_owned() };
        let taken_over = |unschedulable: bool, said: Option<&str>| {
            holder.takes_over(&Node {
                name: "w1".to_owned(),
                uid: "1".to_owned(),
                labels: std::collections::BTreeMap::new(),
                taints: Vec::new(),
                unschedulable,
                ready: true,
                cordon: said.map(str::to_owned),
            })
        };
        assert!(taken_over(true, Some("v1 shop 4f2a")));
        assert!(!taken_over(false, Some("v1 shop 4f2a")), "somebody brought it back");
        for other in ["v1 shop 91c0", "v1 bank 4f2a", "v2 shop 4f2a", "true"] {
            assert!(!taken_over(true, Some(other)), "{other}");
        }
        assert!(!taken_over(true, None));
    }

    #[test]
    fn what_is_not_understood_is_nobodys_cordon_of_ours() {
        for text in [
            "",
            "v1",
            "v1 shop",
            "v1  4f2a",
            "v2 shop 4f2a",
            "v1 shop 4f2a more",
            "true",
            "v1 sh\u{1b}p 1",
        ] {
            assert_eq!(Holder::parse(text), None, "{text:?}");
        }
    }
}
