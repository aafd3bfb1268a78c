//! The power fails while a file is written.

use super::local::{machines, names, path, write};
use crate::host::shell::script::{Script, WRITE};
use crate::host::{Expected, Host, digest};
use std::fs;
use std::os::unix::fs::MetadataExt as _;

/// Programs of a script, each of which may be the last moment: before it, or after it. What was
/// brought to disk is written down, since of all else a file may be empty after a power cut.
fn with_power_cuts(log: &str, cut: usize) -> Script {
    let moment = format!(
        "moment() {{ echo >>'{log}/moments'; [ \"$(wc -l <'{log}/moments')\" -ne {cut} ] || \
         {{ kill -9 $$; exit 9; }}; }}\n"
    );
    let programs = ["mkdir", "cat", "chown", "chmod", "mv", "rm"].map(|program| {
        format!(
            "{program}() {{ moment; command {program} \"$@\"; ended=$?; moment; return $ended; }}\n"
        )
    });
    let sync = format!(
        "sync() {{ moment; command sync \"$@\" && stat -c %i -- \"$1\" >>'{log}/durable'; ended=$?; \
         moment; return $ended; }}\n"
    );
    Script(String::leak([moment, programs.concat(), sync, WRITE.0.to_owned()].concat()))
}

/// The content of a file as a disk may have it after a power cut: nothing, unless it was brought
/// there.
fn on_disk(file: &str, log: &str) -> Option<Vec<u8>> {
    let inode = fs::metadata(file).ok()?.ino().to_string();
    let durable = fs::read_to_string(format!("{log}/durable")).unwrap_or_default();
    let is_durable = durable.lines().any(|line| line == inode);
    Some(if is_durable { fs::read(file).expect("readable") } else { Vec::new() })
}

#[tokio::test]
async fn c5_power_cut_at_any_moment_of_a_write_leaves_the_file_old_or_new() {
    let (hosts, folder) = machines();
    let (file, log) = (path(folder.path(), "etc/x.conf"), path(folder.path(), "log"));
    let all = digest(b"new");
    let arguments = ["-", &file, "0644", "-", "-", "any", &all, "./.clinch-0"];
    let patience = std::time::Duration::from_secs(30);
    // The shells differ in nothing that this is about.
    let host = hosts.first().expect("a shell");
    for old in [None, Some(b"old".to_vec())] {
        let mut states = Vec::new();
        for cut in 1.. {
            let _absent = fs::remove_dir_all(folder.path().join("etc"));
            let _absent = fs::remove_dir_all(&log);
            fs::create_dir_all(&log).expect("a folder");
            if let Some(old) = &old {
                fs::create_dir_all(folder.path().join("etc")).expect("a folder");
                fs::write(&file, old).expect("an old file");
                let inode = fs::metadata(&file).expect("there").ino();
                fs::write(format!("{log}/durable"), format!("{inode}\n")).expect("durable");
            }
            let script = with_power_cuts(&log, cut);
            let ended = host.script(script, &arguments, b"new", patience).await;
            let now = on_disk(&file, &log);
            assert!(now == old || now.as_deref() == Some(b"new"), "moment {cut}: {now:?}");
            states.push(now);
            if ended.is_ok() {
                break;
            }
            // Nothing that is not ours is left under a name that anybody reads.
            let _there = fs::create_dir_all(folder.path().join("etc"));
            let left = names(&folder.path().join("etc"));
            assert!(left.iter().all(|n| n.starts_with('.') || n == "x.conf"), "{left:?}");
            host.write(write(&file, b"newer", Expected::Anything)).await.expect("goes on");
            assert_eq!(fs::read(&file).expect("there"), b"newer");
        }
        assert!(states.len() > 8, "{} moments", states.len());
        assert_eq!(states.first(), Some(&old));
        assert_eq!(states.last().cloned().flatten().as_deref(), Some(&b"new"[..]));
    }
}
