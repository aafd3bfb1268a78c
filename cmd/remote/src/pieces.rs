//! Texts of any length, compressed and cut into pieces that the server takes.

use crate::room::{NotWritten, Room, content, secrets};
use access::ClusterError;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use futures::future::try_join_all;
use schemas::head::Pieces;
use serde_json::{Value as Json, json};
use std::io::{Read as _, Write as _};

/// A Secret holds 1 MiB at most; half of it leaves room for whatever stands around it.
const PIECE: usize = 512 << 10;
const _: () = assert!(PIECE * 4 / 3 < 1 << 20, "also as base64");

/// Nothing that is written has more.
const MOST: u32 = 1024;

const COUNT: &str = "clinch.dev/pieces";
const DIGEST: &str = "clinch.dev/digest";

/// Why pieces are not a text.
#[derive(Debug)]
pub(crate) enum Broken {
    /// This piece does not exist.
    Missing(String),
    /// Together they are something else than what was written.
    Changed(String),
    /// The server said no, or nothing.
    Trouble(Box<ClusterError>),
}

impl From<ClusterError> for Broken {
    fn from(error: ClusterError) -> Self {
        Self::Trouble(Box::new(error))
    }
}

/// Writes a text as new pieces.
///
/// # Interruption
///
/// Pieces that were written stay; nobody reads them before a head or a journal names them.
pub(crate) async fn put(
    room: &Room,
    part: &str,
    set: &str,
    text: &str,
) -> Result<Pieces, NotWritten> {
    let packed = pack(text);
    let digest = access::digest(&packed);
    let cut: Vec<&[u8]> = packed.chunks(PIECE).collect();
    let count = u32::try_from(cut.len()).unwrap_or(u32::MAX);
    let objects: Vec<Json> = (0_u32..)
        .zip(cut)
        .map(|(number, bytes)| {
            let mut object = room.secret(&name(room, part, set, number), part, set, bytes);
            let annotations = json!({ COUNT: count.to_string(), DIGEST: digest });
            object["metadata"]["annotations"] = annotations;
            object["immutable"] = true.into();
            object
        })
        .collect();
    let kind = secrets();
    try_join_all(objects.iter().map(|object| room.create(&kind, object))).await?;
    Ok(Pieces { set: set.to_owned(), count, digest })
}

/// Reads pieces that a head names.
pub(crate) async fn get(room: &Room, part: &str, pieces: &Pieces) -> Result<String, Broken> {
    if pieces.count > MOST {
        return Err(Broken::Changed(format!("It says that it has {} pieces.", pieces.count)));
    }
    let numbers = 0..pieces.count;
    let all = try_join_all(numbers.map(|number| one(room, name(room, part, &pieces.set, number))));
    join(all.await?.concat(), &pieces.digest)
}

/// Reads pieces that nothing names; the first one says how many there are.
pub(crate) async fn find(room: &Room, part: &str, set: &str) -> Result<String, Broken> {
    let first = name(room, part, set, 0);
    let object = room.get(&secrets(), &first).await?;
    let object = object.ok_or_else(|| Broken::Missing(first.clone()))?;
    let annotation = |key: &str| object["metadata"]["annotations"][key].as_str();
    let (count, digest) = (annotation(COUNT).and_then(|c| c.parse().ok()), annotation(DIGEST));
    let (Some(count), Some(digest)) = (count, digest) else {
        return Err(Broken::Changed(format!("Secret `{first}` does not say what it is part of.")));
    };
    get(room, part, &Pieces { set: set.to_owned(), count, digest: digest.to_owned() }).await
}

async fn one(room: &Room, name: String) -> Result<Vec<u8>, Broken> {
    let object = room.get(&secrets(), &name).await?;
    let object = object.ok_or_else(|| Broken::Missing(name.clone()))?;
    content(&object).ok_or_else(|| Broken::Changed(format!("Secret `{name}` is something else.")))
}

fn name(room: &Room, part: &str, set: &str, number: u32) -> String {
    format!("{}-{set}-{number}", room.name(part))
}

fn join(packed: Vec<u8>, digest: &str) -> Result<String, Broken> {
    if access::digest(&packed) != digest {
        return Err(Broken::Changed("Its content does not match its digest.".to_owned()));
    }
    unpack(&packed, schemas::MAX_BYTES).map_err(Broken::Changed)
}

fn pack(text: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(text.as_bytes()).expect("memory takes everything");
    packer.finish().expect("memory takes everything")
}

fn unpack(packed: &[u8], most: usize) -> Result<String, String> {
    let mut text = Vec::new();
    // A small piece can unfold to more than there is room for.
    let read = GzDecoder::new(packed).take(most as u64 + 1).read_to_end(&mut text);
    read.map_err(|error| format!("It cannot be unpacked: {error}."))?;
    if text.len() > most {
        return Err("It is larger than anything that is written.".to_owned());
    }
    String::from_utf8(text).map_err(|_| "It is not text.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing else is ever unpacked here: no archives, so no names of files either.
    #[test]
    fn a_small_piece_that_unfolds_without_end_is_refused_and_one_of_the_greatest_length_is_not() {
        let bomb = pack(&"a".repeat(20 << 20));
        assert!(bomb.len() < 50_000, "{} bytes", bomb.len());
        let why = unpack(&bomb, 1 << 20).unwrap_err();
        assert_eq!(why, "It is larger than anything that is written.");
        let most = pack(&"a".repeat(1 << 20));
        assert_eq!(unpack(&most, 1 << 20).map(|text| text.len()), Ok(1 << 20));
    }

    #[test]
    fn pieces_that_are_cut_short_or_exchanged_are_refused() {
        let packed = pack("a state");
        for cut in 0..packed.len() {
            assert!(unpack(&packed[..cut], 100).is_err(), "cut at {cut}");
        }
        let why = join(packed, &access::digest(b"another")).unwrap_err();
        assert!(matches!(why, Broken::Changed(why) if why.contains("digest")));
    }
}
