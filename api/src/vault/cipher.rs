//! AES-256-GCM with a fresh random nonce in front of every text.

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};

const NONCE_BYTES: usize = 12;

/// One key, ready for use; it is wiped from memory when dropped.
pub(crate) struct Cipher(Aes256Gcm);

impl Cipher {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    /// Returns nonce and ciphertext.
    #[expect(clippy::expect_used, reason = "AES-GCM refuses only messages of 64 GiB and more")]
    pub(crate) fn seal(&self, text: &[u8], associated: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = crate::clock::secret();
        let sealed = self
            .0
            .encrypt(&Nonce::from(nonce), Payload { msg: text, aad: associated })
            .expect("the message is far below the limit of AES-GCM");
        [&nonce[..], &sealed].concat()
    }

    /// Returns the text, if these are the bytes that were sealed with the same associated data.
    pub(crate) fn open(&self, sealed: &[u8], associated: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        self.0.decrypt(&Nonce::from(*nonce), Payload { msg: text, aad: associated }).ok()
    }
}
