//! The tables of a ledger as SQLite lists them, so that none can be forgotten, and pages of their rows.

use core::fmt;

use rusqlite::Connection;

use super::super::columns::failed;

/// Rows in a page. Only one page of each side is in memory at a time.
pub(super) const PAGE: usize = 1000;

/// SQLite's own, the list of versions, and the mark of the move itself, which is about the file and not the ledger.
const NOT_OF_THE_LEDGER: &str =
    "name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT IN ('_sqlx_migrations', 'moved')";

/// Who wrote an hour's income: SQLite has one process, and PostgreSQL a row for each. No process is called 0.
const INCOME_WRITER: &str = "0";

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Text,
    Blob,
}

impl Kind {
    /// Its type in PostgreSQL.
    pub(super) const fn in_postgres(self) -> &'static str {
        match self {
            Self::Integer => "BIGINT",
            Self::Text => "TEXT",
            Self::Blob => "BYTEA",
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// What SQLite is asked for it.
    pub(super) source: String,
}

/// One table. Its rows are read in the order of its key, which is the same in both databases.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// Places of the primary key's columns, in its order.
    pub(super) key: Vec<usize>,
}

impl Table {
    /// The names of the columns of the key.
    pub(super) fn key_names(&self) -> Vec<&str> {
        self.key.iter().map(|&at| self.columns[at].name.as_str()).collect()
    }
}

/// All tables of the ledger, those that others refer to before those.
pub(super) fn tables(connection: &Connection) -> Result<Vec<Table>, sqlx::Error> {
    let sql =
        format!("SELECT name FROM sqlite_schema WHERE type = 'table' AND {NOT_OF_THE_LEDGER} ORDER BY rowid");
    let mut query = connection.prepare(&sql).map_err(failed)?;
    let names = query.query_map([], |row| row.get::<_, String>(0)).map_err(failed)?;
    names.map(|name| table(connection, name.map_err(failed)?)).collect()
}

fn table(connection: &Connection, name: String) -> Result<Table, sqlx::Error> {
    let mut query = connection
        .prepare("SELECT name, type, pk FROM pragma_table_info(?1) ORDER BY cid")
        .map_err(failed)?;
    let described = query
        .query_map([&name], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
        })
        .map_err(failed)?;
    let (mut columns, mut key) = (Vec::new(), Vec::new());
    for column in described {
        let (column, declared, place) = column.map_err(failed)?;
        if place > 0 {
            key.push((place, columns.len()));
        }
        let kind = kind(&declared).ok_or_else(|| sqlx::Error::ColumnDecode {
            index: format!("{name}.{column}"),
            source: format!("the type {declared} is none that a ledger has").into(),
        })?;
        columns.push(Column { source: column.clone(), name: column, kind });
    }
    if name == "income" {
        columns.push(Column {
            name: "writer".to_owned(),
            kind: Kind::Integer,
            source: INCOME_WRITER.to_owned(),
        });
    }
    key.sort_unstable();
    Ok(Table { name, columns, key: key.into_iter().map(|(_, at)| at).collect() })
}

fn kind(declared: &str) -> Option<Kind> {
    match declared {
        "INTEGER" | "BIGINT" => Some(Kind::Integer),
        "TEXT" => Some(Kind::Text),
        "BLOB" => Some(Kind::Blob),
        _ => None,
    }
}

/// One column of some rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Values {
    Integers(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
    Blobs(Vec<Option<Vec<u8>>>),
}

impl Values {
    pub(super) fn empty(kind: Kind) -> Self {
        match kind {
            Kind::Integer => Self::Integers(Vec::new()),
            Kind::Text => Self::Texts(Vec::new()),
            Kind::Blob => Self::Blobs(Vec::new()),
        }
    }

    fn same(&self, other: &Self, row: usize) -> bool {
        match (self, other) {
            (Self::Integers(ours), Self::Integers(theirs)) => ours.get(row) == theirs.get(row),
            (Self::Texts(ours), Self::Texts(theirs)) => ours.get(row) == theirs.get(row),
            (Self::Blobs(ours), Self::Blobs(theirs)) => ours.get(row) == theirs.get(row),
            (Self::Integers(_) | Self::Texts(_) | Self::Blobs(_), _) => false,
        }
    }

    fn shown(&self, row: usize) -> String {
        match self {
            Self::Integers(values) => shown(values.get(row)),
            Self::Texts(values) => shown(values.get(row)),
            Self::Blobs(values) => shown(
                values
                    .get(row)
                    .map(|value| value.as_ref().map(|bytes| format!("0x{}", hex::encode(bytes))))
                    .as_ref(),
            ),
        }
    }
}

fn shown(value: Option<&Option<impl fmt::Display>>) -> String {
    match value {
        Some(Some(value)) => value.to_string(),
        Some(None) => "NULL".to_owned(),
        None => "nothing".to_owned(),
    }
}

/// Some rows of a table, one after the other by the key.
#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) rows: usize,
    pub(super) columns: Vec<Values>,
}

impl Page {
    pub(super) fn empty(table: &Table) -> Self {
        let columns = table.columns.iter().map(|column| Values::empty(column.kind)).collect();
        Self { rows: 0, columns }
    }

    /// The first place where `found` has something else.
    pub(super) fn difference(&self, found: &Self, table: &Table) -> Option<Difference> {
        (0..self.rows.max(found.rows)).find_map(|row| {
            let columns = self.columns.iter().zip(&found.columns);
            let (column, _) =
                table.columns.iter().zip(columns).find(|(_, (ours, theirs))| !ours.same(theirs, row))?;
            let side = if row < self.rows { self } else { found };
            let key = table.key.iter().map(|&at| side.columns[at].shown(row)).collect::<Vec<_>>();
            Some(Difference {
                table: table.name.clone(),
                column: column.name.clone(),
                key: format!("({}) = ({})", table.key_names().join(", "), key.join(", ")),
            })
        })
    }
}

/// Where the two databases have something different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: String,
    /// The first column that differs.
    pub column: String,
    /// Which row.
    pub key: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the column {} of the table {} where {}", self.column, self.table, self.key)
    }
}
