//! The way of one process to a host.

use crate::planted::Planted;
use crate::process::Process;
use crate::story::Mishap;
use crate::touch::Touch;
use crate::world::{Machine, only_looks};
use access::{Answer, Ask, Command, Expected, Fence, Host, HostError, Output, WriteFile};
use provider::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

/// How long a connection takes that does not come about.
const PATIENCE: Duration = Duration::from_secs(10);

/// A host as this process reaches it.
pub(crate) struct Hand {
    pub(crate) process: Arc<Process>,
    pub(crate) node: String,
    pub(crate) machine: Machine,
    /// The number under which the process works there, once it has one.
    pub(crate) number: Option<u64>,
}

impl Hand {
    async fn reached(&self) -> Result<(), HostError> {
        self.process.runs().await;
        let now = self.process.world.clock.now();
        if self.machine.is_away(now) {
            tokio::time::sleep(PATIENCE).await;
            return Err(self.unreachable());
        }
        Ok(())
    }

    fn unreachable(&self) -> HostError {
        HostError::Unreachable {
            host: self.node.clone(),
            address: self.node.clone(),
            said: "no route to host".to_owned(),
        }
    }

    fn lost(&self) -> HostError {
        HostError::Lost { host: self.node.clone(), said: "connection reset".to_owned() }
    }

    /// Does something between being counted and being looked at.
    async fn does<T>(
        &self,
        touch: Touch,
        work: impl Future<Output = Result<T, HostError>> + Send,
    ) -> Result<T, HostError> {
        self.reached().await?;
        let world = &self.process.world;
        let mishap = world.before(&touch).await;
        match mishap {
            Some(Mishap::TooMany | Mishap::Unavailable | Mishap::Failure) => {
                return Err(self.unreachable());
            }
            Some(Mishap::BreaksBefore | Mishap::Conflict) => return Err(self.lost()),
            Some(Mishap::Late) => tokio::time::sleep(PATIENCE).await,
            Some(Mishap::BreaksAfter) | None => {}
        }
        let done = work.await;
        match &done {
            Ok(_) => {
                let (process, number) = (self.process.number, self.number);
                world.history(|history| {
                    history.did_on(&self.node, number, &format!("process {process} did {touch}"));
                });
                world.after(&touch).await;
            }
            Err(_) => world.not_done(&touch).await,
        }
        if mishap == Some(Mishap::BreaksAfter) { Err(self.lost()) } else { done }
    }
}

impl Host for Hand {
    fn name(&self) -> &str {
        &self.node
    }

    fn look<'a>(&'a self, asks: &'a [Ask]) -> BoxFuture<'a, Result<Vec<Answer>, HostError>> {
        Box::pin(async move {
            self.reached().await?;
            self.machine.host.look(asks).await
        })
    }

    fn write<'a>(&'a self, file: WriteFile<'a>) -> BoxFuture<'a, Result<(), HostError>> {
        let (node, path) = (self.node.clone(), file.path.to_owned());
        let half = self.process.world.planted == Some(Planted::HalfFile);
        let length = if half { file.content.len() / 2 } else { file.content.len() };
        let file = WriteFile { content: &file.content[..length], ..file };
        let touch = Touch::File { node, path, content: Some(file.content.to_vec()) };
        Box::pin(self.does(touch, async move { self.machine.host.write(file).await }))
    }

    fn remove<'a>(
        &'a self,
        path: &'a str,
        expected: Expected<'a>,
    ) -> BoxFuture<'a, Result<(), HostError>> {
        Box::pin(async move {
            if self.machine.file(path).is_none() {
                self.reached().await?;
                return self.machine.host.remove(path, expected).await;
            }
            let (node, path_) = (self.node.clone(), path.to_owned());
            let touch = Touch::File { node, path: path_, content: None };
            self.does(touch, async { self.machine.host.remove(path, expected).await }).await
        })
    }

    fn remove_folder<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<(), HostError>> {
        Box::pin(async move {
            self.reached().await?;
            self.machine.host.remove_folder(path).await
        })
    }

    fn run<'a>(&'a self, command: Command<'a>) -> BoxFuture<'a, Result<Output, HostError>> {
        Box::pin(async move {
            if only_looks(command.words) {
                self.reached().await?;
                return self.machine.host.run(command).await;
            }
            let words = command.words.iter().map(|word| (*word).to_owned()).collect();
            let touch = Touch::Command { node: self.node.clone(), words };
            self.does(touch, async { self.machine.host.run(command).await }).await
        })
    }

    fn fenced(&self, fence: &Fence) -> Arc<dyn Host> {
        let open = self.process.world.planted == Some(Planted::OpenHosts);
        let machine = if open { self.machine.clone() } else { self.machine.for_run(fence) };
        let (process, node) = (self.process.clone(), self.node.clone());
        Arc::new(Self { process, node, machine, number: Some(fence.number()) })
    }

    fn claim(&self) -> BoxFuture<'_, Result<(), HostError>> {
        Box::pin(async move {
            self.reached().await?;
            self.machine.host.claim().await?;
            let number = self.number;
            self.process.world.history(|history| history.did_on(&self.node, number, "a claim"));
            Ok(())
        })
    }
}
