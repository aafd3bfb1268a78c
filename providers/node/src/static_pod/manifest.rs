//! Reading the manifest of a static pod, and changing flags in it: only the entries of `command`
//! and `args` that change are other bytes afterwards, so that comments, the order and all else
//! stay.

use std::collections::BTreeMap;
use std::ops::Range;
use values::Value;
use yaml::{Kind, Node};

/// A pod with one program that takes flags.
#[derive(Debug)]
pub(super) struct Manifest<'t> {
    text: &'t str,
    pub(super) pod: String,
    pub(super) namespace: String,
    pub(super) container: String,
    /// Whether anything is asked of the container before it counts as ready.
    pub(super) is_probed: bool,
    pub(super) mounts: Vec<Mount>,
    /// `command` and `args`.
    lists: Vec<List>,
}

/// A folder or file that the container sees.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// Where the container sees it.
    pub(super) path: String,
    /// What it is on the host; `None` when it is nothing of the host's.
    pub(super) on_host: Option<String>,
}

#[derive(Debug)]
struct List {
    /// In brackets, as in JSON.
    is_flow: bool,
    items: Vec<Item>,
}

#[derive(Debug)]
struct Item {
    text: String,
    place: Range<usize>,
}

/// A flag as it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flag {
    pub(super) name: String,
    pub(super) value: String,
    /// Its value is an entry of its own.
    pub(super) is_apart: bool,
    list: usize,
    item: usize,
}

/// What a shell does with its arguments cannot be told from them.
const SHELLS: [&str; 6] = ["sh", "bash", "ash", "dash", "zsh", "busybox"];

impl<'t> Manifest<'t> {
    /// Reads it; the error is the end of a sentence.
    pub(super) fn read(text: &'t str) -> Result<Self, String> {
        let root = root(text)?;
        let says = |name: &str| root.get(name).and_then(Node::as_text).unwrap_or_default();
        if (says("apiVersion"), says("kind")) != ("v1", "Pod") {
            return Err(format!(
                "is no Pod of v1: it says `{}` and `{}`",
                says("apiVersion").escape_debug(),
                says("kind").escape_debug()
            ));
        }
        let of_metadata = |name: &str| root.get("metadata")?.get(name)?.as_text();
        let pod = of_metadata("name").ok_or("has no `metadata.name`")?.to_owned();
        let namespace = of_metadata("namespace").unwrap_or("default").to_owned();
        let spec = root.get("spec").ok_or("has no `spec`")?;
        let container = container(spec, &pod)?;
        let lists = ["command", "args"].into_iter().filter_map(|name| container.get(name));
        let lists = lists.map(|list| list_of(text, list)).collect::<Result<Vec<_>, _>>()?;
        let manifest = Self {
            text,
            namespace,
            container: container.get("name").and_then(Node::as_text).unwrap_or(&pod).to_owned(),
            pod,
            is_probed: ["startupProbe", "readinessProbe"]
                .iter()
                .any(|p| container.get(p).is_some()),
            mounts: mounts(spec, container),
            lists,
        };
        let program = manifest.program();
        if SHELLS.contains(&program) {
            return Err(format!(
                "starts its program through `{program}`, so that its flags are a part of a script"
            ));
        }
        if manifest.lists.iter().all(|list| list.items.is_empty()) {
            return Err("has neither `command` nor `args`".to_owned());
        }
        Ok(manifest)
    }

    /// The program without its folder; empty when the image says which.
    pub(super) fn program(&self) -> &str {
        let first = self.lists.iter().flat_map(|list| &list.items).next();
        let first = first.map_or("", |item| item.text.as_str()).rsplit('/').next().unwrap_or("");
        if first.starts_with('-') { "" } else { first }
    }

    /// What the container is started with.
    pub(super) fn words(&self) -> Vec<&str> {
        self.lists.iter().flat_map(|list| &list.items).map(|item| item.text.as_str()).collect()
    }

    /// All flags, in the order of the text.
    pub(super) fn flags(&self) -> Vec<Flag> {
        let mut out = Vec::new();
        for (list, of) in self.lists.iter().enumerate() {
            for (item, entry) in of.items.iter().enumerate() {
                let next = of.items.get(item + 1).map(|next| next.text.as_str());
                if let Some((name, value, is_apart)) = flag(&entry.text, next) {
                    out.push(Flag { name, value, is_apart, list, item });
                }
            }
        }
        out
    }

    /// The flags that are given once, with their values.
    pub(super) fn values(&self) -> Value {
        values_of(&self.words())
    }

    /// Why this flag cannot be managed, as the end of a sentence.
    pub(super) fn is_unclear(&self, name: &str) -> Option<&'static str> {
        let flags = self.flags();
        let found: Vec<&Flag> = flags.iter().filter(|flag| flag.name == name).collect();
        match found[..] {
            [_, _, ..] => Some("is given more than once"),
            [flag] if flag.is_apart => Some("has its value in an entry of its own"),
            [_] | [] => None,
        }
    }

    /// The text with these flags changed, `None` for taken out. What already is so stays byte
    /// for byte. The error is the end of a sentence.
    pub(super) fn edited(
        &self,
        changes: &BTreeMap<String, Option<String>>,
    ) -> Result<String, String> {
        let mut cuts: Vec<(Range<usize>, String)> = Vec::new();
        let flags = self.flags();
        for (name, wanted) in changes {
            let found = flags.iter().find(|flag| flag.name == *name);
            match (found, wanted) {
                (Some(flag), Some(value)) if flag.value == *value => {}
                (Some(flag), Some(value)) => cuts.push(self.exchanged(flag, value)),
                (Some(flag), None) => cuts.push(self.without(flag)),
                (None, Some(value)) => cuts.push(self.inserted(name, value, &flags)?),
                (None, None) => {}
            }
        }
        // From the end, so that places stay right; what goes to one place keeps its order.
        cuts.reverse();
        cuts.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        let mut text = self.text.to_owned();
        for (range, new) in cuts {
            text.replace_range(range, &new);
        }
        self.is_only_that(&text, changes)?;
        Ok(text)
    }

    /// The same entry with another value, in quotes where it was.
    fn exchanged(&self, flag: &Flag, value: &str) -> (Range<usize>, String) {
        let item = &self.lists[flag.list].items[flag.item];
        let old = &self.text[item.place.clone()];
        let dashes = if item.text.starts_with("--") { "--" } else { "-" };
        // A name that was written with `_` stays so.
        let name = item.text.trim_start_matches('-').split('=').next().unwrap_or(&flag.name);
        let new = format!("{dashes}{name}={value}");
        (item.place.clone(), scalar(&new, old.chars().next(), self.lists[flag.list].is_flow))
    }

    fn without(&self, flag: &Flag) -> (Range<usize>, String) {
        let list = &self.lists[flag.list];
        let place = list.items[flag.item].place.clone();
        if !list.is_flow {
            return (self.lines(&place), String::new());
        }
        // With the comma before it, or the one after the first.
        match flag.item.checked_sub(1).map(|before| list.items[before].place.end) {
            Some(start) => (start..place.end, String::new()),
            None => {
                let end = list.items.get(1).map_or(place.end, |next| next.place.start);
                (place.start..end, String::new())
            }
        }
    }

    /// A new entry: where it belongs by its name, as kubeadm sorts them, or at the end.
    fn inserted(
        &self,
        name: &str,
        value: &str,
        flags: &[Flag],
    ) -> Result<(Range<usize>, String), String> {
        let has_flags = |list: &usize| flags.iter().any(|flag| flag.list == *list);
        let at = (0..self.lists.len()).rev().find(has_flags);
        let at = at.or(self.lists.len().checked_sub(1)).ok_or("has no `command`")?;
        let list = &self.lists[at];
        let greater = flags.iter().find(|flag| flag.list == at && *flag.name > *name);
        let before = greater.map_or(list.items.len(), |flag| flag.item);
        let new = format!("--{name}={value}");
        let sibling = |item: usize| list.items.get(item).map(|item| item.place.clone());
        let quote = |place: &Range<usize>| self.text[place.clone()].chars().next();
        match (before.checked_sub(1).and_then(sibling), sibling(before)) {
            (Some(before), _) if list.is_flow => {
                let new = scalar(&new, quote(&before), true);
                Ok((before.end..before.end, format!(", {new}")))
            }
            (None, Some(next)) if list.is_flow => {
                let new = scalar(&new, quote(&next), true);
                Ok((next.start..next.start, format!("{new}, ")))
            }
            (Some(before), _) => {
                let lines = self.lines(&before);
                Ok((lines.end..lines.end, self.line_like(&before, &new)))
            }
            (None, Some(next)) => {
                let lines = self.lines(&next);
                Ok((lines.start..lines.start, self.line_like(&next, &new)))
            }
            (None, None) => Err("has an empty list of arguments".to_owned()),
        }
    }

    /// A line with the indentation and the line break of another entry's.
    fn line_like(&self, sibling: &Range<usize>, entry: &str) -> String {
        let lines = self.lines(sibling);
        let before = &self.text[lines.start..sibling.start];
        let line_break = if self.text[lines].ends_with("\r\n") { "\r\n" } else { "\n" };
        format!("{before}{}{line_break}", scalar(entry, None, false))
    }

    /// All lines that an entry is on.
    fn lines(&self, place: &Range<usize>) -> Range<usize> {
        let start = self.text[..place.start].rfind('\n').map_or(0, |at| at + 1);
        let end =
            self.text[place.end..].find('\n').map_or(self.text.len(), |at| place.end + at + 1);
        start..end
    }

    /// That the new text is the same object except for these flags.
    fn is_only_that(
        &self,
        text: &str,
        changes: &BTreeMap<String, Option<String>>,
    ) -> Result<(), String> {
        let cannot = || "cannot be changed entry by entry".to_owned();
        let new = Manifest::read(text).map_err(|_| cannot())?;
        let others = |of: &Manifest<'_>| -> Vec<String> {
            let flags = of.flags();
            let ours = |list: usize, item: usize| {
                let flag = flags.iter().find(|f| (f.list, f.item) == (list, item));
                flag.is_some_and(|flag| changes.contains_key(&flag.name))
            };
            let lists = of.lists.iter().enumerate();
            let items = lists.flat_map(|(l, list)| {
                list.items.iter().enumerate().map(move |(i, item)| (l, i, item))
            });
            items.filter(|(l, i, _)| !ours(*l, *i)).map(|(_, _, item)| item.text.clone()).collect()
        };
        let values = new.values();
        let as_wanted = changes
            .iter()
            .all(|(name, wanted)| values.get(name).and_then(Value::as_str) == wanted.as_deref());
        let rest = |text: &str| Some(without_words(root(text).ok()?.to_value()));
        if as_wanted && others(self) == others(&new) && rest(self.text) == rest(text) {
            return Ok(());
        }
        Err(cannot())
    }
}

fn root(text: &str) -> Result<Node, String> {
    let documents = yaml::documents(text)
        .map_err(|mistake| format!("cannot be read: {}", mistake.why.trim_end_matches('.')))?;
    match <[Node; 1]>::try_from(documents) {
        Ok([root]) => Ok(root),
        Err(many) => Err(format!("has {} documents instead of one", many.len())),
    }
}

/// The container that has the pod's name, or the only one.
fn container<'n>(spec: &'n Node, pod: &str) -> Result<&'n Node, String> {
    let Some(Kind::List(all)) = spec.get("containers").map(|list| &list.kind) else {
        return Err("has no `spec.containers`".to_owned());
    };
    let named = all.iter().find(|c| c.get("name").and_then(Node::as_text) == Some(pod));
    match (named, &all[..]) {
        (Some(container), _) | (None, [container]) => Ok(container),
        (None, _) => Err(format!("has {} containers, and none is called `{pod}`", all.len())),
    }
}

fn list_of(text: &str, list: &Node) -> Result<List, String> {
    let Kind::List(items) = &list.kind else {
        return Err("has a `command` or `args` that is no list".to_owned());
    };
    let range = |node: &Node| {
        let (start, end) = (node.place.start as usize, node.place.end as usize);
        text.get(start..end).map(|_| start..end)
    };
    let cannot = || "has arguments that are written with anchors".to_owned();
    let place = range(list).ok_or_else(cannot)?;
    let mut out = Vec::new();
    let mut after = place.start;
    for node in items.iter() {
        let words = node.as_text().ok_or("has an argument that is no text")?.to_owned();
        // Elsewhere is what an alias stands for.
        let place = range(node).filter(|place| place.start >= after).ok_or_else(cannot)?;
        after = place.end;
        out.push(Item { text: words, place });
    }
    let is_flow = text[place.start..].starts_with('[');
    Ok(List { is_flow, items: out })
}

fn mounts(spec: &Node, container: &Node) -> Vec<Mount> {
    let items = |node: Option<&Node>| match node.map(|node| &node.kind) {
        Some(Kind::List(items)) => items.to_vec(),
        Some(_) | None => Vec::new(),
    };
    let text = |node: &Node, name: &str| node.get(name)?.as_text().map(str::to_owned);
    let volumes = items(spec.get("volumes"));
    let on_host = |name: &str| {
        let volume = volumes.iter().find(|volume| text(volume, "name").as_deref() == Some(name))?;
        text(volume.get("hostPath")?, "path")
    };
    let mount = |node: &Node| {
        let (path, name) = (text(node, "mountPath")?, text(node, "name")?);
        let below = text(node, "subPath");
        let on_host = on_host(&name).map(|host| match &below {
            Some(below) => format!("{}/{below}", host.trim_end_matches('/')),
            None => host,
        });
        Some(Mount { path, on_host })
    };
    items(container.get("volumeMounts")).iter().filter_map(mount).collect()
}

/// The flags among the words of a command that are given once, with their values.
pub(super) fn values_of(words: &[&str]) -> Value {
    let next = |i: usize| words.get(i + 1).copied();
    let flags = words.iter().enumerate().filter_map(|(i, word)| flag(word, next(i)));
    let flags: Vec<(String, String)> = flags.map(|(name, value, _)| (name, value)).collect();
    let count = |name: &str| flags.iter().filter(|(other, _)| other == name).count();
    let once = flags.iter().filter(|(name, _)| count(name) == 1);
    Value::map(once.map(|(name, value)| (name.as_str(), Value::from(value.as_str()))))
}

/// Name and value of a flag, and whether the value is the next entry. A name may have `_` for
/// `-`, as all programs of Kubernetes read it.
fn flag(entry: &str, next: Option<&str>) -> Option<(String, String, bool)> {
    let bare = match entry.strip_prefix("--") {
        Some(bare) => bare,
        // The short form of one letter: `-v=2`.
        None => entry.strip_prefix('-').filter(|bare| bare.find('=').unwrap_or(bare.len()) == 1)?,
    };
    let (name, value) = match bare.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (bare, None),
    };
    if name.is_empty() {
        return None;
    }
    let name = name.replace('_', "-");
    Some(match (value, next.filter(|next| !next.starts_with('-'))) {
        (Some(value), _) => (name, value.to_owned(), false),
        (None, Some(next)) => (name, next.to_owned(), true),
        (None, None) => (name, "true".to_owned(), false),
    })
}

/// A text as YAML: plain where it can be, in the given quotes where it was in quotes.
fn scalar(text: &str, quote: Option<char>, is_flow: bool) -> String {
    let single = || format!("'{}'", text.replace('\'', "''"));
    let double = || match access::json::to_json(&text.into()) {
        Ok(json) => json.to_string(),
        Err(_) => single(),
    };
    let reads_back = |written: &str| {
        let item = if is_flow { format!("[{written}]\n") } else { format!("- {written}\n") };
        let documents = yaml::documents(&item).unwrap_or_default();
        let value = documents.first().map(Node::to_value);
        documents.len() == 1 && value == Some(Value::list([text.into()]))
    };
    match quote {
        Some('\'') if reads_back(&single()) => single(),
        Some('"') => double(),
        _ if reads_back(text) => text.to_owned(),
        _ => double(),
    }
}

/// The object without what its containers are started with.
fn without_words(object: Value) -> Value {
    match object {
        Value::Map(map) => {
            let keep = |key: &str| key != "command" && key != "args";
            let kept = map.iter().filter(|(key, _)| keep(key));
            Value::map(kept.map(|(key, value)| (key.clone(), without_words(value.clone()))))
        }
        Value::List(items) => Value::list(items.iter().map(|item| without_words(item.clone()))),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: kube-scheduler
  namespace: kube-system
spec:
  containers:
  - command:
    - kube-scheduler
    # who may ask it
    - --bind-address=127.0.0.1   # nobody else
    - \"--kubeconfig=/etc/kubernetes/scheduler.conf\"
    - --leader_elect=true
    - -v=2
    image: registry.k8s.io/kube-scheduler:v1.37.2
    name: kube-scheduler
    startupProbe: {httpGet: {path: /livez, port: 10259}}
    volumeMounts:
    - {mountPath: /etc/kubernetes/scheduler.conf, name: kubeconfig}
  volumes:
  - {name: kubeconfig, hostPath: {path: /etc/kubernetes/scheduler.conf}}
";

    type Changes<'c> = &'c [(&'c str, Option<&'c str>)];

    fn change(text: &str, changes: Changes<'_>) -> Result<String, String> {
        let own =
            |(name, value): &(&str, Option<&str>)| ((*name).to_owned(), value.map(str::to_owned));
        Manifest::read(text).unwrap().edited(&changes.iter().map(own).collect())
    }

    /// Changed and changed back; the text in between.
    fn there_and_back(text: &str, changes: Changes<'_>) -> String {
        let values = Manifest::read(text).unwrap().values();
        let back: Vec<_> = changes
            .iter()
            .map(|(name, _)| (*name, values.get(name).and_then(Value::as_str)))
            .collect();
        let there = change(text, changes).unwrap();
        assert_eq!(change(&there, &back).unwrap(), text);
        there
    }

    #[test]
    fn what_the_kubelet_would_start_is_read() {
        let manifest = Manifest::read(FILE).unwrap();
        assert_eq!(manifest.program(), "kube-scheduler");
        assert_eq!((&*manifest.namespace, &*manifest.container), ("kube-system", "kube-scheduler"));
        assert!(manifest.is_probed);
        let shown: Vec<String> =
            manifest.flags().iter().map(|f| format!("{} {}", f.name, f.value)).collect();
        let wanted = [
            "bind-address 127.0.0.1",
            "kubeconfig /etc/kubernetes/scheduler.conf",
            "leader-elect true",
            "v 2",
        ];
        assert_eq!(shown, wanted);
        let conf = "/etc/kubernetes/scheduler.conf".to_owned();
        assert_eq!(manifest.mounts, [Mount { path: conf.clone(), on_host: Some(conf) }]);
    }

    #[test]
    fn only_the_value_changes_and_quotes_comments_and_spelling_stay() {
        let text = there_and_back(
            FILE,
            &[
                ("bind-address", Some("0.0.0.0")),
                ("kubeconfig", Some("/etc/x.conf")),
                ("leader-elect", Some("false")),
                ("v", Some("4")),
            ],
        );
        let wanted = FILE
            .replace("127.0.0.1   #", "0.0.0.0   #")
            .replace(
                "\"--kubeconfig=/etc/kubernetes/scheduler.conf\"",
                "\"--kubeconfig=/etc/x.conf\"",
            )
            .replace("leader_elect=true", "leader_elect=false")
            .replace("-v=2", "-v=4");
        assert_eq!(text, wanted);
    }

    #[test]
    fn new_flags_stand_where_their_names_belong_and_leave_no_trace() {
        let text = there_and_back(
            FILE,
            &[
                ("authorization-kubeconfig", Some("/a")),
                ("feature-gates", Some("A=true,B=false")),
                ("kube-api-qps", Some("90")),
                ("x", Some("a: b #c")),
            ],
        );
        let wanted = FILE
            .replace(
                "kube-scheduler\n    #",
                "kube-scheduler\n    - --authorization-kubeconfig=/a\n    #",
            )
            .replace(
                "# nobody else\n",
                "# nobody else\n    - --feature-gates=A=true,B=false\n    - --kube-api-qps=90\n",
            )
            .replace("-v=2\n", "-v=2\n    - \"--x=a: b #c\"\n");
        assert_eq!(text, wanted);
    }

    #[test]
    fn a_flag_that_is_taken_out_takes_its_line_with_it_and_comes_back_to_its_place() {
        let sorted = FILE.replace('"', "");
        let text = there_and_back(&sorted, &[("kubeconfig", None)]);
        assert_eq!(text, sorted.replace("    - --kubeconfig=/etc/kubernetes/scheduler.conf\n", ""));
        // At the end of a file without a line break, and with those of another system.
        for text in [FILE.trim_end().to_owned(), FILE.replace('\n', "\r\n")] {
            there_and_back(&text, &[("w", Some("1")), ("bind-address", Some("::1"))]);
        }
    }

    #[test]
    fn arguments_in_brackets_are_changed_in_brackets() {
        let json = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "etcd"}, "spec":
            {"containers": [{"name": "a", "command": ["etcd"], "args": ["--name=a", "--z=1"]}]}}"#;
        let text = there_and_back(
            json,
            &[("name", Some("b")), ("data-dir", Some("/d")), ("zz", Some("2"))],
        );
        assert!(text.contains(r#"["--data-dir=/d", "--name=b", "--z=1", "--zz=2"]"#), "{text}");
        for (gone, left) in [("name", "[\"--z=1\"]"), ("z", "[\"--name=a\"]")] {
            let text = change(json, &[(gone, None)]).unwrap();
            assert!(text.contains(left), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_managed_is_said() {
        let why = |text: &str| Manifest::read(text).unwrap_err();
        assert_eq!(why("a: 1\n"), "is no Pod of v1: it says `` and ``");
        assert!(why("a: [\n").starts_with("cannot be read: "));
        assert!(why(&FILE.replace("- kube-scheduler\n    #", "- /bin/sh\n    #")).contains("`sh`"));
        let twice = FILE.replace("-v=2", "--bind-address=::1");
        assert_eq!(
            Manifest::read(&twice).unwrap().is_unclear("bind-address"),
            Some("is given more than once")
        );
        let apart = FILE.replace("- -v=2", "- --v\n    - \"2\"");
        let manifest = Manifest::read(&apart).unwrap();
        assert_eq!(manifest.is_unclear("v"), Some("has its value in an entry of its own"));
        assert_eq!(manifest.is_unclear("leader-elect"), None);
    }
}
