//! Whoever changes the tables behind the store's back is found: each bit, each row, and an older state put back.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use plimsoll_store::{DifferenceKind, backup, replay_at, restore, verify_at};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use world::{Place, both, day, open, populate, register, signer};

async fn connect(url: &str) -> DatabaseConnection {
    let url = if url.contains("://") { url.to_owned() } else { format!("sqlite://{url}") };
    Database::connect(url).await.expect("connected")
}

async fn run(on: &DatabaseConnection, sql: &str) -> u64 {
    on.execute_unprepared(sql).await.expect(sql).rows_affected()
}

async fn tampering(url: &str, kept: Vec<Vec<u8>>) -> Vec<String> {
    match verify_at(url, &signer().verifier(), kept, |_| {}).await {
        Ok(report) => report.tampering.iter().map(|one| format!("{one:?}")).collect(),
        Err(error) => vec![format!("{error:?}")],
    }
}

/// The blobs of a table, by row.
async fn blobs(on: &DatabaseConnection, table: &str, column: &str) -> Vec<(i64, Vec<u8>)> {
    let key = if table == "ledger_tiles" { "level * 1000 + place" } else { "first" };
    let sql = format!("SELECT {key}, {column} FROM {table}");
    let rows = on.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.expect("read");
    let read = |row: &sea_orm::QueryResult| {
        (row.try_get_by_index::<i64>(0).expect("a key"), row.try_get_by_index::<Vec<u8>>(1).expect("bytes"))
    };
    rows.iter().map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bit_that_is_flipped_in_a_small_ledger_is_found() {
    let place = Place::sqlite().expect("a place");
    let store = open(&place.url).await;
    for number in 0..3 {
        register(&store, &format!("host-{number}"), day(number)).await.expect("registered");
    }
    drop(store);
    let on = connect(&place.url).await;
    assert_eq!(tampering(&place.url, Vec::new()).await, Vec::<String>::new());
    let mut flipped = 0;
    for (table, column) in [("ledger_batches", "entries"), ("ledger_tiles", "hashes")] {
        let key = if table == "ledger_tiles" { "level * 1000 + place" } else { "first" };
        for (row, bytes) in blobs(&on, table, column).await {
            let write = async |bytes: &[u8]| {
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                run(&on, &format!("UPDATE {table} SET {column} = x'{hex}' WHERE {key} = {row}")).await;
            };
            for bit in 0..bytes.len() * 8 {
                let mut changed = bytes.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                write(&changed).await;
                assert_ne!(tampering(&place.url, Vec::new()).await, Vec::<String>::new(), "{table} {row} bit {bit}");
                flipped += 1;
            }
            write(&bytes).await;
        }
    }
    assert!(flipped > 4000, "{flipped}");
    assert_eq!(tampering(&place.url, Vec::new()).await, Vec::<String>::new());
}

both! {
    async fn rows_that_are_removed_swapped_or_added_are_found(place) {
        let store = open(&place.url).await;
        populate(&store).await;
        drop(store);
        let mut backed_up = Vec::new();
        backup(&place.url, &mut backed_up, |_| {}).await.expect("backed up");
        for sql in [
            "DELETE FROM ledger_batches WHERE first = 4",
            "DELETE FROM ledger_batches WHERE first >= 8",
            "UPDATE ledger_batches SET entries = (SELECT other.entries FROM ledger_batches other WHERE other.first = 5) WHERE first = 4",
            "UPDATE ledger_batches SET first = first + 500 WHERE first = 3",
            "DELETE FROM ledger_tiles",
            "INSERT INTO ledger_batches (first, count, entries) SELECT 900, count, entries FROM ledger_batches WHERE first = 2",
        ] {
            let other = match place.url.contains("://") { true => Place::postgres(), false => Place::sqlite() };
            let other = other.expect("a place");
            let key = signer().verifier();
            restore(&other.url, backed_up.as_slice(), &key, |_| {}).await.expect("restored");
            let changed = connect(&other.url).await;
            assert!(run(&changed, sql).await > 0);
            assert_ne!(tampering(&other.url, Vec::new()).await, Vec::<String>::new(), "{sql}");
        }
    }

    async fn a_row_that_does_not_follow_from_the_ledger_is_found_in_every_table(place) {
        let store = open(&place.url).await;
        populate(&store).await;
        drop(store);
        let on = connect(&place.url).await;
        for (sql, kind) in [
            ("UPDATE assets SET body = '{}' WHERE id = 'web-1'", DifferenceKind::Changed),
            ("DELETE FROM people WHERE id = 'boss'", DifferenceKind::Missing),
            ("INSERT INTO tokens (id, entry, body) VALUES ('t', 1, '{}')", DifferenceKind::Foreign),
            ("UPDATE in_force SET entry = 0 WHERE id = 'policy'", DifferenceKind::Changed),
            ("DELETE FROM facts WHERE number = 9", DifferenceKind::Missing),
            ("INSERT INTO feeds (id, entry, body) VALUES ('f', 1, '{}')", DifferenceKind::Foreign),
            ("INSERT INTO decisions (id, entry, body) VALUES ('d', 1, '{}')", DifferenceKind::Foreign),
        ] {
            assert_eq!(run(&on, sql).await, 1, "{sql}");
            let found = replay_at(&place.url, |_| {}).await.expect("replayed").differences;
            assert!(found.iter().any(|one| one.kind == kind && sql.contains(one.table)), "{sql}: {found:?}");
        }
    }

    async fn an_older_state_that_is_put_back_is_found_by_a_kept_checkpoint(place) {
        let store = open(&place.url).await;
        populate(&store).await;
        let mut old = Vec::new();
        backup(&place.url, &mut old, |_| {}).await.expect("backed up");
        register(&store, "later", day(30)).await.expect("registered");
        let kept = store.checkpoint().await.expect("a checkpoint").into_bytes();
        let other = match place.url.contains("://") { true => Place::postgres(), false => Place::sqlite() };
        let other = other.expect("a place");
        restore(&other.url, old.as_slice(), &signer().verifier(), |_| {}).await.expect("restored");
        assert_eq!(tampering(&other.url, Vec::new()).await, Vec::<String>::new(), "by itself it is whole");
        let found = tampering(&other.url, vec![kept.clone()]).await;
        assert!(found.iter().any(|one| one.contains("RolledBack")), "{found:?}");
        // Another history of the same length.
        let branch = open(&other.url).await;
        register(&branch, "another", day(30)).await.expect("registered");
        let found = tampering(&other.url, vec![kept]).await;
        assert!(found.iter().any(|one| one.contains("Forked")), "{found:?}");
    }

    async fn a_backup_that_is_cut_or_changed_is_refused(place) {
        let store = open(&place.url).await;
        populate(&store).await;
        let mut whole = Vec::new();
        backup(&place.url, &mut whole, |_| {}).await.expect("backed up");
        let empty = match place.url.contains("://") { true => Place::postgres(), false => Place::sqlite() };
        let empty = empty.expect("a place");
        let key = signer().verifier();
        for cut in (0..whole.len()).step_by(97) {
            assert!(restore(&empty.url, &whole[..cut], &key, |_| {}).await.is_err(), "cut at {cut}");
        }
        for at in (0..whole.len()).step_by(61) {
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            assert!(restore(&empty.url, changed.as_slice(), &key, |_| {}).await.is_err(), "changed at {at}");
        }
        let restored = restore(&empty.url, whole.as_slice(), &key, |_| {}).await.expect("restored");
        assert_eq!((restored.report.expect("verified").tampering.len(), restored.replayed.differences.len()), (0, 0));
    }
}
