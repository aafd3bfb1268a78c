//! Free ports on loopback.

use crate::trouble::Trouble;
use std::net::TcpListener;

/// Below the range that Linux gives to outgoing connections, so that no client takes a port
/// between our look and the server's start.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// `N` different ports on which nothing listens now.
pub(super) fn free<const N: usize>() -> Result<[u16; N], Trouble> {
    // Runs that start side by side begin their search at different places.
    let start = std::process::id().wrapping_mul(37);
    // Held until all are found: otherwise the same port could be found twice.
    let mut held = Vec::with_capacity(N);
    let mut found = [0; N];
    for step in 0..COUNT {
        let offset = (start + u32::from(step)) % u32::from(COUNT);
        let port = FIRST + u16::try_from(offset).unwrap_or(0);
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            found[held.len()] = port;
            held.push(listener);
            if held.len() == N {
                return Ok(found);
            }
        }
    }
    Err(Trouble::new("no free ports on 127.0.0.1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ports_differ_and_can_be_bound() {
        let ports = free::<4>().unwrap();
        assert_eq!(BTreeSet::from(ports).len(), 4);
        for port in ports {
            // A process that another test is just starting may hold a copy for an instant.
            let bound = (0..100).any(|_| {
                std::thread::sleep(std::time::Duration::from_millis(5));
                TcpListener::bind(("127.0.0.1", port)).is_ok()
            });
            assert!(bound, "{port}");
        }
    }
}
