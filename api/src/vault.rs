//! What is personal, and who can still read it.
//!
//! Every person has a data key of their own, wrapped by the master key and kept apart from the log; destroying it
//! erases the person wherever their sealed text was copied. A person is known by a keyed hash of their identity
//! number, which tells nothing without the lookup secret. Nothing in here ever reaches a log line or an error text.

mod cipher;
mod keys;
mod person;

use crate::bounded::Bounded;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
pub(crate) use cipher::Cipher;
use domain::identity::IdNumber;
use domain::ids::SubjectId;
use domain::sealed::{Party, Sealed};
use hmac::{Hmac, KeyInit as _, Mac as _};
use keys::KeyStore;
use sha2::Sha256;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zeroize::Zeroizing;

pub use person::{MaskedPerson, Person};

/// The algorithm's name in front of every sealed text: AES-256-GCM.
const ALGORITHM: &str = "a1.";
/// Unwrapped keys that are remembered.
const KEYS_MAX: usize = 65_536;
/// The file beside the key store that holds the master key, where no other is configured.
const MASTER_KEY_FILE: &str = "master.key";
/// The key store's file.
const KEYS_FILE: &str = "keys.redb";

/// Why something could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key store cannot be opened.
    #[error("cannot open the key store at {}", path.display())]
    Open {
        /// Where it lies.
        path: PathBuf,
        /// Why.
        #[source]
        source: eventstore::BoxError,
    },
    /// The master key is not of the right shape, or not the one these keys are wrapped with.
    #[error("the master key {0}")]
    MasterKey(String),
    /// The key store does not answer.
    #[error("the key store does not answer")]
    Store(#[source] eventstore::BoxError),
    /// The person's key is destroyed, or never was.
    #[error("the key of this person is not there")]
    Erased,
    /// The sealed text was changed, moved, or sealed by a program that we do not know.
    #[error("the sealed text cannot be opened")]
    Broken,
}

/// The key that wraps all others.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// Reads 64 hex digits.
    ///
    /// # Errors
    /// It is something else.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let wrong = || VaultError::MasterKey("must be 64 hex digits".into());
        let text = text.trim().as_bytes();
        let mut key = Zeroizing::new([0; 32]);
        if text.len() != 2 * key.len() {
            return Err(wrong());
        }
        for (byte, digits) in key.iter_mut().zip(text.chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self(key))
    }

    /// A key nobody knows.
    #[must_use]
    pub fn random() -> Self {
        Self(Zeroizing::new(crate::clock::secret()))
    }

    /// Reads the key from a file.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else.
    pub fn read(path: &Path) -> Result<Self, VaultError> {
        let text = std::fs::read_to_string(path)
            .map(Zeroizing::new)
            .map_err(|error| VaultError::MasterKey(format!("in {} cannot be read: {error}", path.display())))?;
        Self::parse(&text)
    }

    /// Reads the key from the folder of the key store, or makes one there if the store is new.
    ///
    /// # Errors
    /// The file cannot be read or made; or the store has keys and the file is gone.
    pub fn beside(folder: &Path) -> Result<Self, VaultError> {
        let path = folder.join(MASTER_KEY_FILE);
        if path.exists() {
            return Self::read(&path);
        }
        if folder.join(KEYS_FILE).exists() {
            let gone = format!("is missing: the keys in {} were wrapped with it; give it back", folder.display());
            return Err(VaultError::MasterKey(gone));
        }
        let key = Self::random();
        let hex: Zeroizing<String> = Zeroizing::new(key.0.iter().map(|byte| format!("{byte:02x}")).collect());
        write_private(&path, hex.as_bytes())
            .map_err(|error| VaultError::MasterKey(format!("cannot be written to {}: {error}", path.display())))?;
        tracing::warn!(path = %path.display(), "made a master key at {}; keep it apart from backups of the data", path.display());
        Ok(key)
    }
}

pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Seals and opens what is personal.
pub struct Vault {
    store: KeyStore,
    wrapping: Cipher,
    lookup: Zeroizing<[u8; 32]>,
    unwrapped: Bounded<SubjectId, Arc<Cipher>>,
    erasures: AtomicU64,
}

/// The keys of the persons of one command: durable, so that an event may rely on them.
#[derive(Default)]
pub struct Keyring {
    keys: BTreeMap<SubjectId, Arc<Cipher>>,
    made: BTreeSet<SubjectId>,
}

impl Keyring {
    /// Tells whether the person's key was made just now: nothing was ever sealed with it, so nothing is on record.
    #[must_use]
    pub fn is_new(&self, subject: &SubjectId) -> bool {
        self.made.contains(subject)
    }
}

impl Vault {
    /// Opens the key store in this folder, or makes it.
    ///
    /// `lookup` is the secret behind person references in a new store; `None` makes one that nobody can guess.
    ///
    /// # Errors
    /// The store cannot be opened or made, or is wrapped with another master key.
    pub fn open(folder: &Path, master: &MasterKey, lookup: Option<[u8; 32]>) -> Result<Self, VaultError> {
        let path = folder.join(KEYS_FILE);
        let opened = std::fs::create_dir_all(folder)
            .map_err(Into::into)
            .and_then(|()| KeyStore::open(&path))
            .map_err(|source| VaultError::Open { path, source })?;
        Self::over(opened, master, lookup)
    }

    /// A vault that forgets everything when it is dropped.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn in_memory(lookup: Option<[u8; 32]>) -> Result<Self, VaultError> {
        let store = KeyStore::in_memory().map_err(VaultError::Store)?;
        Self::over(store, &MasterKey::random(), lookup)
    }

    fn over(store: KeyStore, master: &MasterKey, lookup: Option<[u8; 32]>) -> Result<Self, VaultError> {
        let wrapping = Cipher::new(&master.0);
        let lookup = match store.secret().map_err(VaultError::Store)? {
            Some(wrapped) => unwrap(&wrapping, b"lookup", &wrapped)
                .map_err(|_| VaultError::MasterKey("is not the one that these keys are wrapped with".into()))?,
            None => {
                let lookup = Zeroizing::new(lookup.unwrap_or_else(crate::clock::secret));
                store.set_secret(&wrapping.seal(&*lookup, b"lookup")).map_err(VaultError::Store)?;
                lookup
            }
        };
        Ok(Self { store, wrapping, lookup, unwrapped: Bounded::new(KEYS_MAX), erasures: AtomicU64::new(0) })
    }

    /// Returns the reference of the person or firm with this number: the same for a person's old and new number.
    #[must_use]
    #[expect(clippy::expect_used, reason = "32 hex digits are a well-formed reference")]
    pub fn subject(&self, number: &str) -> SubjectId {
        let canonical = match IdNumber::parse(number) {
            Ok(number) => Zeroizing::new(number.in_18()),
            Err(_) => Zeroizing::new(number.trim().to_uppercase()),
        };
        let digest = self.digest("subject", &[canonical.as_bytes()]);
        hex(&digest[..16]).parse().expect("32 hex digits are a well-formed reference")
    }

    /// Returns a digest that nobody without the lookup secret can compute or check. Purposes do not mix.
    #[must_use]
    pub fn digest(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.hasher(purpose);
        for part in parts {
            mac.update(part);
        }
        mac.finish()
    }

    /// Returns such a digest in the making, for bytes that come piece by piece.
    #[must_use]
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    pub fn hasher(&self, purpose: &str) -> Hasher {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.lookup).expect("HMAC takes keys of any length");
        for part in [purpose.as_bytes(), b"\0"] {
            mac.update(part);
        }
        Hasher(mac)
    }

    /// Returns the keys of these persons, and makes those that are not there yet; new ones are durable on return.
    ///
    /// # Errors
    /// The key store does not answer.
    pub async fn keyring(&self, subjects: impl IntoIterator<Item = SubjectId>) -> Result<Keyring, VaultError> {
        let mut keyring = Keyring::default();
        let mut missing = Vec::new();
        for subject in subjects {
            match self.known(&subject)? {
                Some(key) => drop(keyring.keys.insert(subject, key)),
                None if missing.contains(&subject) => (),
                None => missing.push(subject),
            }
        }
        if missing.is_empty() {
            return Ok(keyring);
        }
        let fresh = missing.into_iter().map(|subject| {
            let key = Zeroizing::new(crate::clock::secret::<32>());
            let wrapped = self.wrapping.seal(&*key, subject.as_str().as_bytes());
            (subject, wrapped)
        });
        // Two first acts of one person may come at once; the store keeps the first key and tells it to both.
        for (subject, wrapped) in self.store.put_new(fresh.collect()).await.map_err(VaultError::Store)? {
            let key = self.remember(&subject, &wrapped)?;
            keyring.keys.insert(subject.clone(), key);
            keyring.made.insert(subject);
        }
        Ok(keyring)
    }

    /// Seals a text with a person's key, so that it opens only in this context (the stream it is written to).
    ///
    /// # Errors
    /// The person is not on the keyring.
    pub fn seal(
        &self,
        keyring: &Keyring,
        subject: &SubjectId,
        context: &str,
        text: &str,
    ) -> Result<Sealed, VaultError> {
        let key = keyring.keys.get(subject).ok_or(VaultError::Erased)?;
        let bytes = key.seal(text.as_bytes(), associated(subject, context).as_bytes());
        let cipher = ALGORITHM.to_owned() + &STANDARD_NO_PAD.encode(bytes);
        Ok(Sealed { subject: subject.clone(), cipher: cipher.into() })
    }

    /// Opens a sealed text of this context.
    ///
    /// # Errors
    /// The person's key is destroyed, or the text is not what was sealed here.
    pub fn open_sealed(&self, sealed: &Sealed, context: &str) -> Result<Zeroizing<String>, VaultError> {
        let key = self.known(&sealed.subject)?.ok_or(VaultError::Erased)?;
        let encoded = sealed.cipher.strip_prefix(ALGORITHM).ok_or(VaultError::Broken)?;
        let bytes = STANDARD_NO_PAD.decode(encoded).map_err(|_| VaultError::Broken)?;
        let text = key.open(&bytes, associated(&sealed.subject, context).as_bytes()).ok_or(VaultError::Broken)?;
        String::from_utf8(text).map(Zeroizing::new).map_err(|_| VaultError::Broken)
    }

    /// Opens who a party is.
    ///
    /// # Errors
    /// As [`open_sealed`](Self::open_sealed).
    pub fn person(&self, party: &Party, context: &str) -> Result<Person, VaultError> {
        let text = self.open_sealed(&party.person, context)?;
        serde_json::from_str(&text).map_err(|_| VaultError::Broken)
    }

    /// Returns a party as everybody who may see the case sees it.
    #[must_use]
    pub fn masked(&self, party: &Party, context: &str) -> MaskedPerson {
        self.person(party, context).map_or_else(|_| MaskedPerson::erased(), |person| person.masked())
    }

    /// Wraps a paper's key with its person's.
    pub(crate) fn wrap_key(
        &self,
        keyring: &Keyring,
        subject: &SubjectId,
        context: &str,
        key: &[u8; 32],
    ) -> Result<Vec<u8>, VaultError> {
        let wrapping = keyring.keys.get(subject).ok_or(VaultError::Erased)?;
        Ok(wrapping.seal(key, associated(subject, context).as_bytes()))
    }

    /// Opens a paper's key.
    pub(crate) fn unwrap_key(
        &self,
        subject: &SubjectId,
        context: &str,
        wrapped: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let key = self.known(subject)?.ok_or(VaultError::Erased)?;
        unwrap(&key, associated(subject, context).as_bytes(), wrapped)
    }

    /// Returns how many keys were destroyed since the start: what was unsealed before must not be shown after.
    #[must_use]
    pub fn erasures(&self) -> u64 {
        self.erasures.load(Ordering::Acquire)
    }

    /// Destroys a person's key: whatever was sealed with it can never be read again.
    ///
    /// # Errors
    /// The key store does not answer; the key may still be there.
    pub async fn destroy(&self, subject: &SubjectId) -> Result<(), VaultError> {
        self.store.remove(subject.clone()).await.map_err(VaultError::Store)?;
        self.unwrapped.remove(subject);
        self.erasures.fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn known(&self, subject: &SubjectId) -> Result<Option<Arc<Cipher>>, VaultError> {
        if let Some(key) = self.unwrapped.get(subject) {
            return Ok(Some(key));
        }
        match self.store.get(subject).map_err(VaultError::Store)? {
            Some(wrapped) => self.remember(subject, &wrapped).map(Some),
            None => Ok(None),
        }
    }

    fn remember(&self, subject: &SubjectId, wrapped: &[u8]) -> Result<Arc<Cipher>, VaultError> {
        let key = unwrap(&self.wrapping, subject.as_str().as_bytes(), wrapped)?;
        let key = Arc::new(Cipher::new(&key));
        self.unwrapped.put(subject.clone(), Arc::clone(&key));
        Ok(key)
    }
}

/// A keyed digest in the making.
#[derive(Clone)]
pub struct Hasher(Hmac<Sha256>);

impl Hasher {
    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into_bytes().into()
    }
}

/// Returns bytes as lower-case hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unwrap(key: &Cipher, associated: &[u8], wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let opened = Zeroizing::new(key.open(wrapped, associated).ok_or(VaultError::Broken)?);
    let key: [u8; 32] = opened.as_slice().try_into().map_err(|_| VaultError::Broken)?;
    Ok(Zeroizing::new(key))
}

/// What a sealed text is bound to: moved to another person or stream, it does not open.
fn associated(subject: &SubjectId, context: &str) -> String {
    format!("{subject}|{context}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> Vault {
        Vault::in_memory(Some([7; 32])).unwrap()
    }

    #[tokio::test]
    async fn what_is_sealed_opens_in_its_own_stream_only() {
        let vault = vault();
        let subject = vault.subject("11010519491231002X");
        let keyring = vault.keyring([subject.clone()]).await.unwrap();
        let sealed = vault.seal(&keyring, &subject, "case-1", "张三").unwrap();
        assert!(sealed.cipher.starts_with("a1."));
        assert_eq!(vault.open_sealed(&sealed, "case-1").unwrap().as_str(), "张三");
        assert!(matches!(vault.open_sealed(&sealed, "case-2"), Err(VaultError::Broken)));
    }

    #[tokio::test]
    async fn destroying_a_key_erases_what_was_sealed_with_it() {
        let vault = vault();
        let subject = vault.subject("11010519491231002X");
        let keyring = vault.keyring([subject.clone()]).await.unwrap();
        let sealed = vault.seal(&keyring, &subject, "case-1", "张三").unwrap();
        vault.destroy(&subject).await.unwrap();
        assert!(matches!(vault.open_sealed(&sealed, "case-1"), Err(VaultError::Erased)));
        // A new key for the same person does not bring the old text back.
        vault.keyring([subject]).await.unwrap();
        assert!(matches!(vault.open_sealed(&sealed, "case-1"), Err(VaultError::Broken)));
    }

    #[tokio::test]
    async fn keys_survive_closing_and_the_wrong_master_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let master = MasterKey::beside(folder.path()).unwrap();
        let sealed = {
            let vault = Vault::open(folder.path(), &master, None).unwrap();
            let subject = vault.subject("11010519491231002X");
            let keyring = vault.keyring([subject.clone()]).await.unwrap();
            vault.seal(&keyring, &subject, "case-1", "张三").unwrap()
        };
        let master = MasterKey::beside(folder.path()).unwrap();
        let vault = Vault::open(folder.path(), &master, None).unwrap();
        assert_eq!(vault.open_sealed(&sealed, "case-1").unwrap().as_str(), "张三");
        drop(vault);
        let refused = Vault::open(folder.path(), &MasterKey::random(), None);
        assert!(matches!(refused, Err(VaultError::MasterKey(_))));
    }

    #[test]
    fn a_person_is_the_same_under_the_old_and_the_new_number() {
        let vault = vault();
        assert_eq!(vault.subject(" 11010519491231002x "), vault.subject("110105491231002"));
        assert_eq!(vault.subject("11010519491231002X").as_str().len(), 32);
    }

    #[test]
    fn the_master_key_is_not_made_anew_when_keys_depend_on_it() {
        let folder = tempfile::tempdir().unwrap();
        let master = MasterKey::beside(folder.path()).unwrap();
        drop(Vault::open(folder.path(), &master, None).unwrap());
        std::fs::remove_file(folder.path().join(MASTER_KEY_FILE)).unwrap();
        assert!(matches!(MasterKey::beside(folder.path()), Err(VaultError::MasterKey(_))));
    }
}
