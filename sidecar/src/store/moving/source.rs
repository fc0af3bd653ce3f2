//! The file that a ledger leaves.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, OptionalExtension, ToSql, params, params_from_iter};
use sqlx::Connection as _;

use super::super::columns::{failed, signed};
use super::super::sqlite::{self, Access};
use super::super::{OpenError, writer};
use super::MoveError;
use super::table::{PAGE, Page, Table, Values, tables};

/// A file that this process has for itself, with the tables of today.
pub(super) struct Source {
    path: PathBuf,
    connection: Connection,
    pub(super) tables: Vec<Table>,
    _lock: File,
}

/// What a file says of its move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) id: String,
    pub(super) place: Place,
    /// Whether all of it arrived for sure.
    pub(super) arrived: bool,
}

/// Where a ledger goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Host, port and name of the database.
    pub(super) target: String,
    /// The schema in it.
    pub(super) schema: String,
}

impl Source {
    /// Takes the file, if it holds a ledger that is in use.
    pub(super) async fn open(path: &Path) -> Result<Self, MoveError> {
        // What is no ledger is not made one.
        if !path.exists() {
            return Err(MoveError::Empty(path.to_owned()));
        }
        let lock = sqlite::lock(path)?;
        sqlite::private_file(path)?;
        let broken = |source| OpenError::Sqlite { path: path.to_owned(), source };
        if !is_ours(path).map_err(failed).map_err(broken)? {
            return Err(MoveError::Foreign(path.to_owned()));
        }
        let mut tables_of_today = sqlite::connect(path, Access::Write).await.map_err(broken)?;
        sqlite::migrate(&mut tables_of_today, path).await?;
        tables_of_today.close().await.map_err(broken)?;
        let connection = sqlite::connect_directly(path).map_err(failed).map_err(broken)?;
        let tables = tables(&connection).map_err(broken)?;
        Ok(Self { path: path.to_owned(), connection, tables, _lock: lock })
    }

    /// From here on nobody writes the file, and what is read is of one moment. Answers how many rows there are.
    ///
    /// # Errors
    ///
    /// There is no ledger in it, or one that does not know what happened after it was copied.
    pub(super) fn begin(&self) -> Result<u64, MoveError> {
        self.connection.execute_batch("BEGIN IMMEDIATE").map_err(failed)?;
        let copied = self.connection.query_row("SELECT copied_at FROM ledger", [], |row| row.get(0));
        match copied.optional().map_err(failed)? {
            None => Err(MoveError::Empty(self.path.clone())),
            Some(Some::<i64>(_)) => Err(MoveError::Copy(self.path.clone())),
            Some(None) => self.count(),
        }
    }

    fn count(&self) -> Result<u64, MoveError> {
        let count = |table: &Table| {
            let sql = format!("SELECT count(*) FROM {}", table.name);
            self.connection
                .query_row(&sql, [], |row| row.get::<_, i64>(0))
                .map(i64::unsigned_abs)
                .map_err(failed)
        };
        Ok(self.tables.iter().map(count).sum::<Result<u64, _>>()?)
    }

    /// The rows that follow after this page, or the first ones.
    pub(super) fn page(&self, table: &Table, after: Option<&Page>) -> Result<Page, MoveError> {
        let sources: Vec<_> = table.columns.iter().map(|column| column.source.as_str()).collect();
        let key = table.key_names().join(", ");
        let places = vec!["?"; table.key.len()].join(", ");
        let beyond = if after.is_some() { format!("WHERE ({key}) > ({places})") } else { String::new() };
        let sql =
            format!("SELECT {} FROM {} {beyond} ORDER BY {key} LIMIT {PAGE}", sources.join(", "), table.name);
        let bound = after.into_iter().flat_map(|page| {
            table.key.iter().map(|&at| Cell { values: &page.columns[at], row: page.rows - 1 })
        });
        let mut query = self.connection.prepare_cached(&sql).map_err(failed)?;
        let mut rows = query.query(params_from_iter(bound)).map_err(failed)?;
        let mut page = Page::empty(table);
        while let Some(row) = rows.next().map_err(failed)? {
            for (at, values) in page.columns.iter_mut().enumerate() {
                let taken = match values {
                    Values::Integers(integers) => row.get(at).map(|value| integers.push(value)),
                    Values::Texts(texts) => row.get(at).map(|value| texts.push(value)),
                    Values::Blobs(blobs) => row.get(at).map(|value| blobs.push(value)),
                };
                taken.map_err(failed)?;
            }
            page.rows += 1;
        }
        Ok(page)
    }

    /// The mark of a move, where there is one.
    pub(super) fn mark(&self) -> Result<Option<Mark>, MoveError> {
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Mark {
                id: row.get(0)?,
                place: Place { target: row.get(1)?, schema: row.get(2)? },
                arrived: row.get::<_, i64>(3)? == 1,
            })
        };
        let found =
            self.connection.query_row("SELECT id, target, schema, arrived FROM moved", [], read).optional();
        Ok(found.map_err(failed)?)
    }

    /// Ends what [`Source::begin`] began: from now on the file is not used, durably.
    pub(super) fn leave(&self, mark: &Mark) -> Result<(), MoveError> {
        self.connection
            .execute(
                "INSERT INTO moved (one, id, target, schema, at, arrived) VALUES (1, ?1, ?2, ?3, ?4, 0)",
                params![mark.id, mark.place.target, mark.place.schema, signed(writer::now())],
            )
            .map_err(failed)?;
        self.connection.execute_batch("COMMIT").map_err(failed)?;
        Ok(())
    }

    /// Ends what [`Source::begin`] began, and nothing has changed.
    pub(super) fn stay(&self) -> Result<(), MoveError> {
        self.connection.execute_batch("ROLLBACK").map_err(failed)?;
        Ok(())
    }

    /// All of it arrived.
    pub(super) fn arrived(&self, mark: &Mark) -> Result<(), MoveError> {
        let told = self.connection.execute("UPDATE moved SET arrived = 1", []);
        told.map(drop).map_err(|source| MoveError::Unmarked {
            path: self.path.clone(),
            target: mark.place.target.clone(),
            source: failed(source),
        })
    }

    /// Nothing of it arrived, and nothing will: the file can be used again.
    pub(super) fn come_back(&self) -> Result<(), MoveError> {
        self.connection.execute("DELETE FROM moved", []).map_err(failed)?;
        Ok(())
    }
}

/// Whether a program of ours has made it.
fn is_ours(path: &Path) -> Result<bool, rusqlite::Error> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let sql =
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('_sqlx_migrations', 'ledger')";
    connection.query_row(sql, [], |row| Ok(row.get::<_, i64>(0)? == 2))
}

/// One value to bind.
struct Cell<'a> {
    values: &'a Values,
    row: usize,
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self.values {
            Values::Integers(values) => values[self.row].map_or(ValueRef::Null, ValueRef::Integer),
            Values::Texts(values) => {
                values[self.row].as_ref().map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes()))
            }
            Values::Blobs(values) => values[self.row].as_deref().map_or(ValueRef::Null, ValueRef::Blob),
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}
