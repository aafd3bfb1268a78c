//! When a request is sent again.
//!
//! kube's own retries are switched off: they are silent, last up to minutes, and do not ask
//! whether a request may be repeated.

use super::error::{Failure, Refusal, Unreachable};
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use std::time::Duration;

/// How long trying may take in all, without the time that the requests themselves take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// Whether a request may be sent twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It reads, or doing it twice is the same as doing it once.
    Harmless,
    /// Only when it is certain that the server did not begin with it.
    Unbegun,
    /// Never here: whoever asks decides, and says so.
    Never,
}

/// Delays that grow, with chance in them so that many clients do not come back at once.
pub(crate) fn delays() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(4))
        .with_factor(2.0)
        .with_jitter()
        .without_max_times()
        .build()
}

/// What speaks for another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// Nothing.
    No,
    /// After the next delay.
    Soon,
    /// After the time that the server asks for.
    After(Duration),
}

/// Whether to try again after this. `reached`: the server has answered before, so that a
/// refused connection is a restart and no wrong address.
pub(crate) fn again(failure: &Failure, repeat: Repeat, writes: bool, reached: bool) -> Again {
    match failure {
        _ if repeat == Repeat::Never => Again::No,
        Failure::Refused(r) => refused(r, repeat, writes),
        Failure::Unreachable(Unreachable::ConnectionRefused) if reached => Again::Soon,
        Failure::Unreachable(Unreachable::Broken(_) | Unreachable::TimedOut(_))
            if repeat == Repeat::Harmless =>
        {
            Again::Soon
        }
        Failure::Unreachable(_) | Failure::Malformed(_) => Again::No,
    }
}

fn refused(r: &Refusal, repeat: Repeat, writes: bool) -> Again {
    let again = r.retry_after.map_or(Again::Soon, Again::After);
    match r.code {
        // The server says that it did not begin.
        429 => again,
        502..=504 if repeat == Repeat::Harmless => again,
        // For a write a 500 is mostly the last word of a webhook or of the schema.
        500 if repeat == Repeat::Harmless && (!writes || r.message.contains("etcdserver")) => again,
        _ => Again::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: u16, message: &str, after: Option<u64>) -> Failure {
        let body = format!(r#"{{"kind":"Status","message":"{message}"}}"#);
        let after = after.map(Duration::from_secs);
        Failure::Refused(Box::new(Refusal::read(code, after, body.as_bytes())))
    }

    #[test]
    fn only_what_cannot_do_harm_is_sent_again() {
        let broken = Failure::Unreachable(Unreachable::Broken(String::new()));
        let down = Failure::Unreachable(Unreachable::ConnectionRefused);
        for (failure, repeat, writes, reached, want) in [
            (
                refusal(429, "", Some(3)),
                Repeat::Unbegun,
                true,
                true,
                Again::After(Duration::from_secs(3)),
            ),
            (refusal(429, "", None), Repeat::Harmless, false, true, Again::Soon),
            (refusal(503, "", None), Repeat::Harmless, true, true, Again::Soon),
            (refusal(503, "", None), Repeat::Unbegun, true, true, Again::No),
            (refusal(500, "leader changed", None), Repeat::Harmless, false, true, Again::Soon),
            (refusal(500, "failed calling webhook", None), Repeat::Harmless, true, true, Again::No),
            (
                refusal(500, "etcdserver: leader changed", None),
                Repeat::Harmless,
                true,
                true,
                Again::Soon,
            ),
            (refusal(409, "", None), Repeat::Harmless, true, true, Again::No),
            (broken.clone(), Repeat::Harmless, true, true, Again::Soon),
            (broken, Repeat::Unbegun, true, true, Again::No),
            (refusal(429, "", Some(3)), Repeat::Never, true, true, Again::No),
            (down.clone(), Repeat::Never, true, true, Again::No),
            (down.clone(), Repeat::Harmless, false, true, Again::Soon),
            (down, Repeat::Harmless, false, false, Again::No),
            (Failure::Malformed(String::new()), Repeat::Harmless, false, true, Again::No),
        ] {
            assert_eq!(again(&failure, repeat, writes, reached), want, "{failure:?} {repeat:?}");
        }
    }
}
