//! Paths of files on machines.

use super::HostError;

/// The parts of an absolute path, each of them a plain name.
pub(super) fn parts(path: &str) -> Result<Vec<&str>, HostError> {
    let bad = |why| Err(HostError::BadPath { path: path.to_owned(), why });
    let Some(rest) = path.strip_prefix('/') else { return bad("is not absolute") };
    let parts: Vec<&str> = rest.split('/').collect();
    for part in &parts {
        match *part {
            "" => return bad("has an empty part"),
            "." | ".." => return bad("has a part `.` or `..`"),
            part if part.chars().any(char::is_control) => {
                return bad("has a character that cannot be shown");
            }
            part if part.len() > 255 => return bad("has a part that is too long"),
            _ => {}
        }
    }
    if path.len() > 4095 {
        return bad("is too long");
    }
    Ok(parts)
}
