//! A program on this machine.

use super::Ended;
use crate::host::HostError;
use std::borrow::Cow;
use std::process::Stdio;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::process::Command;

/// Runs these words here.
pub(super) async fn exec(
    host: &str,
    words: &[Cow<'_, str>],
    input: &[u8],
    room: u64,
) -> Result<Ended, HostError> {
    let failed = |error: std::io::Error| HostError::Unreachable {
        host: host.to_owned(),
        address: "this machine".to_owned(),
        said: error.to_string(),
    };
    let (program, arguments) = words.split_first().ok_or_else(|| HostError::Strange {
        host: host.to_owned(),
        said: "no program".to_owned(),
    })?;
    let mut child = Command::new(&**program)
        .args(arguments.iter().map(|word| &**word))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A person who interrupts clinch does not interrupt what was begun.
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = talk(pipes, input, room).await.map_err(failed)?;
    let status = child.wait().await.map_err(failed)?;
    Ok(Ended { status: status.code(), stdout, stderr })
}

/// Writes what a program reads while reading what it says, so that neither waits for the other.
pub(super) async fn talk<I, O, E>(
    (stdin, stdout, stderr): (Option<I>, Option<O>, Option<E>),
    input: &[u8],
    room: u64,
) -> std::io::Result<(Vec<u8>, Vec<u8>)>
where
    I: AsyncWrite + Unpin,
    O: AsyncRead + Unpin,
    E: AsyncRead + Unpin,
{
    let write = async {
        if let Some(mut stdin) = stdin {
            // A program may end without reading everything; what it made of that it says.
            if stdin.write_all(input).await.is_ok() {
                let _ = stdin.shutdown().await;
            }
        }
    };
    let ((), stdout, stderr) = tokio::join!(write, all(stdout, room), all(stderr, room));
    Ok((stdout?, stderr?))
}

async fn all(from: Option<impl AsyncRead + Unpin>, room: u64) -> std::io::Result<Vec<u8>> {
    let mut said = Vec::new();
    if let Some(from) = from {
        from.take(room + 1).read_to_end(&mut said).await?;
    }
    if said.len() as u64 > room {
        return Err(std::io::Error::other(format!("it says more than {} MiB", room >> 20)));
    }
    Ok(said)
}
