//! Reading all objects of a kind: completely, or not at all.

use super::discovery::with_query;
use super::page::{Item, Page, keep_of, read};
use super::{Ask, Cluster, ClusterError, Resource};
use bytes::Bytes;
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
        self.list_items(resource, query, |item| Ok(keep(item.json()?))).await
    }

    /// The same for many objects of which few may be wanted: `keep` decides from the text, and
    /// says what is wrong with it.
    pub async fn list_items<T: Send>(
        &self,
        resource: &Resource,
        query: Query<'_>,
        keep: impl Fn(Item<'_>) -> Result<Option<T>, String> + Send + Sync,
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
        keep: &(impl Fn(Item<'_>) -> Result<Option<T>, String> + Send + Sync),
    ) -> Result<Listing<T>, ClusterError> {
        let call = resource.call("list", query.namespace, None);
        let malformed = |why: String| self.malformed(&call, why);
        let mut kept = Vec::new();
        let mut from = String::new();
        let mut body = self.page(resource, query, limit, None).await?;
        loop {
            let page = read(&body).map_err(malformed)?;
            if page.more() == from && !from.is_empty() {
                return Err(malformed("goes round in a circle".to_owned()));
            }
            from = page.more().to_owned();
            // The server is at work on the next page while this one is read.
            let next = async {
                let more = Some(from.as_str()).filter(|from| !from.is_empty())?;
                Some(self.page(resource, query, limit, Some(more)).await)
            };
            let (next, items) = futures::join!(next, async { keep_of(&page, resource, keep) });
            kept.extend(items.map_err(malformed)?);
            let Some(next) = next else {
                let resource_version = page.metadata.resource_version;
                return Ok(Listing { items: kept, resource_version });
            };
            body = next?;
        }
    }

    /// About how many objects there are, at the price of one.
    pub async fn count(&self, resource: &Resource, query: Query<'_>) -> Result<u64, ClusterError> {
        let body = self.page(resource, query, Some(1), None).await?;
        let call = resource.call("list", query.namespace, None);
        let count = |page: &Page<'_>| {
            let here = keep_of(page, resource, &|_| Ok(Some(())))?.len();
            Ok(here as u64 + page.metadata.remaining)
        };
        read(&body).and_then(|page| count(&page)).map_err(|why| self.malformed(&call, why))
    }

    async fn page(
        &self,
        resource: &Resource,
        query: Query<'_>,
        limit: Option<usize>,
        from: Option<&str>,
    ) -> Result<Bytes, ClusterError> {
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
        self.ask(&Ask::get(resource.call("list", query.namespace, None), target)).await
    }
}
