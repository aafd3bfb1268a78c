//! `cargo xtask new-resource`: the first five minutes of a new resource type.
//!
//! Writes a file that compiles and that the contract test refuses, because its page is not
//! written; and names it in the module above. Everything else is thinking.

use crate::checkout;
use crate::trouble::{Doing, Trouble, say};
use std::fs;
use std::str::FromStr;

/// What to write.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The provider and the type, such as `cluster/priority_class`
    #[arg(value_name = "PROVIDER/NAME")]
    which: New,
}

/// A resource type that does not exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
struct New {
    room: Room,
    /// As users write it: `limit_range`.
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Cluster,
}

impl FromStr for New {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (room, name) = text.split_once('/').ok_or("write it as cluster/NAME")?;
        let room = match room {
            "cluster" => Room::Cluster,
            other => return Err(format!("there is no skeleton for `{other}`")),
        };
        let plain = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        if !name.split('_').all(plain) {
            return Err(format!("`{name}` is not a name such as `limit_range`"));
        }
        Ok(Self { room, name: name.to_owned() })
    }
}

impl New {
    /// As Rust writes it: `LimitRange`.
    fn type_name(&self) -> String {
        let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
        self.name.split('_').map(capital).collect()
    }

    /// The source file.
    fn source(&self) -> String {
        let template = match self.room {
            Room::Cluster => include_str!("cluster.rs.txt"),
        };
        let ty = self.type_name();
        // The kind of most types is called like the type.
        template.replace("@NAME@", &self.name).replace("@TYPE@", &ty).replace("@KIND@", &ty)
    }

    /// The module above, with the type in its three lists.
    fn named_in(&self, module: &str) -> Result<String, Trouble> {
        let (name, ty) = (&self.name, self.type_name());
        let lists = match self.room {
            Room::Cluster => [
                ("mod ", format!("mod {name};")),
                ("pub use ", format!("pub use {name}::{ty};")),
                ("        Box::new(Api::<", format!("        Box::new(Api::<{ty}>::new()),")),
            ],
        };
        lists.iter().try_fold(module.to_owned(), |text, (start, line)| {
            let missing = || Trouble::new(format!("no line begins with `{start}`"));
            insert_sorted(&text, start, line).ok_or_else(missing)
        })
    }
}

/// Puts `line` in its place among the lines that begin with `start`.
fn insert_sorted(text: &str, start: &str, line: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let siblings: Vec<usize> =
        (0..lines.len()).filter(|at| lines[*at].starts_with(start)).collect();
    let after = siblings.iter().rfind(|at| lines[**at] < line).map(|at| at + 1);
    let at = after.or_else(|| siblings.first().copied())?;
    let (before, behind) = lines.split_at(at);
    Some([before, &[line], behind].concat().join("\n") + "\n")
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Trouble> {
    let new = &arguments.which;
    let folder = match new.room {
        Room::Cluster => "providers/cluster/src/kinds",
    };
    let folder = checkout::root().join(folder);
    let (source, module) = (folder.join(format!("{}.rs", new.name)), folder.join("mod.rs"));
    if source.exists() {
        return Err(Trouble::new(format!("{} exists already", source.display())));
    }
    let text = fs::read_to_string(&module).doing(|| format!("reading {}", module.display()))?;
    let text = new.named_in(&text).doing(|| format!("changing {}", module.display()))?;
    fs::write(&source, new.source()).doing(|| format!("writing {}", source.display()))?;
    fs::write(&module, text).doing(|| format!("writing {}", module.display()))?;
    say(format_args!("wrote {}", source.display()));
    say(format_args!("changed {}", module.display()));
    say("Next: write its page. CONTRIBUTING.md has the other steps.");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_becomes_a_type_and_a_bad_one_is_refused() {
        let new: New = "cluster/priority_class".parse().unwrap();
        assert_eq!(new.type_name(), "PriorityClass");
        for bad in ["priority_class", "moon/x", "cluster/Priority", "cluster/a__b", "cluster/../x"]
        {
            assert!(bad.parse::<New>().is_err(), "{bad}");
        }
    }

    #[test]
    fn source_has_no_gap_left() {
        let source = "cluster/priority_class".parse::<New>().unwrap().source();
        assert!(source.contains("pub struct PriorityClass;"), "{source}");
        assert!(source.contains("const NAME: &'static str = \"priority_class\";"), "{source}");
        assert!(!source.contains('@'), "{source}");
    }

    #[test]
    fn type_takes_its_place_in_the_lists_of_its_module() {
        let module = "mod config_map;\nmod resource_quota;\n\npub use config_map::ConfigMap;\n\
                      pub use resource_quota::ResourceQuota;\n\nfn kinds() {\n    vec![\n        \
                      Box::new(Api::<ConfigMap>::new()),\n        \
                      Box::new(Api::<ResourceQuota>::new()),\n    ]\n}\n";
        let named = "cluster/limit_range".parse::<New>().unwrap().named_in(module).unwrap();
        assert_eq!(
            named,
            "mod config_map;\nmod limit_range;\nmod resource_quota;\n\n\
             pub use config_map::ConfigMap;\npub use limit_range::LimitRange;\n\
             pub use resource_quota::ResourceQuota;\n\nfn kinds() {\n    vec![\n        \
             Box::new(Api::<ConfigMap>::new()),\n        Box::new(Api::<LimitRange>::new()),\n        \
             Box::new(Api::<ResourceQuota>::new()),\n    ]\n}\n"
        );
    }

    #[test]
    fn line_that_sorts_first_or_last_stays_in_its_list() {
        assert_eq!(
            insert_sorted("x\nmod b;\ny\n", "mod ", "mod a;").unwrap(),
            "x\nmod a;\nmod b;\ny\n"
        );
        assert_eq!(
            insert_sorted("x\nmod b;\ny\n", "mod ", "mod c;").unwrap(),
            "x\nmod b;\nmod c;\ny\n"
        );
        assert_eq!(insert_sorted("x\n", "mod ", "mod c;"), None);
    }
}
