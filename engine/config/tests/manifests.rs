//! Files of YAML: which are read, and what is made of what stands in them.

use crate::render;
use config::{Config, InMemory, Manifests, read_manifests};
use diags::{SourceMap, Span};

fn read(pattern: &str, files: &[(&str, &str)]) -> (Manifests, String) {
    let mut map = SourceMap::default();
    let source = map.add("main.hcl", pattern);
    let at = Span { source, start: 0, end: 1 };
    let mut sources: InMemory = files.iter().copied().collect();
    let (found, told) = read_manifests(&Config::default(), pattern, at, &mut sources, &mut map);
    (found, render::diagnostics(&map, &told))
}

fn keys(found: &Manifests) -> Vec<&str> {
    found.objects.keys().map(|key| &**key).collect()
}

#[test]
fn every_document_and_every_item_of_a_list_is_an_object() {
    let namespace = "apiVersion: v1\r\nkind: Namespace\r\nmetadata: {name: a}\r\n";
    let list = "apiVersion: v1\nkind: ConfigMapList\nitems:\n\
                - {apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: a}}\n\
                - {apiVersion: v1, kind: ConfigMap, metadata: {name: z, namespace: a}}\n";
    let files =
        [("b/one.yaml", &*format!("{namespace}---\n---\n{list}")), ("b/two.yml", namespace)];
    let (found, told) = read("b/*.yaml", &files);
    assert_eq!(keys(&found), ["ConfigMap/a/x", "ConfigMap/a/z", "Namespace/a"]);
    assert_eq!((told.as_str(), found.complete, found.sources.len()), ("", true, 1));
}

#[test]
fn plain_word_that_kubernetes_reads_as_something_else_is_told() {
    let text = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: y\n";
    let (_, told) = read("*.yaml", &[("a.yaml", text)]);
    assert!(told.contains("`metadata.name` is no text here"), "{told}");
}

#[test]
fn file_without_objects_is_one_all_the_same() {
    let (found, told) = read("*.yaml", &[("a.yaml", "# later\n")]);
    assert_eq!((keys(&found).len(), told.as_str(), found.sources.len()), (0, "", 1));
}

#[test]
fn what_is_no_object_is_told_and_the_rest_is_read() {
    let text = "hello\n---\napiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n---\n\
                apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}\n";
    let (found, told) = read("*.yaml", &[("a.yaml", text)]);
    assert_eq!((keys(&found), found.complete), (vec!["Pod/b/a"], false));
    assert!(told.contains("E0144") && told.contains("no `apiVersion`"), "{told}");
    assert!(told.contains("no `metadata.name`"), "{told}");
}
