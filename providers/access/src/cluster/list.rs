//! Reading all objects of a kind: completely, or not at all.

use super::discovery::with_query;
use super::{Ask, Cluster, ClusterError, Resource};
use serde_json::Value as Json;

/// Objects per page. A page of a thousand costs a server no more than twice a page of five
/// hundred, and ten thousand objects are then read with ten requests.
const PAGE: usize = 1000;
/// How often a list begins anew when the server no longer has the version that it began
/// with; after that it is asked for in one piece.
const RESTARTS: usize = 2;

/// Which objects of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Query<'a> {
    /// Only of this namespace.
    pub namespace: Option<&'a str>,
    /// Only with these labels: `a=b,c in (d, e)`.
    pub labels: Option<&'a str>,
    /// Only with these fields: `metadata.name=x`.
    pub fields: Option<&'a str>,
}

/// What a complete list held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// What was kept of it.
    pub items: Vec<T>,
    /// The version of the whole list, where a watch can begin.
    pub resource_version: String,
}

struct Page {
    items: Vec<Json>,
    resource_version: String,
    more: Option<String>,
    remaining: u64,
}

impl Cluster {
    /// Lists all objects, page by page, and keeps what `keep` returns of each.
    ///
    /// Either every object was seen, or there is an error: a list that breaks off or is
    /// something else is never a shorter list.
    pub async fn list<T: Send>(
        &self,
        resource: &Resource,
        query: Query<'_>,
        keep: impl Fn(Json) -> Option<T> + Send + Sync,
    ) -> Result<Listing<T>, ClusterError> {
        let mut restarts = 0;
        loop {
            let limit = (restarts <= RESTARTS).then_some(PAGE);
            match self.list_once(resource, query, limit, &keep).await {
                Err(error) if error.code() == Some(410) && limit.is_some() => restarts += 1,
                done => return done,
            }
        }
    }

    async fn list_once<T: Send>(
        &self,
        resource: &Resource,
        query: Query<'_>,
        limit: Option<usize>,
        keep: &(impl Fn(Json) -> Option<T> + Send + Sync),
    ) -> Result<Listing<T>, ClusterError> {
        let mut kept = Vec::new();
        let mut from = None;
        loop {
            let page = self.page(resource, query, limit, from.as_deref()).await?;
            kept.extend(page.items.into_iter().filter_map(keep));
            let Some(more) = page.more else {
                return Ok(Listing { items: kept, resource_version: page.resource_version });
            };
            if from.as_ref() == Some(&more) {
                let call = resource.call("list", query.namespace, None);
                return Err(self.malformed(&call, "goes round in a circle"));
            }
            from = Some(more);
        }
    }

    /// About how many objects there are, at the price of one.
    pub async fn count(&self, resource: &Resource, query: Query<'_>) -> Result<u64, ClusterError> {
        let page = self.page(resource, query, Some(1), None).await?;
        Ok(page.items.len() as u64 + page.remaining)
    }

    async fn page(
        &self,
        resource: &Resource,
        query: Query<'_>,
        limit: Option<usize>,
        from: Option<&str>,
    ) -> Result<Page, ClusterError> {
        let limit = limit.map(|n| n.to_string());
        let target = with_query(
            resource.path(query.namespace, None, None),
            &[
                ("limit", limit.as_deref()),
                ("continue", from),
                ("labelSelector", query.labels),
                ("fieldSelector", query.fields),
            ],
        );
        let call = resource.call("list", query.namespace, None);
        let ask = Ask::get(call, target);
        let document = self.ask_json(&ask).await?;
        read(document, resource).map_err(|why| self.malformed(&ask.call, why))
    }
}

fn read(mut document: Json, resource: &Resource) -> Result<Page, String> {
    let kind = document["kind"].as_str().unwrap_or_default();
    if !kind.ends_with("List") {
        return Err(format!("is no list but {}", crate::text::clean(&format!("`{kind}`"))));
    }
    let meta = &document["metadata"];
    if !meta.is_object() {
        return Err("is a list without metadata".to_owned());
    }
    let more = meta["continue"].as_str().filter(|c| !c.is_empty()).map(str::to_owned);
    let remaining = meta["remainingItemCount"].as_u64().unwrap_or(0);
    let resource_version = meta["resourceVersion"].as_str().unwrap_or_default().to_owned();
    let items = match document.get_mut("items").map(Json::take) {
        Some(Json::Array(items)) => items,
        // How Go writes an empty list that was never made.
        Some(Json::Null) => Vec::new(),
        _ => return Err("is a list without items".to_owned()),
    };
    let items = items.into_iter().map(|item| whole(item, resource)).collect::<Result<_, _>>()?;
    Ok(Page { items, resource_version, more, remaining })
}

/// Items of a list of a built-in kind do not repeat what they are.
fn whole(mut item: Json, resource: &Resource) -> Result<Json, String> {
    if item["metadata"]["name"].as_str().is_none() {
        return Err("is a list with an item that has no name".to_owned());
    }
    let map = item.as_object_mut().ok_or("is a list with an item that is no object")?;
    map.entry("apiVersion").or_insert_with(|| resource.api_version.as_str().into());
    map.entry("kind").or_insert_with(|| resource.kind.as_str().into());
    Ok(item)
}
