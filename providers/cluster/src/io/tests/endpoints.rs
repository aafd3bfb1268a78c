//! What is said of services once all is done.

use super::*;

const SERVICES: &[&str] =
    &["v1/Service/services", "discovery.k8s.io/v1/EndpointSlice/endpointslices"];

/// What is said after these services were applied, on a server that answers so for the endpoints
/// of each service; `kubernetes` is its own.
async fn said(names: &[&str], mut answer: impl FnMut(&str) -> Reply + Send + 'static) -> String {
    let server = Server::new(move |seen| {
        discovery(seen, SERVICES).unwrap_or_else(|| {
            let names = ["kubernetes", "web", "api"];
            answer(names.iter().find(|name| seen.query.ends_with(*name)).unwrap_or(&""))
        })
    });
    let apply = |name: &&str| {
        let object = ObjectRef::namespaced("v1", "Service", "shop", name);
        let intent = json!({"spec": {"selector": {"app": *name}}});
        op("apply", &object, json!({ "object": intent }), Json::Null)
    };
    let ops: Vec<Op> = names.iter().map(apply).collect();
    let said = provider(&server).afterwards(&ops).await;
    let line = |(at, p): &(usize, Problem)| format!("{at} {}: {}\n", p.summary, p.detail);
    said.iter().map(line).collect()
}

fn slices(ready: &[bool]) -> Reply {
    let slice = |ready: &bool| {
        json!({
            "metadata": {"name": "slice", "namespace": "shop"},
            "endpoints": [{"conditions": {"ready": *ready}}],
        })
    };
    Reply::json(list(ready.iter().map(slice)))
}

#[tokio::test]
async fn service_is_fine_with_a_ready_endpoint_and_said_to_be_empty_without() {
    let said = said(&["web", "api"], |service| slices(&[service != "api"])).await;
    assert_eq!(
        said,
        "1 Service without endpoints: Service shop/api is there, and nothing ready is behind it: \
         no pod with `app=api` is ready.\n"
    );
}

#[tokio::test]
async fn server_that_keeps_no_record_of_endpoints_says_nothing_of_services() {
    assert_eq!(said(&["web"], |_| slices(&[])).await, "");
}

#[tokio::test]
async fn endpoints_that_could_not_be_read_are_neither_fine_nor_missing() {
    let forbidden = |_: &str| {
        let message = "endpointslices is forbidden: User \"jane\" cannot list resource";
        Reply::refusal(403, "Forbidden", message)
    };
    assert_eq!(
        said(&["web", "api"], forbidden).await,
        "0 Endpoints were not seen: It was applied. Whether anything ready is behind \
         Service shop/web, Service shop/api could not be seen: User `jane` may not list \
         endpointslices.discovery.k8s.io in namespace `shop`. The server said: endpointslices is \
         forbidden: User \"jane\" cannot list resource.\n"
    );
    let broken = |service: &str| match service {
        "kubernetes" | "web" => slices(&[true]),
        _ => Reply::refusal(400, "BadRequest", "the storage is broken"),
    };
    assert_eq!(
        said(&["web", "api"], broken).await,
        "1 Endpoints were not seen: It was applied. Whether anything ready is behind \
         Service shop/api could not be seen: Asked to list endpointslices.discovery.k8s.io in \
         namespace shop, the server answered: the storage is broken.\n"
    );
}

#[tokio::test]
async fn services_are_looked_at_though_the_server_s_own_could_not_be() {
    let said = said(&["web"], |service| match service {
        "kubernetes" => Reply::refusal(403, "Forbidden", "not in the namespace default"),
        _ => slices(&[false]),
    });
    assert!(said.await.starts_with("0 Service without endpoints: Service shop/web is there"));
}
