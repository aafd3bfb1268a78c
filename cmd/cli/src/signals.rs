//! Interrupts: the first finishes what runs, the second waits for nothing, the third ends.

use crate::exit;
use plans::Stop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::sync::watch;

/// What was heard so far.
#[derive(Clone)]
pub(crate) struct Signals {
    /// How urgently to stop.
    pub(crate) stop: watch::Receiver<Option<Stop>>,
    code: Arc<AtomicU8>,
}

impl Signals {
    /// The exit code of the first signal, if there was one.
    pub(crate) fn exit_code(&self) -> Option<u8> {
        Some(self.code.load(Ordering::SeqCst)).filter(|code| *code != 0)
    }
}

/// Listens from here on. `SIGTERM` and `SIGHUP` count as `SIGINT`, with an exit code of their
/// own.
pub(crate) fn listen() -> std::io::Result<Signals> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // A terminal that goes away must not end a run in the middle of a step.
    let mut hangup = signal(SignalKind::hangup())?;
    let (sender, stop) = watch::channel(None);
    let code = Arc::new(AtomicU8::new(0));
    let heard = code.clone();
    tokio::spawn(async move {
        loop {
            let signal = tokio::select! {
                _ = interrupt.recv() => exit::INTERRUPTED,
                _ = terminate.recv() => exit::TERMINATED,
                _ = hangup.recv() => exit::TERMINATED,
            };
            let before = *sender.borrow();
            let next = match before {
                None => Stop::Gently,
                Some(Stop::Gently) => Stop::Now,
                Some(Stop::Now) => {
                    // The journal is durable at any moment; there is nothing left to save.
                    #[expect(clippy::exit, reason = "the third interrupt asks for just this")]
                    std::process::exit(i32::from(heard.load(Ordering::SeqCst)));
                }
            };
            let first = heard.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
            if first.is_ok() || next == Stop::Now {
                sender.send_replace(Some(next));
            }
        }
    });
    Ok(Signals { stop, code })
}

/// Runs the future to its end, or until the first interrupt: planning changes nothing, so it
/// is simply dropped. `None` when interrupted.
pub(crate) async fn until_interrupted<T>(
    signals: &Signals,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut stop = signals.stop.clone();
    tokio::select! {
        biased;
        _ = stop.wait_for(Option::is_some) => None,
        done = work => Some(done),
    }
}
