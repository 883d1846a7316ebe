//! Cursors: where a list goes on, readable by this server only and for the question it was given to.

use crate::config::Secret;
use crate::problem::{Kind, Problem};
use crate::query::{FromParameters, Parameters};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// The most entries of one answer.
pub const LIMIT_MAX: u64 = 500;
/// The entries of one answer, unless asked otherwise.
pub const LIMIT_DEFAULT: u64 = 50;
/// The longest cursor that is looked at, in bytes.
const CURSOR_BYTES_MAX: usize = 2048;
const MAC_BYTES: usize = 16;

/// The key under which this server signs cursors. It follows from the token secret, so cursors survive a restart.
#[derive(Clone)]
pub struct CursorKey([u8; 32]);

impl CursorKey {
    /// Returns the key that follows from a secret.
    #[must_use]
    pub fn derived_from(secret: &Secret) -> Self {
        Self(mac(secret.expose().as_bytes(), &[b"yichuang cursor key"]))
    }

    /// Returns a value as a cursor for this purpose.
    #[must_use]
    pub fn seal<T: Serialize>(&self, purpose: &str, value: &T) -> String {
        // Cursor values are plain structs of numbers and text, which JSON always takes.
        let body = serde_json::to_vec(value).unwrap_or_default();
        let mut bytes = self.sign(purpose, &body)[..MAC_BYTES].to_vec();
        bytes.extend_from_slice(&body);
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the value of a cursor.
    ///
    /// # Errors
    /// It was not given by this server for this purpose.
    pub fn open<T: DeserializeOwned>(&self, purpose: &str, cursor: &str) -> Result<T, Problem> {
        let forged = || Problem::new(Kind::InvalidCursor);
        if CURSOR_BYTES_MAX < cursor.len() {
            return Err(forged());
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).map_err(|_| forged())?;
        let (signature, body) = bytes.split_at_checked(MAC_BYTES).ok_or_else(forged)?;
        let own = self.sign(purpose, body);
        // Every byte is looked at, so that the time taken tells nothing about the place of the first difference.
        let difference = signature.iter().zip(&own).fold(0, |seen, (theirs, ours)| seen | (theirs ^ ours));
        if difference != 0 {
            return Err(forged());
        }
        serde_json::from_slice(body).map_err(|_| forged())
    }

    fn sign(&self, purpose: &str, body: &[u8]) -> [u8; 32] {
        mac(&self.0, &[purpose.as_bytes(), &[0], body])
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Which page of a list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The most entries to answer.
    pub limit: usize,
    cursor: Option<String>,
    /// The list asked for: path and filters, without what changes from page to page.
    purpose: String,
}

/// Parameters that change from page to page of the same list.
const PAGED: [&str; 4] = ["cursor", "limit", "min_position", "ticket"];

impl FromParameters for Page {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let purpose = purpose(parameters);
        let cursor = parameters.text("cursor")?;
        let limit = parameters.number("limit", 1, LIMIT_MAX)?.unwrap_or(LIMIT_DEFAULT);
        Ok(Self { limit: usize::try_from(limit).unwrap_or(usize::MAX), cursor, purpose })
    }
}

fn purpose(parameters: &Parameters) -> String {
    let listed = parameters.pairs().iter().filter(|(name, _)| !PAGED.contains(&name.as_str()));
    let mut purpose = format!("{}?", parameters.path());
    for (name, value) in listed {
        purpose.push_str(&escaped(name));
        purpose.push('=');
        purpose.push_str(&escaped(value));
        purpose.push('&');
    }
    purpose
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b':' | b',' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

impl Page {
    /// Returns where the asked page goes on; nothing for the first.
    ///
    /// # Errors
    /// The cursor is forged, or was given for another list.
    pub fn resume<T: DeserializeOwned>(&self, key: &CursorKey) -> Result<Option<T>, Problem> {
        self.cursor.as_deref().map(|cursor| key.open(&self.purpose, cursor)).transpose()
    }

    /// Returns the cursor of the next page, and the value of the `Link` header that leads there.
    #[must_use]
    pub fn next<T: Serialize>(&self, key: &CursorKey, value: &T) -> Next {
        let cursor = key.seal(&self.purpose, value);
        let link = format!("<{}limit={}&cursor={cursor}>; rel=\"next\"", self.purpose, self.limit);
        Next { cursor, link }
    }
}

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// The cursor alone, for bodies.
    pub cursor: String,
    /// The value of `Link`.
    pub link: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> CursorKey {
        CursorKey::derived_from(&Secret::new("a secret of at least thirty-two bytes"))
    }

    fn page(query: &str) -> Page {
        Page::take(&mut Parameters::parse("/api/v1/cases", query).unwrap()).unwrap()
    }

    #[test]
    fn a_cursor_leads_on_in_the_same_list() {
        let next = page("light=red&limit=2").next(&key(), &("last", 7));
        assert!(next.link.starts_with("</api/v1/cases?light=red&limit=2&cursor="), "{}", next.link);
        let again = page(&format!("light=red&limit=2&cursor={}", next.cursor));
        assert_eq!(again.resume::<(String, u64)>(&key()).unwrap(), Some(("last".to_owned(), 7)));
    }

    #[test]
    fn a_cursor_of_another_list_is_forged() {
        let next = page("light=red").next(&key(), &7);
        let elsewhere = page(&format!("light=green&cursor={}", next.cursor));
        assert_eq!(elsewhere.resume::<u64>(&key()).unwrap_err().kind(), Kind::InvalidCursor);
    }

    #[test]
    fn a_cursor_with_any_byte_changed_is_forged() {
        let next = page("").next(&key(), &7);
        for place in 0..next.cursor.len() {
            let mut bytes = next.cursor.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let changed = page(&format!("cursor={}", String::from_utf8(bytes).unwrap()));
            let refused = changed.resume::<u64>(&key());
            assert_eq!(refused.unwrap_err().kind(), Kind::InvalidCursor, "byte {place}");
        }
    }

    #[test]
    fn a_cursor_of_another_server_is_forged() {
        let other = CursorKey::derived_from(&Secret::new("another secret of thirty-two bytes!!"));
        let next = page("").next(&other, &7);
        let asked = page(&format!("cursor={}", next.cursor));
        assert_eq!(asked.resume::<u64>(&key()).unwrap_err().kind(), Kind::InvalidCursor);
    }
}
