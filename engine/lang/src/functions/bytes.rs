//! Texts as bytes: digests that are kept for others' sake, compression, other encodings.

use super::Kind::String;
use super::{FunctionInfo, Outcome, deep, fail, p, str_at};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::{GzDecoder, GzEncoder};
use sha1::Digest as _;
use std::io::Read as _;
use values::Value;

type Text = std::string::String;

pub(super) fn table() -> Vec<FunctionInfo> {
    vec![
        deep(
            "md5",
            [p("text", String)],
            "string",
            "The MD5 digest in hexadecimal. It protects from nothing: for names that others chose.",
            |a| Ok(super::hex(&md5::Md5::digest(str_at(a, 0))).into()),
        ),
        deep(
            "sha1",
            [p("text", String)],
            "string",
            "The SHA-1 digest in hexadecimal. It protects from nothing: for names that others chose.",
            |a| Ok(super::hex(&sha1::Sha1::digest(str_at(a, 0))).into()),
        ),
        deep(
            "uuidv5",
            [p("namespace", String), p("name", String)],
            "string",
            "The UUID of a name in a namespace: `dns`, `url`, `oid`, `x500` or another UUID. \
             The same every time.",
            uuidv5,
        ),
        deep(
            "base64gzip",
            [p("text", String)],
            "string",
            "The text compressed with gzip, in base64. Another version of clinch may give other \
             bytes for it.",
            |a| {
                let mut bytes = Vec::new();
                let text = str_at(a, 0).as_bytes();
                match GzEncoder::new(text, Compression::default()).read_to_end(&mut bytes) {
                    Ok(_) => Ok(STANDARD.encode(bytes).into()),
                    Err(_) => fail(0, "the text cannot be compressed"),
                }
            },
        ),
        deep(
            "base64gunzip",
            [p("text", String)],
            "string",
            "The text that stands in base64 and was compressed with gzip.",
            gunzip,
        ),
        deep(
            "textencodebase64",
            [p("text", String), p("encoding", String)],
            "string",
            "The text's bytes in an encoding such as `UTF-16LE`, in base64.",
            |a| {
                let text = str_at(a, 0);
                match encoded(text, encoding(a)?) {
                    Some(bytes) => Ok(STANDARD.encode(bytes).into()),
                    None => fail(0, "it has characters that the encoding does not have"),
                }
            },
        ),
        deep(
            "textdecodebase64",
            [p("text", String), p("encoding", String)],
            "string",
            "The text whose bytes in an encoding such as `UTF-16LE` stand in base64.",
            |a| {
                let Ok(bytes) = STANDARD.decode(str_at(a, 0)) else {
                    return fail(0, "the text is not base64");
                };
                match decoded(&bytes, encoding(a)?) {
                    Some(text) => Ok(text.into()),
                    None => fail(0, "what it decodes to is no text in the encoding"),
                }
            },
        ),
    ]
}

/// Source: RFC 9562, section 5.5 and appendix A of RFC 4122 for the namespaces.
fn uuidv5(args: &[Value]) -> Outcome {
    let namespace = match str_at(args, 0) {
        "dns" => uuid::Uuid::NAMESPACE_DNS,
        "url" => uuid::Uuid::NAMESPACE_URL,
        "oid" => uuid::Uuid::NAMESPACE_OID,
        "x500" => uuid::Uuid::NAMESPACE_X500,
        other => match uuid::Uuid::parse_str(other) {
            Ok(id) => id,
            Err(_) => return fail(0, "it is none of `dns`, `url`, `oid`, `x500`, and no UUID"),
        },
    };
    let digest = sha1::Sha1::new_with_prefix(namespace.as_bytes()).chain_update(str_at(args, 1));
    let digest: [u8; 20] = digest.finalize().into();
    let mut first = [0; 16];
    first.copy_from_slice(&digest[..16]);
    Ok(uuid::Builder::from_sha1_bytes(first).into_uuid().to_string().into())
}

/// A small text can decompress to one that fills all memory, so it is read up to a limit.
fn gunzip(args: &[Value]) -> Outcome {
    let most = crate::eval::LARGEST;
    let Ok(bytes) = STANDARD.decode(str_at(args, 0)) else {
        return fail(0, "the text is not base64");
    };
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut plain = Vec::new();
    if GzDecoder::new(bytes.as_slice()).take(limit).read_to_end(&mut plain).is_err() {
        return fail(0, "what it decodes to is not compressed with gzip");
    }
    if plain.len() > most {
        return fail(0, format!("the result is larger than {most}"));
    }
    match Text::from_utf8(plain) {
        Ok(text) => Ok(text.into()),
        Err(_) => fail(0, "what it decodes to is not text in UTF-8"),
    }
}

#[derive(Clone, Copy)]
enum Encoding {
    Utf16 {
        big: bool,
    },
    /// The first 128 or 256 characters of Unicode, one byte each.
    Plain {
        most: u32,
    },
    Other(&'static encoding_rs::Encoding),
}

/// Names are those that IANA keeps; letters may be of either case.
fn encoding(args: &[Value]) -> Result<Encoding, super::Failed> {
    let name = str_at(args, 1);
    Ok(match name.to_ascii_lowercase().as_str() {
        "utf-16le" => Encoding::Utf16 { big: false },
        "utf-16be" | "utf-16" => Encoding::Utf16 { big: true },
        // The web takes these two for a wider one; their own standards do not.
        "us-ascii" | "ascii" => Encoding::Plain { most: 0x7f },
        "iso-8859-1" | "latin1" => Encoding::Plain { most: 0xff },
        lower => match encoding_rs::Encoding::for_label_no_replacement(label(lower)) {
            Some(known) => Encoding::Other(known),
            None => {
                let shown = crate::text::short_str(name);
                return fail(1, format!("`{shown}` is not an encoding that is known"));
            }
        },
    })
}

/// Names that IANA knows and the web does not.
fn label(name: &str) -> &[u8] {
    match name {
        "cp936" => b"gbk",
        other => other.as_bytes(),
    }
}

fn encoded(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Utf16 { big } => {
            let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
            Some(text.encode_utf16().flat_map(bytes).collect())
        }
        Encoding::Plain { most } => {
            let byte = |c: char| u8::try_from(u32::from(c)).ok().filter(|b| u32::from(*b) <= most);
            text.chars().map(byte).collect()
        }
        Encoding::Other(known) => {
            let (bytes, _, lossy) = known.encode(text);
            (!lossy).then(|| bytes.into_owned())
        }
    }
}

fn decoded(bytes: &[u8], encoding: Encoding) -> Option<Text> {
    match encoding {
        Encoding::Utf16 { big } => {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let unit = |pair: &[u8; 2]| {
                if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) }
            };
            let units: Vec<u16> = pairs.iter().map(unit).collect();
            Text::from_utf16(&units).ok().filter(|_| rest.is_empty())
        }
        Encoding::Plain { most } => {
            let char = |b: &u8| (u32::from(*b) <= most).then_some(char::from(*b));
            bytes.iter().map(char).collect()
        }
        Encoding::Other(known) => {
            let text = known.decode_without_bom_handling_and_without_replacement(bytes)?;
            // The web takes bytes that these leave undefined for control characters.
            let undefined =
                |c: char| known.name().starts_with("windows-") && c.is_control() && c > '\x7f';
            (!text.contains(undefined)).then(|| text.into_owned())
        }
    }
}
