//! Moving a ledger from a file to PostgreSQL.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row, SqliteConnection};
use tempfile::TempDir;
use uraiden_core::BlockNumber;
use uraiden_core::wire::{Answer, ChannelKey};
use uraiden_sidecar::store::{
    self, Database, MoveError, MoveOrder, Moved, OpenError, PostgresUrl, Risks, move_ledger,
};

use crate::fixture::{Ledger, POSTGRES, attempt, channel, database_of, schema_of, scope, tokens};
use crate::sharing::fragile_url;

/// A ledger with rows of all kinds, and more than a page of some: what `earlier_tables` describes, and a payment.
async fn file_with_everything() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("u.db");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tables-7.sqlite");
    std::fs::copy(kept, &file).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    let ledger = Ledger::at(folder, Database::Sqlite(file.clone()), scope()).await;
    ledger.read_chain(16, &[]).await;
    let paid = ledger.commit(attempt(8, 20, 130)).await;
    assert!(matches!(paid, Answer::Accepted { .. }), "{paid:?}");
    ledger
        .tamper(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2500) \
             INSERT INTO attempts SELECT randomblob(16), randomblob(32), 'accepted', n FROM n; \
             WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000) \
             INSERT INTO events SELECT 10 + n / 7, 1 + n % 7, randomblob(32), randomblob(32), 'settled', \
             randomblob(20), n, randomblob(24) FROM n; \
             INSERT INTO incident VALUES (1, 14, 15, 1600)",
        )
        .await;
    (ledger.stop().await, file)
}

/// An empty schema, which has the name of the folder.
async fn target_of(folder: &TempDir) -> PostgresUrl {
    match database_of(folder).await {
        Database::Postgres(url) => url,
        Database::Sqlite(_) => panic!("these run on PostgreSQL"),
    }
}

async fn in_schema(folder: &TempDir) -> PgConnection {
    let mut connection = PgConnection::connect(&std::env::var(POSTGRES).unwrap()).await.unwrap();
    let schema = format!("SET search_path = {}", schema_of(folder));
    sqlx::raw_sql(AssertSqlSafe(schema)).execute(&mut connection).await.unwrap();
    connection
}

async fn do_move(file: &Path, to: &PostgresUrl, order: MoveOrder) -> Result<Moved, MoveError> {
    move_ledger(file, to, Risks::default(), order, |_| {}).await
}

async fn sqlite(file: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(file).connect().await.unwrap()
}

async fn change(file: &Path, sql: &'static str) {
    let mut connection = sqlite(file).await;
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// The columns of each table of the ledger, by name.
async fn columns(file: &mut SqliteConnection) -> Vec<(String, Vec<String>)> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT tables.name, columns.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns \
         WHERE tables.type = 'table' AND tables.name NOT IN ('_sqlx_migrations', 'moved') ORDER BY tables.rowid",
    )
    .fetch_all(file)
    .await
    .unwrap();
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    for (table, column) in rows {
        match tables.last_mut() {
            Some((last, columns)) if *last == table => columns.push(column),
            _ => tables.push((table, vec![column])),
        }
    }
    tables
}

/// All that is in a table, as text, in some order that is the same for both databases.
async fn in_file(file: &mut SqliteConnection, table: &str, columns: &[String]) -> Vec<Vec<String>> {
    let text = |column: &String| {
        format!(
            "CASE typeof({column}) WHEN 'blob' THEN 'x' || lower(hex({column})) \
             ELSE coalesce(CAST({column} AS TEXT), 'NULL') END"
        )
    };
    let sql = format!("SELECT {} FROM {table}", columns.iter().map(text).collect::<Vec<_>>().join(", "));
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(file).await.unwrap();
    sorted(rows.iter().map(|row| (0..columns.len()).map(|at| row.get(at)).collect()))
}

async fn in_postgres(schema: &mut PgConnection, table: &str, columns: &[String]) -> Vec<Vec<String>> {
    let text = |column: &String| format!("coalesce(replace(CAST({column} AS TEXT), '\\x', 'x'), 'NULL')");
    let sql = format!("SELECT {} FROM {table}", columns.iter().map(text).collect::<Vec<_>>().join(", "));
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(schema).await.unwrap();
    sorted(rows.iter().map(|row| (0..columns.len()).map(|at| row.get(at)).collect()))
}

fn sorted(rows: impl Iterator<Item = Vec<String>>) -> Vec<Vec<String>> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_with_rows_in_every_table_moves_as_it_is_and_sells_on() {
    let (folder, file) = file_with_everything().await;
    let to = target_of(&folder).await;
    let mut before = sqlite(&file).await;
    let tables = columns(&mut before).await;
    assert!(tables.len() >= 12, "{tables:?}");
    let mut rows = 0;
    for (table, columns) in &tables {
        let found = in_file(&mut before, table, columns).await.len();
        assert!(found > 0, "{table} has no row to move");
        rows += found as u64;
    }
    before.close().await.unwrap();

    let tried = do_move(&file, &to, MoveOrder::Try).await.unwrap();
    assert_eq!(tried, Moved::Tried(rows));
    let moved = do_move(&file, &to, MoveOrder::Move).await.unwrap();
    assert_eq!(moved, Moved::Moved(rows));

    let (mut file, mut schema) = (sqlite(&file).await, in_schema(&folder).await);
    for (table, columns) in &tables {
        let found = in_postgres(&mut schema, table, columns).await;
        assert_eq!(found, in_file(&mut file, table, columns).await, "{table}");
    }

    let ledger = Ledger::at(folder, Database::Postgres(to), scope()).await;
    let bound = ledger.store.bound().unwrap();
    assert_eq!(bound.ledger.id, "0123456789abcdef0123456789abcdef");
    assert_eq!(bound.ledger.generation, 2, "a move starts no generation");
    // A message that comes again is answered as before, and the next payment goes on from the balance.
    for attempt in [attempt(8, 20, 130), attempt(9, 20, 150)] {
        let paid = ledger.commit(attempt).await;
        assert!(matches!(paid, Answer::Accepted { .. }), "{paid:?}");
    }
    let row = ledger.store.channel(channel()).await.unwrap().unwrap();
    assert_eq!((row.balance, row.held_generation), (tokens(150), None));
    let other = ChannelKey { open_block: BlockNumber(11), ..channel() };
    let row = ledger.store.channel(other).await.unwrap().unwrap();
    assert_eq!(
        (row.closing_balance, row.held_generation),
        (Some(tokens(20)), Some(2)),
        "what was held stays so"
    );
    let next: i64 = sqlx::query_scalar(
        "INSERT INTO intents (purpose, sender, open_block, balance, signature, epoch, created_at) \
         VALUES ('withdraw', '\\x01', 1, '\\x', '\\x', 1, 1) RETURNING id",
    )
    .fetch_one(&mut schema)
    .await
    .unwrap();
    assert_eq!(next, 2, "new rows take numbers behind those that came");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_moved_is_used_by_nobody_but_as_a_backup() {
    let (folder, file) = file_with_everything().await;
    let to = target_of(&folder).await;
    do_move(&file, &to, MoveOrder::Move).await.unwrap();
    let database = Database::Sqlite(file.clone());
    let health = std::sync::Arc::new(uraiden_sidecar::health::HealthBoard::new(std::time::Duration::MAX));
    let mut refusals = vec![
        store::Store::open(&database, scope(), Risks::default(), health).await.err().unwrap().to_string(),
        store::renew(&database).await.unwrap_err().to_string(),
        store::export(&database, &mut Vec::new(), |_, _| {}).await.unwrap_err().to_string(),
        store::copy(&file, &folder.path().join("backup.db")).await.unwrap_err().to_string(),
        do_move(&file, &to, MoveOrder::Cancel).await.unwrap_err().to_string(),
        do_move(&file, &to, MoveOrder::Move).await.unwrap_err().to_string(),
    ];
    let imported = store::import(&database, &b""[..], store::Mode::Order, |_, _| {}).await;
    refusals.push(imported.unwrap_err().to_string());
    for refusal in refusals {
        assert!(refusal.contains("was moved to postgres://") && refusal.contains("--database"), "{refusal}");
        assert!(!refusal.contains('@') && !refusal.contains("search_path"), "{refusal}");
    }

    let again = TempDir::new().unwrap();
    store::restore(&file, &again.path().join("u.db")).await.unwrap();
    let restored = Database::Sqlite(again.path().join("u.db"));
    let restored = Ledger::at(again, restored, scope()).await;
    let row = restored.store.channel(channel()).await.unwrap().unwrap();
    assert_eq!((row.balance, row.held_generation), (tokens(130), Some(3)), "as any copy is");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_ledger_of_today_is_not_moved() {
    let (folder, file) = file_with_everything().await;
    let to = target_of(&folder).await;
    let path = |name: &str| folder.path().join(name);
    let refused = async |file: &Path| do_move(file, &to, MoveOrder::Move).await.unwrap_err();

    assert!(matches!(refused(&path("missing")).await, MoveError::Empty(_)));
    assert!(!path("missing").exists() && !path("missing.lock").exists());
    std::fs::write(path("text"), "no database".repeat(1000)).unwrap();
    std::fs::set_permissions(path("text"), PermissionsExt::from_mode(0o600)).unwrap();
    let error = refused(&path("text")).await;
    assert!(matches!(error, MoveError::Open(OpenError::Sqlite { .. })), "{error}");
    let mut foreign = SqliteConnectOptions::new().filename(path("foreign")).create_if_missing(true);
    foreign = foreign.journal_mode(sqlx::sqlite::SqliteJournalMode::Delete);
    let mut foreign = foreign.connect().await.unwrap();
    sqlx::raw_sql("CREATE TABLE ledger (a)").execute(&mut foreign).await.unwrap();
    foreign.close().await.unwrap();
    std::fs::set_permissions(path("foreign"), PermissionsExt::from_mode(0o600)).unwrap();
    assert!(matches!(refused(&path("foreign")).await, MoveError::Foreign(_)));

    let other = TempDir::new().unwrap();
    let unbound = other.path().join("u.db");
    let ledger = Ledger::at(other, Database::Sqlite(unbound.clone()), scope()).await;
    let error = refused(&unbound).await;
    assert!(matches!(error, MoveError::Open(OpenError::InUse { .. })), "{error}");
    let _folder = ledger.stop().await;
    assert!(matches!(refused(&unbound).await, MoveError::Empty(_)));

    change(&file, "UPDATE ledger SET copied_at = 1").await;
    assert!(matches!(refused(&file).await, MoveError::Copy(_)));
    change(
        &file,
        "UPDATE ledger SET copied_at = NULL; \
         INSERT INTO _sqlx_migrations VALUES (99, 'later', CURRENT_TIMESTAMP, 1, x'00', 0)",
    )
    .await;
    let error = refused(&file).await;
    assert!(matches!(error, MoveError::Open(OpenError::TooNew { version: 99, .. })), "{error}");
    change(&file, "DELETE FROM _sqlx_migrations WHERE version = 99").await;
    do_move(&file, &to, MoveOrder::Move).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_with_a_row_in_it_takes_no_ledger() {
    let (folder, file) = file_with_everything().await;
    let to = target_of(&folder).await;
    do_move(&file, &to, MoveOrder::Try).await.unwrap();
    let mut schema = in_schema(&folder).await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT CAST(table_name AS TEXT) FROM information_schema.tables \
         WHERE table_schema = $1 AND table_name <> 'uraiden_tables'",
    )
    .bind(schema_of(&folder))
    .fetch_all(&mut schema)
    .await
    .unwrap();
    assert!(tables.len() >= 15, "{tables:?}");
    for table in tables {
        // One row of zeros, whatever its columns are.
        let columns: Vec<(String, String)> = sqlx::query_as(
            "SELECT CAST(column_name AS TEXT), CAST(data_type AS TEXT) FROM information_schema.columns \
             WHERE table_schema = $1 AND table_name = $2",
        )
        .bind(schema_of(&folder))
        .bind(&table)
        .fetch_all(&mut schema)
        .await
        .unwrap();
        let values: Vec<_> = columns.iter().map(|(name, kind)| zero(name, kind)).collect();
        let fill = match table.as_str() {
            "lease" => "UPDATE lease SET epoch = 1".to_owned(),
            "transactions" => format!(
                "ALTER TABLE transactions DROP CONSTRAINT transactions_intent_fkey; \
                 INSERT INTO transactions VALUES ({})",
                values.join(", ")
            ),
            _ => format!("INSERT INTO {table} VALUES ({})", values.join(", ")),
        };
        sqlx::raw_sql(AssertSqlSafe(fill)).execute(&mut schema).await.unwrap();
        match do_move(&file, &to, MoveOrder::Move).await {
            Err(MoveError::NotEmpty { table: found, .. }) => assert_eq!(found, table),
            other => panic!("{table}: {other:?}"),
        }
        let clear = match table.as_str() {
            "lease" => "UPDATE lease SET epoch = 0".to_owned(),
            _ => format!("DELETE FROM {table}"),
        };
        sqlx::raw_sql(AssertSqlSafe(clear)).execute(&mut schema).await.unwrap();
    }
    do_move(&file, &to, MoveOrder::Move).await.unwrap();
}

/// Something that a column takes.
fn zero(name: &str, kind: &str) -> &'static str {
    match (name, kind) {
        ("one", _) => "1",
        ("kind", _) => "'opened'",
        ("chain_state", _) => "'open'",
        ("outcome", _) => "'kept'",
        ("purpose", _) => "'close'",
        (_, "bytea") => "'\\x00'",
        (_, "text") => "'x'",
        _ => "0",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_value_that_arrives_changed_is_found() {
    let (folder, file) = file_with_everything().await;
    let to = target_of(&folder).await;
    do_move(&file, &to, MoveOrder::Try).await.unwrap();
    let mut schema = in_schema(&folder).await;
    let mut connection = sqlite(&file).await;
    let tables = columns(&mut connection).await;
    connection.close().await.unwrap();
    let mut found = 0;
    for (table, columns) in tables {
        for column in columns {
            // What the tables themselves would refuse.
            if column == "one"
                || matches!((&*table, &*column), ("intents", "id") | ("transactions", "intent"))
            {
                continue;
            }
            let kind: String = sqlx::query_scalar(
                "SELECT CAST(data_type AS TEXT) FROM information_schema.columns \
                 WHERE table_schema = $1 AND table_name = $2 AND column_name = $3",
            )
            .bind(schema_of(&folder))
            .bind(&table)
            .bind(&column)
            .fetch_one(&mut schema)
            .await
            .unwrap();
            let other = match (column.as_str(), kind.as_str()) {
                ("kind", _) => "'withdrawn'".to_owned(),
                ("chain_state", _) => "'absent'".to_owned(),
                ("outcome", _) => "'taken_back'".to_owned(),
                ("purpose", _) => "'withdraw'".to_owned(),
                (_, "text") => "'x'".to_owned(),
                (column, "bytea") => format!("coalesce(NEW.{column}, '') || '\\x00'"),
                (column, _) => format!("coalesce(NEW.{column}, 0) + 1000000"),
            };
            let trigger = format!(
                "CREATE FUNCTION disturb() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN NEW.{column} := {other}; RETURN NEW; END $$; \
                 CREATE TRIGGER disturb BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION disturb()"
            );
            sqlx::raw_sql(AssertSqlSafe(trigger)).execute(&mut schema).await.unwrap();
            match do_move(&file, &to, MoveOrder::Move).await {
                Err(MoveError::Differs(difference)) => {
                    assert_eq!((&difference.table, &difference.column), (&table, &column), "{difference}");
                }
                other => panic!("{table}.{column}: {other:?}"),
            }
            sqlx::raw_sql("DROP FUNCTION disturb() CASCADE").execute(&mut schema).await.unwrap();
            found += 1;
        }
    }
    assert!(found > 60, "{found}");
    let lose = "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN IF NEW.at = 2500 THEN RETURN NULL; END IF; RETURN NEW; END $$; \
         CREATE TRIGGER lose BEFORE INSERT ON attempts FOR EACH ROW EXECUTE FUNCTION lose()";
    sqlx::raw_sql(lose).execute(&mut schema).await.unwrap();
    let error = do_move(&file, &to, MoveOrder::Move).await.unwrap_err();
    assert!(matches!(error, MoveError::Differs(_)), "{error}");
    sqlx::raw_sql("DROP FUNCTION lose() CASCADE").execute(&mut schema).await.unwrap();
    do_move(&file, &to, MoveOrder::Move).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_was_interrupted_is_finished_begun_anew_or_cancelled() {
    const INTERRUPT: &str = "UPDATE moved SET arrived = 0";
    let (folder, file) = file_with_everything().await;
    let to = target_of(&folder).await;
    let not_moving = do_move(&file, &to, MoveOrder::Cancel).await.unwrap_err();
    assert!(matches!(not_moving, MoveError::NotMoving(_)), "{not_moving}");
    do_move(&file, &to, MoveOrder::Move).await.unwrap();

    // After the commit: all is there, whatever is asked for.
    for order in [MoveOrder::Move, MoveOrder::Cancel] {
        change(&file, INTERRUPT).await;
        assert_eq!(do_move(&file, &to, order).await.unwrap(), Moved::Finished);
        let error = do_move(&file, &to, MoveOrder::Move).await.unwrap_err();
        assert!(matches!(error, MoveError::Open(OpenError::Moved { .. })), "{error}");
    }

    // Before it: nothing is there, and only the place where it went can say so.
    change(&file, INTERRUPT).await;
    let elsewhere = TempDir::new().unwrap();
    let error = do_move(&file, &target_of(&elsewhere).await, MoveOrder::Move).await.unwrap_err();
    assert!(matches!(error, MoveError::Elsewhere { .. }), "{error}");
    let mut schema = in_schema(&folder).await;
    let drop_all = format!("DROP SCHEMA {0} CASCADE; CREATE SCHEMA {0}", schema_of(&folder));
    sqlx::raw_sql(AssertSqlSafe(drop_all)).execute(&mut schema).await.unwrap();
    let error = do_move(&file, &to, MoveOrder::Try).await.unwrap_err();
    assert!(matches!(error, MoveError::Open(OpenError::Moving { .. })), "{error}");
    assert_eq!(do_move(&file, &to, MoveOrder::Cancel).await.unwrap(), Moved::Cancelled);
    let ledger = Ledger::at(folder, Database::Sqlite(file.clone()), scope()).await;
    let paid = ledger.commit(attempt(9, 20, 150)).await;
    assert!(matches!(paid, Answer::Accepted { .. }), "{paid:?}");
    let folder = ledger.stop().await;

    change(&file, "INSERT INTO moved VALUES (1, 'lost', 'postgres://elsewhere', 'public', 1, 0)").await;
    let error = do_move(&file, &to, MoveOrder::Move).await.unwrap_err();
    assert!(matches!(error, MoveError::Elsewhere { .. }), "{error}");
    let here = format!("UPDATE moved SET target = '{to}', schema = '{}'", schema_of(&folder));
    let mut connection = sqlite(&file).await;
    sqlx::raw_sql(AssertSqlSafe(here)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let mut seen = Vec::new();
    let moved = move_ledger(&file, &to, Risks::default(), MoveOrder::Move, |going| seen.push(going)).await;
    assert!(matches!(moved, Ok(Moved::Moved(_))), "{moved:?}");
    assert_eq!(seen.first(), Some(&store::Going::Anew));
}

/// As when the disk is full just then.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_told_of_its_move_is_told_by_the_next_try() {
    let (folder, file) = file_with_everything().await;
    let to = target_of(&folder).await;
    change(&file, "CREATE TRIGGER full BEFORE UPDATE ON moved BEGIN SELECT RAISE(FAIL, 'full'); END").await;
    let error = do_move(&file, &to, MoveOrder::Move).await.unwrap_err();
    assert!(matches!(error, MoveError::Unmarked { .. }), "{error}");
    let told = error.to_string();
    assert!(told.contains("has arrived in postgres://") && !told.contains("nothing was moved"), "{told}");
    change(&file, "DROP TRIGGER full").await;
    assert_eq!(do_move(&file, &to, MoveOrder::Move).await.unwrap(), Moved::Finished);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_word_is_not_good_enough_takes_no_ledger() {
    let (folder, file) = file_with_everything().await;
    target_of(&folder).await;
    let fragile: PostgresUrl = fragile_url(&folder).parse().unwrap();
    let error = do_move(&file, &fragile, MoveOrder::Move).await.unwrap_err();
    assert!(matches!(error, MoveError::Open(OpenError::Fragile { .. })), "{error}");
    let risks = Risks { losing_commits: true, ..Risks::default() };
    move_ledger(&file, &fragile, risks, MoveOrder::Move, |_| {}).await.unwrap();
}
