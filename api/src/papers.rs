//! Papers that were handed in: sealed files outside the log, each durable before the event that speaks of it.
//!
//! A file holds a header and chunks. The header is the magic word, the length of the wrapped key (2 bytes, big-endian)
//! and the key of this paper, wrapped with the person's. Each chunk is the length of what follows (4 bytes), a flag
//! that is 1 on the last one, and nonce and ciphertext; number and flag are part of what is authenticated, so chunks
//! cannot be dropped, moved or cut off unnoticed.

use crate::vault::{Cipher, Hasher, Keyring, Vault, VaultError, hex};
use domain::ids::{PaperId, SubjectId};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"YCPAPER1";
const CHUNK_BYTES: usize = 64 * 1024;
/// No chunk that we wrote is longer; a longer one is damage.
const SEALED_CHUNK_BYTES_MAX: usize = CHUNK_BYTES + 64;
/// Nor is a wrapped key.
const WRAPPED_KEY_BYTES_MAX: usize = 256;

/// The media types that are taken, with the bytes their files begin with.
pub const MEDIA_TYPES: [(&str, &[u8]); 4] = [
    ("application/pdf", b"%PDF-"),
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    // 版式文件 GB/T 33190: a ZIP container.
    ("application/ofd", b"PK\x03\x04"),
];

/// Why a paper could not be kept or given back.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// Its bytes are not those of a media type that is taken, or not of the one declared.
    #[error("the paper is not of a kind that is taken")]
    MediaType,
    /// It is larger than allowed.
    #[error("the paper has more than {0} bytes")]
    TooLarge(usize),
    /// It is empty.
    #[error("the paper is empty")]
    Empty,
    /// There is no such file.
    #[error("the file of the paper is missing")]
    Missing,
    /// The file is not what was written.
    #[error("the file of the paper is damaged")]
    Damaged,
    /// The person's key is not there.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The disk refuses.
    #[error("the folder of papers cannot be used")]
    Io(#[from] io::Error),
}

/// The folder of papers.
#[derive(Debug, Clone)]
pub struct Papers {
    folder: PathBuf,
    bytes_max: usize,
}

/// A paper on its way in: sealed while it comes, invisible until it is [kept](Draft::keep).
pub struct Draft {
    path: PathBuf,
    file: BufWriter<File>,
    key: Cipher,
    chunk: Vec<u8>,
    chunks: u32,
    head: Vec<u8>,
    bytes: usize,
    bytes_max: usize,
    plain: Sha256,
    keyed: Hasher,
    /// Set once the file has its final name, so that dropping leaves it alone.
    kept: bool,
}

/// What is known of a paper once all of it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// How large, in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, lower-case hex; not to be recorded, for it could be guessed.
    pub sha256: String,
    /// The keyed digest of its bytes, lower-case hex.
    pub keyed_sha256: String,
}

impl Papers {
    /// Opens the folder, or makes it; drafts that a crash left are cleared away.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn open(folder: &Path, bytes_max: usize) -> io::Result<Self> {
        let papers = Self { folder: folder.to_owned(), bytes_max };
        fs::create_dir_all(papers.drafts())?;
        for left in fs::read_dir(papers.drafts())? {
            fs::remove_file(left?.path())?;
        }
        Ok(papers)
    }

    /// Begins to take in a paper of this person. `context` is the stream that will speak of it.
    ///
    /// # Errors
    /// The person is not on the keyring, or the disk refuses.
    pub fn draft(
        &self,
        vault: &Vault,
        keyring: &Keyring,
        subject: &SubjectId,
        context: &str,
        paper: PaperId,
    ) -> Result<Draft, PaperError> {
        let key = crate::clock::secret::<32>();
        let wrapped = vault.wrap_key(keyring, subject, &key_context(context, paper), &key)?;
        // A second request with the same id may be under way; each writes its own draft.
        let path = self.drafts().join(format!("{paper}-{}", hex(&crate::clock::secret::<8>())));
        let mut file = BufWriter::new(File::create_new(&path)?);
        file.write_all(MAGIC)?;
        file.write_all(&u16::try_from(wrapped.len()).unwrap_or(u16::MAX).to_be_bytes())?;
        file.write_all(&wrapped)?;
        Ok(Draft {
            path,
            file,
            key: Cipher::new(&key),
            chunk: Vec::with_capacity(CHUNK_BYTES),
            chunks: 0,
            head: Vec::new(),
            bytes: 0,
            bytes_max: self.bytes_max,
            plain: Sha256::new(),
            keyed: vault.hasher("paper"),
            kept: false,
        })
    }

    /// Returns the bytes of a paper, all of them checked.
    ///
    /// # Errors
    /// The file is missing or damaged, or the person's key is destroyed.
    pub fn read(
        &self,
        vault: &Vault,
        subject: &SubjectId,
        context: &str,
        paper: PaperId,
    ) -> Result<Vec<u8>, PaperError> {
        let file = match File::open(self.path(paper)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(PaperError::Missing),
            file => file?,
        };
        let mut file = BufReader::new(file);
        let mut magic = [0; MAGIC.len()];
        read_exact(&mut file, &mut magic)?;
        if magic != *MAGIC {
            return Err(PaperError::Damaged);
        }
        let mut length = [0; 2];
        read_exact(&mut file, &mut length)?;
        let wrapped = read_vec(&mut file, u16::from_be_bytes(length).into(), WRAPPED_KEY_BYTES_MAX)?;
        let key = match vault.unwrap_key(subject, &key_context(context, paper), &wrapped) {
            Err(VaultError::Broken) => return Err(PaperError::Damaged),
            key => Cipher::new(&*key?),
        };
        let mut text = Vec::new();
        for chunk in 0.. {
            let mut header = [0; 5];
            read_exact(&mut file, &mut header)?;
            let [a, b, c, d, last] = header;
            let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
            let sealed = read_vec(&mut file, length, SEALED_CHUNK_BYTES_MAX)?;
            text.extend(key.open(&sealed, &associated(chunk, last)).ok_or(PaperError::Damaged)?);
            if last == 1 {
                break;
            }
        }
        match file.read(&mut [0])? {
            0 => Ok(text),
            _ => Err(PaperError::Damaged),
        }
    }

    fn drafts(&self) -> PathBuf {
        self.folder.join("drafts")
    }

    /// Spread over folders by the last two characters, which are random.
    fn path(&self, paper: PaperId) -> PathBuf {
        let name = paper.to_string();
        let shelf = name.get(name.len().saturating_sub(2)..).unwrap_or("00").to_owned();
        self.folder.join(shelf).join(format!("{name}.sealed"))
    }
}

impl Draft {
    /// Takes in the next bytes.
    ///
    /// # Errors
    /// Too many came, or the disk refuses.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), PaperError> {
        self.bytes += bytes.len();
        if self.bytes_max < self.bytes {
            return Err(PaperError::TooLarge(self.bytes_max));
        }
        self.plain.update(bytes);
        self.keyed.update(bytes);
        let missing = MEDIA_TYPES.iter().map(|(_, magic)| magic.len()).max().unwrap_or(0) - self.head.len();
        self.head.extend(bytes.iter().take(missing));
        while !bytes.is_empty() {
            if self.chunk.len() == CHUNK_BYTES {
                self.flush(0)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK_BYTES - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    fn flush(&mut self, last: u8) -> io::Result<()> {
        let sealed = self.key.seal(&self.chunk, &associated(self.chunks, last));
        self.file.write_all(&u32::try_from(sealed.len()).unwrap_or(u32::MAX).to_be_bytes())?;
        self.file.write_all(&[last])?;
        self.file.write_all(&sealed)?;
        self.chunk.clear();
        self.chunks += 1;
        Ok(())
    }

    /// Ends the taking in, and returns what came.
    ///
    /// # Errors
    /// Nothing came, or something of another kind than declared; or the disk refuses.
    pub fn finish(&mut self, media_type: &str) -> Result<Received, PaperError> {
        if self.bytes == 0 {
            return Err(PaperError::Empty);
        }
        let (_, magic) = MEDIA_TYPES.iter().find(|(name, _)| *name == media_type).ok_or(PaperError::MediaType)?;
        if !self.head.starts_with(magic) {
            return Err(PaperError::MediaType);
        }
        self.flush(1)?;
        self.file.flush()?;
        Ok(Received {
            bytes: self.bytes as u64,
            sha256: hex(&self.plain.clone().finalize()),
            keyed_sha256: hex(&self.keyed.clone().finish()),
        })
    }

    /// Gives the finished paper its place; it survives a power cut from here on.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn keep(mut self, papers: &Papers, paper: PaperId) -> io::Result<()> {
        self.file.get_ref().sync_all()?;
        let path = papers.path(paper);
        let shelf = path.parent().unwrap_or(&papers.folder);
        if !shelf.exists() {
            fs::create_dir_all(shelf)?;
            File::open(&papers.folder)?.sync_all()?;
        }
        fs::rename(&self.path, &path)?;
        self.kept = true;
        File::open(shelf)?.sync_all()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed now is cleared away at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn key_context(context: &str, paper: PaperId) -> String {
    format!("{context}|paper-{paper}")
}

fn associated(chunk: u32, last: u8) -> [u8; 5] {
    let [a, b, c, d] = chunk.to_be_bytes();
    [a, b, c, d, last]
}

fn read_exact(file: &mut impl io::Read, bytes: &mut [u8]) -> Result<(), PaperError> {
    file.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => PaperError::Damaged,
        _ => PaperError::Io(error),
    })
}

fn read_vec(file: &mut impl io::Read, length: usize, length_max: usize) -> Result<Vec<u8>, PaperError> {
    if length_max < length {
        return Err(PaperError::Damaged);
    }
    let mut bytes = vec![0; length];
    read_exact(file, &mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ulid::Ulid;

    const PAPER: PaperId = PaperId(Ulid::from_parts(1, 2));

    struct Given {
        folder: tempfile::TempDir,
        papers: Papers,
        vault: Vault,
        subject: SubjectId,
    }

    async fn given(text: &[u8]) -> Given {
        let folder = tempfile::tempdir().unwrap();
        let papers = Papers::open(folder.path(), 1024 * 1024).unwrap();
        let vault = Vault::in_memory(None).unwrap();
        let subject = vault.subject("11010519491231002X");
        let keyring = vault.keyring([subject.clone()]).await.unwrap();
        let mut draft = papers.draft(&vault, &keyring, &subject, "case-1", PAPER).unwrap();
        for piece in text.chunks(1000) {
            draft.write(piece).unwrap();
        }
        draft.finish("application/pdf").unwrap();
        draft.keep(&papers, PAPER).unwrap();
        Given { folder, papers, vault, subject }
    }

    fn paper() -> Vec<u8> {
        b"%PDF-1.7 ".iter().copied().chain((0..200_000_u32).map(|n| (n % 251) as u8)).collect()
    }

    impl Given {
        fn read(&self, context: &str) -> Result<Vec<u8>, PaperError> {
            self.papers.read(&self.vault, &self.subject, context, PAPER)
        }

        fn damage(&self, change: impl FnOnce(&mut Vec<u8>)) {
            let path = self.papers.path(PAPER);
            let mut bytes = fs::read(&path).unwrap();
            change(&mut bytes);
            fs::write(&path, bytes).unwrap();
        }
    }

    #[tokio::test]
    async fn a_paper_comes_back_whole_and_lies_there_sealed() {
        let given = given(&paper()).await;
        assert_eq!(given.read("case-1").unwrap(), paper());
        let stored = fs::read(given.papers.path(PAPER)).unwrap();
        assert!(!stored.windows(5).any(|window| window == b"%PDF-"));
        assert_eq!(fs::read_dir(given.folder.path().join("drafts")).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_paper_does_not_open_in_another_case() {
        assert!(matches!(given(&paper()).await.read("case-2"), Err(PaperError::Damaged)));
    }

    #[tokio::test]
    async fn a_flipped_bit_is_noticed() {
        let given = given(&paper()).await;
        given.damage(|bytes| bytes[100_000] ^= 1);
        assert!(matches!(given.read("case-1"), Err(PaperError::Damaged)));
    }

    #[tokio::test]
    async fn a_cut_at_a_chunk_is_noticed() {
        let given = given(&paper()).await;
        let last_chunk = 200_009 % CHUNK_BYTES + 5 + 12 + 16;
        given.damage(|bytes| bytes.truncate(bytes.len() - last_chunk));
        assert!(matches!(given.read("case-1"), Err(PaperError::Damaged)));
    }

    #[tokio::test]
    async fn a_missing_file_is_told() {
        let given = given(&paper()).await;
        fs::remove_file(given.papers.path(PAPER)).unwrap();
        assert!(matches!(given.read("case-1"), Err(PaperError::Missing)));
    }

    #[tokio::test]
    async fn what_is_not_what_it_claims_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let papers = Papers::open(folder.path(), 100).unwrap();
        let vault = Vault::in_memory(None).unwrap();
        let subject = vault.subject("11010519491231002X");
        let keyring = vault.keyring([subject.clone()]).await.unwrap();
        let mut draft = papers.draft(&vault, &keyring, &subject, "case-1", PAPER).unwrap();
        draft.write(b"MZ not a paper").unwrap();
        assert!(matches!(draft.finish("application/pdf"), Err(PaperError::MediaType)));
        assert!(matches!(draft.write(&[0; 100]), Err(PaperError::TooLarge(100))));
        drop(draft);
        assert_eq!(fs::read_dir(folder.path().join("drafts")).unwrap().count(), 0);
    }
}
