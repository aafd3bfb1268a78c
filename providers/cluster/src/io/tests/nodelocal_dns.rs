//! What is looked at for the DNS cache of nodes.

use super::*;
use crate::api::several;
use crate::kinds::nodelocal_dns::{NAME, identity};
use provider::Preview;

const SET: &[&str] = &[
    "v1/ServiceAccount/serviceaccounts",
    "v1/Service/services",
    "v1/ConfigMap/configmaps",
    "v1/Node/nodes/cluster",
    "apps/v1/DaemonSet/daemonsets",
];

fn server(mut script: impl FnMut(&Seen) -> Reply + Send + 'static) -> Server {
    Server::new(move |seen| discovery(seen, SET).unwrap_or_else(|| script(seen)))
}

async fn look(server: &Server) -> Observation {
    let wanted = Wanted { ty: crate::type_name(NAME), identity: identity() };
    provider(server).observe(vec![wanted]).await.remove(0)
}

fn object(kind: &str, name: &str) -> Json {
    json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "kube-system"}})
}

/// The kind and the name at the end of a path; a list has no name.
fn place(seen: &Seen) -> (String, Option<String>) {
    let path = seen.path.as_str();
    let mut parts = path.split('/').skip_while(|part| *part != "kube-system").skip(1);
    let kind = parts.next().unwrap_or_else(|| path.rsplit('/').next().unwrap_or_default());
    (kind.to_owned(), parts.next().map(str::to_owned))
}

/// A server with these objects of `kube-system`, and one kind that may not be read.
fn holding(objects: Vec<(&'static str, Json)>, hidden: &'static str) -> Server {
    server(move |seen| {
        let (kind, name) = place(seen);
        if kind == hidden {
            return forbidden(seen);
        }
        let of_kind = objects.iter().filter(|(plural, _)| *plural == kind).map(|(_, o)| o.clone());
        match name {
            None => Reply::json(list(of_kind)),
            Some(name) => {
                let mut named =
                    of_kind.filter(|object| object["metadata"]["name"] == name.as_str());
                named.next().map_or_else(|| Reply::not_found(&name), Reply::json)
            }
        }
    })
}

#[tokio::test]
async fn whole_set_is_one_answer_with_what_it_depends_on() {
    let objects = vec![
        ("services", object("Service", "kube-dns")),
        ("configmaps", object("ConfigMap", "node-local-dns")),
        ("configmaps", object("ConfigMap", "kube-proxy")),
        ("configmaps", object("ConfigMap", "somebody-elses")),
    ];
    let Observation::Present(seen) = look(&holding(objects, "nothing")).await else { panic!() };
    let there = |of: &str| -> Vec<String> {
        let parts = seen.get(of).and_then(Value::as_map).into_iter().flatten();
        parts.filter(|(_, live)| !live.is_null()).map(|(name, _)| name.to_string()).collect()
    };
    assert_eq!(there("objects"), ["config_map"]);
    assert_eq!(there("seen"), ["kube_dns", "kube_proxy"]);
    assert_eq!(there("unseen"), [""; 0]);
}

#[tokio::test]
async fn object_that_cannot_be_seen_is_not_absent_and_its_set_is_not_known() {
    let seen = look(&holding(Vec::new(), "daemonsets")).await;
    let Observation::Unknown(problem) = seen else { panic!("{seen:?}") };
    assert!(problem.detail.contains("cannot list"), "{problem:?}");
}

#[tokio::test]
async fn kubelets_are_asked_what_they_give_to_pods_and_the_silent_ones_are_named() {
    let server = server(|seen| {
        let node = |name: &str, os: &str| json!({"metadata": {"name": name, "labels": {"kubernetes.io/os": os}}});
        let gives = |address: &str| {
            Reply::json(json!({"kubeletconfig": {"clusterDNS": [address], "maxPods": 110}}))
        };
        match seen.path.as_str() {
            "/api/v1/nodes" if !seen.asks("labelSelector=pool%3Ddns") => {
                panic!("asked for {}", seen.query)
            }
            "/api/v1/nodes" => Reply::json(list([
                node("w2", "linux"),
                node("w1", "linux"),
                node("old", "linux"),
                node("win", "windows"),
            ])),
            "/api/v1/nodes/w1/proxy/configz" => gives("169.254.20.10"),
            "/api/v1/nodes/w2/proxy/configz" => gives("10.96.0.10"),
            "/api/v1/nodes/old/proxy/configz" => Reply::text(502, "no route to host"),
            path => panic!("asked for {path}"),
        }
    });
    let labels = Value::map([("pool", "dns".into())]);
    let question = several::question(&crate::type_name(NAME), &identity(), &[], Some(&labels));
    let Preview::Would(told) = provider(&server).preview(vec![question]).await.remove(0) else {
        panic!("no answer")
    };
    let told = crate::json::to_json(told.get("kubelets").expect("kubelets")).expect("plain");
    assert_eq!(
        told,
        json!({"nodes": {"w1": ["169.254.20.10"], "w2": ["10.96.0.10"]}, "unseen": ["old"]})
    );
}

#[tokio::test]
async fn nobody_is_asked_where_nodes_may_not_be_listed() {
    let server = server(forbidden);
    let question =
        several::question(&crate::type_name(NAME), &identity(), &[], Some(&Value::empty_map()));
    let answer = provider(&server).preview(vec![question]).await.remove(0);
    let Preview::Would(told) = answer else { panic!("{answer:?}") };
    assert_eq!(told.get("kubelets"), Some(&Value::Null));
}

#[tokio::test]
async fn question_is_never_performed() {
    let server = server(|seen| panic!("asked for {}", seen.path));
    let question =
        several::question(&crate::type_name(NAME), &identity(), &[], Some(&Value::empty_map()));
    let (done, _) = perform(&server, &question).await;
    assert!(problem(done).detail.contains("is a question, and cannot be done"));
}
