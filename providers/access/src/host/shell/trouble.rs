//! Why a script did not come to its end, from what `ssh`, `sudo` and shells say.
//!
//! The texts are those of OpenSSH (`sshconnect.c`) and sudo (its messages in the C locale);
//! what is not recognised is repeated as it is.

use super::Ended;
use crate::host::{HostError, KeyTrouble, SudoTrouble};
use crate::text::clean;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

/// The most of a text that is looked at.
const ENOUGH: usize = 16 << 10;

/// A script that ended otherwise than by its own decision.
pub(super) fn not_run(host: &str, sudo: bool, ended: &Ended) -> HostError {
    let text = String::from_utf8_lossy(&ended.stderr[..ended.stderr.len().min(ENOUGH)]);
    let host = host.to_owned();
    if sudo {
        let trouble = match &*text {
            t if t.contains("password is required") || t.contains("terminal is required") => {
                Some(SudoTrouble::Password)
            }
            t if t.contains("not in the sudoers") || t.contains("is not allowed to") => {
                Some(SudoTrouble::NotAllowed)
            }
            t if ended.status == Some(127) && t.contains("sudo") => Some(SudoTrouble::Missing),
            // The connection reports 127 alone when the shell said nothing.
            _ => None,
        };
        if let Some(trouble) = trouble {
            return HostError::Sudo { host, trouble };
        }
    }
    let said = match ended.status {
        None | Some(255) => {
            let said = match clean(&text) {
                said if said.is_empty() => "the connection broke".to_owned(),
                said => said,
            };
            return HostError::Lost { host, said };
        }
        Some(status) => {
            let stdout = String::from_utf8_lossy(&ended.stdout[..ended.stdout.len().min(ENOUGH)]);
            let told = [clean(&text), clean(&stdout)].into_iter().find(|said| !said.is_empty());
            told.unwrap_or_else(|| format!("its shell ended with status {status}"))
        }
    };
    HostError::Strange { host, said }
}

/// Whether another try may succeed at once: the server had too many callers.
pub(super) fn is_busy(log: &str) -> bool {
    ["kex_exchange_identification", "ssh_exchange_identification", "Connection reset by peer"]
        .iter()
        .any(|said| log.contains(said))
        && !log.contains("Connection refused")
}

/// Whether a jump host failed. Of a connection that others share `ssh` keeps to itself why.
pub(super) fn is_behind_another(log: &str) -> bool {
    log.contains("UNKNOWN port 65535")
}

/// A connection that did not come about; `log` is all that `ssh` said, `read` reads a file of
/// known hosts.
pub(super) fn not_connected(
    host: &str,
    address: &str,
    log: &str,
    read: impl Fn(&str) -> Option<String>,
) -> HostError {
    let (host, address) = (host.to_owned(), address.to_owned());
    let trouble = match log {
        l if l.contains("REVOKED HOST KEY") || l.contains("is marked as revoked") => {
            Some(KeyTrouble::Revoked)
        }
        l if l.contains("HOST IDENTIFICATION HAS CHANGED") => Some(KeyTrouble::Changed {
            offered: fingerprint_in(l),
            known: known(l, read).unwrap_or_default(),
        }),
        l if l.contains("host key is known for") || l.contains("Host key verification failed") => {
            Some(KeyTrouble::Unknown)
        }
        _ => None,
    };
    if let Some(trouble) = trouble {
        return HostError::HostKey { host, address, trouble };
    }
    let said = last_words(log);
    if log.contains("Permission denied (") || log.contains("Too many authentication failures") {
        return HostError::Login { host, address, said };
    }
    HostError::Unreachable { host, address, said }
}

/// The last line that tells something.
fn last_words(log: &str) -> String {
    let told = |line: &&str| !line.is_empty() && !line.starts_with("Warning: Permanently added");
    let last = log.lines().map(str::trim).rfind(told).unwrap_or("no reason given");
    let last = last.strip_prefix("ssh: ").unwrap_or(last);
    clean(last).trim_end_matches('.').to_owned()
}

/// `SHA256:...` as it stands in a text.
fn fingerprint_in(log: &str) -> String {
    let word = log.split_whitespace().find(|word| word.starts_with("SHA256:"));
    clean(word.unwrap_or_default().trim_end_matches('.'))
}

/// The fingerprint of the key that is known: `Offending ED25519 key in FILE:LINE`.
fn known(log: &str, read: impl Fn(&str) -> Option<String>) -> Option<String> {
    let place = log.lines().find(|line| line.trim_start().starts_with("Offending "))?;
    let (file, line) = place.trim().split_once(" key in ")?.1.rsplit_once(':')?;
    let text = read(file)?;
    let entry = text.lines().nth(line.trim().parse::<usize>().ok()?.checked_sub(1)?)?;
    // `[@MARKER] HOSTS KEYTYPE KEY [COMMENT]`, see sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".
    let mut words = entry.split_whitespace().skip_while(|word| word.starts_with('@')).skip(2);
    let key = STANDARD.decode(words.next()?).ok()?;
    Some(format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(key))))
}
