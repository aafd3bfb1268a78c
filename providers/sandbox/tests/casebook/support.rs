//! What the cases share.

use http::Request;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;

/// A dynamic handle on objects of any kind.
pub(crate) fn objects(
    client: &Client,
    api_version: &str,
    kind: &str,
    namespace: &str,
) -> Api<DynamicObject> {
    let known = apimachinery::discovery::by_kind(api_version, kind).unwrap();
    let resource = ApiResource {
        group: known.group.clone(),
        version: known.version.clone(),
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        plural: known.plural.clone(),
    };
    if namespace.is_empty() {
        Api::all_with(client.clone(), &resource)
    } else {
        Api::namespaced_with(client.clone(), namespace, &resource)
    }
}

/// Applies an object as `clinch` and returns it as JSON.
pub(crate) async fn apply(client: &Client, object: &Value) -> kube::Result<Value> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let namespace = text(&object["metadata"]["namespace"]);
    let api = objects(client, &version, &kind, &namespace);
    let params = PatchParams::apply("clinch");
    let name = text(&object["metadata"]["name"]);
    let applied = api.patch(&name, &params, &Patch::Apply(object)).await?;
    Ok(serde_json::to_value(applied).unwrap())
}

/// An object as JSON; null where there is none.
pub(crate) async fn get(
    client: &Client,
    api_version: &str,
    kind: &str,
    namespace: &str,
    name: &str,
) -> Value {
    let api = objects(client, api_version, kind, namespace);
    api.get_opt(name)
        .await
        .unwrap()
        .map_or(Value::Null, |object| serde_json::to_value(object).unwrap())
}

/// The names in a collection.
pub(crate) async fn names(
    client: &Client,
    api_version: &str,
    kind: &str,
    namespace: &str,
) -> Vec<String> {
    let list = objects(client, api_version, kind, namespace)
        .list(&kube::api::ListParams::default())
        .await
        .unwrap();
    list.items.into_iter().map(|object| object.metadata.name.unwrap()).collect()
}

/// The code and message of a refusal.
pub(crate) fn refusal<T: std::fmt::Debug>(result: kube::Result<T>) -> (u16, String) {
    match result.unwrap_err() {
        kube::Error::Api(status) => (status.code, status.message),
        other => panic!("no status: {other}"),
    }
}

/// Sends a request as it is and returns status code and JSON body.
pub(crate) async fn raw(
    sandbox: &sandbox::Sandbox,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, Value) {
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request =
        request.body(http_body_util::Full::new(bytes::Bytes::from(body.to_owned()))).unwrap();
    let response = sandbox.service().oneshot(request).await.unwrap();
    let code = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let value = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&bytes).into_owned()));
    (code, value)
}

/// A client that reaches the sandbox through a port, and what serves there. It asks once: what
/// clients do on top of that is theirs.
pub(crate) async fn served(
    sandbox: &sandbox::Sandbox,
) -> (Client, tokio::task::JoinHandle<std::io::Result<()>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = {
        let sandbox = sandbox.clone();
        tokio::spawn(async move { sandbox.serve(listener).await })
    };
    let kubeconfig = Kubeconfig::from_yaml(&sandbox.write_kubeconfig(address)).unwrap();
    let mut config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    config.default_retry = false;
    (Client::try_from(config).unwrap(), serving)
}
