//! The SQLite file: one connection that writes, a few that read. In WAL mode neither waits for the other.

use super::{OpenError, lock, unavailable};
use jackfield_engine::services::StoreError;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// `user_version` of the schema below.
const VERSION: i64 = 1;
/// `application_id`: "JkFd".
const APPLICATION: i64 = 0x4A6B_4664;
/// Reading connections kept for the next reader; what is open beyond these is closed after use.
const KEPT_READERS: usize = 4;

/// `seq` is the order in which documents were first put; AUTOINCREMENT, so that no place is ever given twice.
const SCHEMA: &str = "
    CREATE TABLE documents (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        collection TEXT NOT NULL,
        id TEXT NOT NULL,
        json TEXT NOT NULL,
        UNIQUE (collection, id)
    );
    CREATE INDEX documents_in_order ON documents (collection, seq);
    CREATE TABLE blobs (name TEXT PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE refs (
        document INTEGER NOT NULL REFERENCES documents (seq),
        blob TEXT NOT NULL REFERENCES blobs (name),
        PRIMARY KEY (document, blob)
    ) WITHOUT ROWID;
    CREATE INDEX refs_of_blob ON refs (blob);
";

/// The connections. Readers are dropped first: the writer is then the last one and folds the WAL into the database.
pub(super) struct Database {
    readers: Mutex<Vec<Connection>>,
    writer: Mutex<Connection>,
    path: PathBuf,
}

impl Database {
    /// Opens the database, makes its tables where it is new.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |what| move |source| OpenError::Database { what, path: path.to_owned(), source };
        let mut writer = Connection::open(path).map_err(failed("open"))?;
        let number = |connection: &Connection, name| {
            connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed("read"))
        };
        let found = number(&writer, "user_version")?;
        let application = number(&writer, "application_id")?;
        let empty = found == 0 && application == 0 && number(&writer, "schema_version")? == 0;
        if !empty && application != APPLICATION {
            return Err(OpenError::Foreign { path: path.to_owned() });
        }
        if found > VERSION {
            return Err(OpenError::Newer { path: path.to_owned(), found, known: VERSION });
        }
        set_up(&writer).map_err(failed("set up"))?;
        if empty {
            create_tables(&mut writer).map_err(failed("create the tables of"))?;
        }
        Ok(Self { readers: Mutex::default(), writer: Mutex::new(writer), path: path.to_owned() })
    }

    /// Reads on a connection of its own.
    pub fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let kept = lock(&self.readers).pop();
        let failed = |source| unavailable("read", &self.path, source);
        let connection = match kept {
            Some(connection) => connection,
            None => open_reader(&self.path).map_err(failed)?,
        };
        let answer = query(&connection).map_err(failed);
        let mut readers = lock(&self.readers);
        if readers.len() < KEPT_READERS {
            readers.push(connection);
        }
        answer
    }

    /// Changes in one transaction; on disk when it returns `Ok`, none of them made when it does not.
    pub fn write<T>(&self, change: impl FnOnce(&Transaction) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let mut writer = lock(&self.writer);
        let attempt = || {
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let answer = change(&transaction)?;
            transaction.commit()?;
            Ok(answer)
        };
        attempt().map_err(|source: rusqlite::Error| unavailable("write", &self.path, source))
    }

    /// Size of a committed blob in bytes.
    pub fn blob_size(&self, name: &str) -> Result<Option<u64>, StoreError> {
        let size = self.read(|connection| {
            connection
                .prepare_cached("SELECT size FROM blobs WHERE name = ?1")?
                .query_row([name], |row| row.get::<_, i64>(0))
                .optional()
        })?;
        Ok(size.map(i64::unsigned_abs))
    }

    /// Names of all committed blobs.
    pub fn blob_names(&self) -> Result<HashSet<String>, OpenError> {
        let names = |connection: &Connection| -> rusqlite::Result<HashSet<String>> {
            connection.prepare("SELECT name FROM blobs")?.query_map([], |row| row.get(0))?.collect()
        };
        names(&lock(&self.writer)).map_err(|source| OpenError::Database {
            what: "read",
            path: self.path.clone(),
            source,
        })
    }
}

fn set_up(writer: &Connection) -> rusqlite::Result<()> {
    writer.busy_timeout(Duration::from_secs(5))?;
    let mode: String = writer.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        // Only file systems without shared memory, that is network ones, refuse it.
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN),
            Some(format!("the file system does not support a write-ahead log (journal mode is {mode})")),
        ));
    }
    writer.pragma_update(None, "synchronous", "FULL")?;
    // Without these macOS leaves what was synchronised in the disk's own cache.
    writer.pragma_update(None, "fullfsync", true)?;
    writer.pragma_update(None, "checkpoint_fullfsync", true)?;
    writer.pragma_update(None, "foreign_keys", true)?;
    // After a large import the log file is cut back to this.
    writer.pragma_update(None, "journal_size_limit", 16 << 20)
}

fn create_tables(writer: &mut Connection) -> rusqlite::Result<()> {
    let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let reader = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    reader.busy_timeout(Duration::from_secs(5))?;
    Ok(reader)
}
