//! The database that a ledger comes to.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row};

use super::super::columns::signed;
use super::super::writer;
use super::MoveError;
use super::source::Place;
use super::table::{PAGE, Page, Table, Values};

/// The tables that only PostgreSQL has, but for the versions: none has a row before a sidecar was there, or a move.
pub(super) const OWN: [&str; 3] = ["writers", "server", "arrival"];

/// Begins a transaction that may take long: nobody else is to use the database meanwhile.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '5s'; \
     SET LOCAL statement_timeout = '60s'; SET LOCAL idle_in_transaction_session_timeout = '60s'";

/// Waits for whoever makes tables here or moves a ledger here, and keeps others from doing so, or from beginning to use
/// the database, until the transaction ends. It writes, so that its commit waits for what was committed before.
pub(super) async fn lock(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE uraiden_tables SET version = version").execute(connection).await?;
    Ok(())
}

/// The schema that the tables are in.
pub(super) async fn place(connection: &mut PgConnection, target: String) -> Result<Place, sqlx::Error> {
    let schema = sqlx::query_scalar("SELECT CAST(current_schema() AS TEXT)").fetch_one(connection).await?;
    Ok(Place { target, schema })
}

/// The id of the move that brought the ledger here.
pub(super) async fn arrival(connection: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT id FROM arrival").fetch_optional(connection).await
}

/// Makes room: refuses tables with rows, and takes the lease's first row, which nobody has ever held, away.
pub(super) async fn empty(
    connection: &mut PgConnection,
    tables: &[Table],
    target: &str,
) -> Result<(), MoveError> {
    let unused = sqlx::query("DELETE FROM lease WHERE epoch = 0").execute(&mut *connection).await?;
    let names = tables.iter().map(|table| table.name.as_str()).chain(OWN);
    let used = |table: &str| MoveError::NotEmpty { target: target.to_owned(), table: table.to_owned() };
    for table in names {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {table})");
        if sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *connection).await? {
            return Err(used(table));
        }
    }
    match unused.rows_affected() {
        1 => Ok(()),
        _ => Err(used("lease")),
    }
}

/// Writes these rows.
pub(super) async fn write(
    connection: &mut PgConnection,
    table: &Table,
    page: Page,
) -> Result<(), sqlx::Error> {
    let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let arrays: Vec<_> = (1..)
        .zip(&table.columns)
        .map(|(place, column)| format!("${place}::{}[]", column.kind.in_postgres()))
        .collect();
    let sql = format!(
        "INSERT INTO {} ({}) SELECT * FROM unnest({})",
        table.name,
        names.join(", "),
        arrays.join(", ")
    );
    let bind = |query: Query<'static, Postgres, PgArguments>, values: Values| match values {
        Values::Integers(values) => query.bind(values),
        Values::Texts(values) => query.bind(values),
        Values::Blobs(values) => query.bind(values),
    };
    page.columns.into_iter().fold(sqlx::query(AssertSqlSafe(sql)), bind).execute(connection).await?;
    Ok(())
}

/// Lets new rows take numbers behind those that came, and says which move it was.
pub(super) async fn finish(connection: &mut PgConnection, id: &str) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT setval(pg_get_serial_sequence('intents', 'id'), max(id)) FROM intents")
        .execute(&mut *connection)
        .await?;
    sqlx::query("INSERT INTO arrival (one, id, at) VALUES (1, $1, $2)")
        .bind(id)
        .bind(signed(writer::now()))
        .execute(connection)
        .await?;
    Ok(())
}

/// The rows that follow after this page, or the first ones.
pub(super) async fn page(
    connection: &mut PgConnection,
    table: &Table,
    after: Option<&Page>,
) -> Result<Page, sqlx::Error> {
    let sources: Vec<_> = table
        .columns
        .iter()
        .map(|column| format!("CAST({} AS {})", column.name, column.kind.in_postgres()))
        .collect();
    let key = table.key_names().join(", ");
    let places: Vec<_> = (1..=table.key.len()).map(|place| format!("${place}")).collect();
    let beyond = match after {
        Some(_) => format!("WHERE ({key}) > ({})", places.join(", ")),
        None => String::new(),
    };
    let sql =
        format!("SELECT {} FROM {} {beyond} ORDER BY {key} LIMIT {PAGE}", sources.join(", "), table.name);
    let mut query = sqlx::query(AssertSqlSafe(sql));
    if let Some(page) = after {
        for &at in &table.key {
            query = match &page.columns[at] {
                Values::Integers(values) => query.bind(values[page.rows - 1]),
                Values::Texts(values) => query.bind(values[page.rows - 1].clone()),
                Values::Blobs(values) => query.bind(values[page.rows - 1].clone()),
            };
        }
    }
    let rows = query.fetch_all(connection).await?;
    let mut page = Page::empty(table);
    for row in &rows {
        take(row, &mut page)?;
    }
    Ok(page)
}

fn take(row: &PgRow, page: &mut Page) -> Result<(), sqlx::Error> {
    for (at, values) in page.columns.iter_mut().enumerate() {
        match values {
            Values::Integers(integers) => integers.push(row.try_get(at)?),
            Values::Texts(texts) => texts.push(row.try_get(at)?),
            Values::Blobs(blobs) => blobs.push(row.try_get(at)?),
        }
    }
    page.rows += 1;
    Ok(())
}
