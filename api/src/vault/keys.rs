//! Where wrapped keys lie: one redb file apart from the log, written by one thread that commits for all who wait.

use domain::ids::SubjectId;
use eventstore::BoxError;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

const PERSONS: TableDefinition<&str, &[u8]> = TableDefinition::new("persons");
const SECRETS: TableDefinition<&str, &[u8]> = TableDefinition::new("secrets");
const LOOKUP: &str = "lookup";
/// Requests that wait for one commit at most.
const REQUESTS_PER_COMMIT_MAX: usize = 512;
/// Memory for pages of the key store.
const CACHE_BYTES: usize = 32 * 1024 * 1024;

type Wrapped = Vec<(SubjectId, Vec<u8>)>;

enum Request {
    /// Keep these, unless there are others already; answer with those that hold.
    PutNew(Wrapped, oneshot::Sender<Result<Wrapped, BoxError>>),
    Remove(SubjectId, oneshot::Sender<Result<(), BoxError>>),
}

pub(super) struct KeyStore {
    database: Arc<Database>,
    requests: Option<mpsc::Sender<Request>>,
    committer: Option<JoinHandle<()>>,
}

impl KeyStore {
    pub(super) fn open(path: &Path) -> Result<Self, BoxError> {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES);
        Self::over(builder.create(path)?)
    }

    pub(super) fn in_memory() -> Result<Self, BoxError> {
        Self::over(Database::builder().create_with_backend(redb::backends::InMemoryBackend::new())?)
    }

    fn over(database: Database) -> Result<Self, BoxError> {
        let making = database.begin_write()?;
        making.open_table(PERSONS)?;
        making.open_table(SECRETS)?;
        making.commit()?;
        let database = Arc::new(database);
        let (requests, waiting) = mpsc::channel(2 * REQUESTS_PER_COMMIT_MAX);
        let writer = Arc::clone(&database);
        let committer = std::thread::Builder::new().name("keys".into()).spawn(move || commit(&writer, waiting))?;
        Ok(Self { database, requests: Some(requests), committer: Some(committer) })
    }

    pub(super) fn secret(&self) -> Result<Option<Vec<u8>>, BoxError> {
        let table = self.database.begin_read()?.open_table(SECRETS)?;
        Ok(table.get(LOOKUP)?.map(|wrapped| wrapped.value().to_vec()))
    }

    pub(super) fn set_secret(&self, wrapped: &[u8]) -> Result<(), BoxError> {
        let writing = self.database.begin_write()?;
        writing.open_table(SECRETS)?.insert(LOOKUP, wrapped)?;
        Ok(writing.commit()?)
    }

    pub(super) fn get(&self, subject: &SubjectId) -> Result<Option<Vec<u8>>, BoxError> {
        let table = self.database.begin_read()?.open_table(PERSONS)?;
        Ok(table.get(subject.as_str())?.map(|wrapped| wrapped.value().to_vec()))
    }

    pub(super) async fn put_new(&self, wrapped: Wrapped) -> Result<Wrapped, BoxError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::PutNew(wrapped, answer)).await?;
        answered.await?
    }

    pub(super) async fn remove(&self, subject: SubjectId) -> Result<(), BoxError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Remove(subject, answer)).await?;
        answered.await?
    }

    async fn ask(&self, request: Request) -> Result<(), BoxError> {
        let requests = self.requests.as_ref().ok_or("the key store is closed")?;
        requests.send(request).await.map_err(|_| "the key store is closed".into())
    }
}

impl Drop for KeyStore {
    fn drop(&mut self) {
        // Without senders the committer ends after what it has; then nobody holds the file any more.
        self.requests = None;
        if let Some(committer) = self.committer.take() {
            // A committer that panicked has already failed everybody who waited for it.
            let _ = committer.join();
        }
    }
}

fn commit(database: &Database, mut waiting: mpsc::Receiver<Request>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < REQUESTS_PER_COMMIT_MAX
            && let Ok(next) = waiting.try_recv()
        {
            batch.push(next);
        }
        match write(database, &mut batch) {
            Ok(()) => batch.into_iter().for_each(|request| match request {
                // Whoever does not wait any more needs no answer.
                Request::PutNew(wrapped, answer) => drop(answer.send(Ok(wrapped))),
                Request::Remove(_, answer) => drop(answer.send(Ok(()))),
            }),
            Err(error) => {
                tracing::error!("keys could not be written: {error}");
                let failed = || Err(BoxError::from("keys could not be written"));
                batch.into_iter().for_each(|request| match request {
                    Request::PutNew(_, answer) => drop(answer.send(failed())),
                    Request::Remove(_, answer) => drop(answer.send(failed().map(|_: Wrapped| ()))),
                });
            }
        }
    }
}

fn write(database: &Database, batch: &mut [Request]) -> Result<(), BoxError> {
    let writing = database.begin_write()?;
    {
        let mut table = writing.open_table(PERSONS)?;
        for request in batch {
            match request {
                Request::PutNew(wrapped, _) => {
                    for (subject, key) in wrapped {
                        let known = table.get(subject.as_str())?.map(|known| known.value().to_vec());
                        match known {
                            Some(known) => *key = known,
                            None => drop(table.insert(subject.as_str(), key.as_slice())?),
                        }
                    }
                }
                Request::Remove(subject, _) => drop(table.remove(subject.as_str())?),
            }
        }
    }
    Ok(writing.commit()?)
}
