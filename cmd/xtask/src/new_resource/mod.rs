//! `cargo xtask new-resource`: the first five minutes of a new resource type.
//!
//! Writes a file that compiles and that a test refuses, because its page is not written; and names
//! it in the module above. Everything else is thinking.

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
    /// Objects of the API.
    Cluster,
    /// Files on the hosts of nodes.
    Node,
}

impl Room {
    /// Where its types are, and the module that names them.
    fn folder_and_module(self) -> (&'static str, &'static str) {
        match self {
            Self::Cluster => ("providers/cluster/src/kinds", "mod.rs"),
            Self::Node => ("providers/node/src", "lib.rs"),
        }
    }

    /// How a line begins by which the module above knows a type.
    fn uses(self) -> &'static str {
        match self {
            Self::Cluster => "pub use ",
            Self::Node => "use ",
        }
    }

    fn template(self) -> &'static str {
        match self {
            Self::Cluster => include_str!("cluster.rs.txt"),
            Self::Node => include_str!("node.rs.txt"),
        }
    }
}

impl FromStr for New {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (room, name) = text.split_once('/').ok_or("write it as cluster/NAME or node/NAME")?;
        let room = match room {
            "cluster" => Room::Cluster,
            "node" => Room::Node,
            other => return Err(format!("`{other}` is neither `cluster` nor `node`")),
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
        let (template, ty) = (self.room.template(), self.type_name());
        // The kind of most types is called like the type.
        template.replace("@NAME@", &self.name).replace("@TYPE@", &ty).replace("@KIND@", &ty)
    }

    /// The module above, with the type in its three lists.
    fn named_in(&self, module: &str) -> Result<String, Trouble> {
        let (name, ty) = (&self.name, self.type_name());
        let missing = |what: &str| Trouble::new(format!("it has no line with `{what}`"));
        let mut text = module.to_owned();
        for (start, line) in [
            ("mod ", format!("mod {name};")),
            (self.room.uses(), format!("{}{name}::{ty};", self.room.uses())),
        ] {
            text = insert_sorted(&text, start, &line).ok_or_else(|| missing(start))?;
        }
        let listed = match self.room {
            Room::Cluster => {
                let start = "        Box::new(Api::<";
                insert_sorted(&text, start, &format!("{start}{ty}>::new()),"))
            }
            Room::Node => append(&text, &format!("Box::new(Marked::<{ty}>::new())")),
        };
        listed.ok_or_else(|| missing("Box::new"))
    }
}

/// Puts `item` at the end of the first `vec![...]`, on a line of its own if the others have one.
fn append(text: &str, item: &str) -> Option<String> {
    const LIST: &str = "vec![";
    let (before, rest) = text.split_once(LIST)?;
    let (items, behind) = rest.split_once(']')?;
    let items = match items.trim_end() {
        lines if lines.contains('\n') => format!("{lines}\n        {item},\n    "),
        line => format!("{line}, {item}"),
    };
    Some([before, LIST, &items, "]", behind].concat())
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
    let (folder, module) = new.room.folder_and_module();
    let folder = checkout::root().join(folder);
    let (source, module) = (folder.join(format!("{}.rs", new.name)), folder.join(module));
    if source.exists() {
        return Err(Trouble::new(format!("{} exists already", source.display())));
    }
    let text = fs::read_to_string(&module).doing(|| format!("reading {}", module.display()))?;
    let text = new.named_in(&text).doing(|| format!("changing {}", module.display()))?;
    fs::write(&source, new.source()).doing(|| format!("writing {}", source.display()))?;
    fs::write(&module, text).doing(|| format!("writing {}", module.display()))?;
    say(format_args!("wrote {}", source.display()));
    say(format_args!("changed {}", module.display()));
    say("Next: `cargo fmt`, and write its page. CONTRIBUTING.md has the other steps.");
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
        let cluster = "cluster/priority_class".parse::<New>().unwrap().source();
        assert!(cluster.contains("const NAME: &'static str = \"priority_class\";"), "{cluster}");
        let node = "node/priority_class".parse::<New>().unwrap().source();
        assert!(node.contains("const NAME: &'static str = \"priority_class\";"), "{node}");
        for source in [cluster, node] {
            assert!(source.contains("struct PriorityClass"), "{source}");
            assert!(!source.contains('@'), "{source}");
        }
    }

    #[test]
    fn host_type_takes_its_place_whether_or_not_the_list_is_one_line() {
        let head = "pub mod codes;\nmod io;\nmod zzz;\n\nuse zzz::Zzz;\n\n";
        let want = "pub mod codes;\nmod io;\nmod swap;\nmod zzz;\n\nuse swap::Swap;\n\
                    use zzz::Zzz;\n\n";
        for (list, named) in [
            (
                "    vec![Box::new(Marked::<Zzz>::new())]\n",
                "    vec![Box::new(Marked::<Zzz>::new()), Box::new(Marked::<Swap>::new())]\n",
            ),
            (
                "    vec![\n        Box::new(Marked::<Zzz>::new()),\n    ]\n",
                "    vec![\n        Box::new(Marked::<Zzz>::new()),\n        Box::new(Marked::<Swap>::new()),\n    ]\n",
            ),
        ] {
            let got = "node/swap".parse::<New>().unwrap().named_in(&format!("{head}{list}"));
            assert_eq!(got.unwrap(), format!("{want}{named}"));
        }
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
