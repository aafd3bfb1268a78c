//! Names and short texts that come again and again, kept once.
//!
//! Most names of a configuration are the same few (`namespace`, `name`, `labels`), and so are
//! many of its texts. What was met lately is found again without being checked and copied.

use crate::text::nfc;
use addrs::{Ident, NotAnIdent};
use std::sync::Arc;

/// How many words are remembered of each sort; a new one takes the place of another.
const PLACES: usize = 1024;
/// Longer ones hardly come again.
const LONGEST: usize = 64;

/// What was met lately in one file.
#[derive(Default)]
pub(crate) struct Words {
    names: Vec<Option<Ident>>,
    texts: Vec<Option<Arc<str>>>,
}

impl Words {
    /// The identifier of this text, composed as the language compares it.
    pub(crate) fn name(&mut self, text: &str) -> Result<Ident, NotAnIdent> {
        let Some(place) = place(&mut self.names, text) else { return nfc(text).parse() };
        match place {
            Some(known) if known.as_str() == text => Ok(known.clone()),
            _ => Ok(place.insert(nfc(text).parse()?).clone()),
        }
    }

    /// The text, composed as the language compares it.
    pub(crate) fn text(&mut self, text: &str) -> Arc<str> {
        let Some(place) = place(&mut self.texts, text) else { return (*nfc(text)).into() };
        match place {
            Some(known) if **known == *text => known.clone(),
            _ => place.insert((*nfc(text)).into()).clone(),
        }
    }
}

/// Where a word is remembered, if it is short enough.
fn place<'w, T: Clone>(words: &'w mut Vec<Option<T>>, text: &str) -> Option<&'w mut Option<T>> {
    if text.len() > LONGEST {
        return None;
    }
    if words.is_empty() {
        words.resize(PLACES, None);
    }
    // FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/, 32 bits.
    let hash = text
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    words.get_mut(hash as usize % PLACES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_is_the_same_and_what_differs_is_never_mixed_up() {
        let mut words = Words::default();
        let first = words.text("default");
        assert!(Arc::ptr_eq(&first, &words.text("default")));
        for i in 0..10 * PLACES {
            let text = format!("n{i}");
            assert_eq!(*words.text(&text), *text);
            assert_eq!(words.name(&text).as_ref().map(Ident::as_str), Ok(&*text));
        }
        assert!(words.name("1").is_err() && words.name("").is_err());
        assert_eq!(*words.text("e\u{301}"), *"\u{e9}");
        assert_eq!(*words.text("e\u{301}"), *"\u{e9}");
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(*words.text(&long), *long);
    }
}
