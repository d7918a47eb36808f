//! The ledger in its tables: appending to it, and reading it as tiles and bundles.

use crate::database::{self, Database};
use crate::error::Error;
use crate::tables::{BATCHES, Cell, HEAD, Row, TILES};
use ledger::{
    Checkpoint, FULL_WIDTH, Frontier, Hash, HashTiles, Hashes, Note, Signer, Tampering, Tile, Verifier, changed_tiles,
    encode_bundle,
};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func};
use std::collections::HashMap;

/// The right edge of the ledger, as it was last seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    frontier: Frontier,
    /// By level of tiles: the hashes of the last tile, fewer than 256.
    tails: Vec<Vec<Hash>>,
    /// The checkpoint's text; empty before the first entry.
    pub(crate) checkpoint: String,
}

impl Log {
    /// How many entries there are.
    pub(crate) fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Reads the edge of the ledger at a size that it has.
    pub(crate) async fn load(on: &impl ConnectionTrait) -> Result<Self, Error> {
        let (size, checkpoint) = head(on).await?;
        let mut last = HashMap::new();
        let mut tails = Vec::new();
        for level in 0..=u8::MAX {
            let count = size.checked_shr(u32::from(level) * 8).unwrap_or(0);
            if count == 0 {
                break;
            }
            let (place, width) = (count / FULL_WIDTH, count % FULL_WIDTH);
            let tail = if width == 0 { Vec::new() } else { tile(on, level, place, width as u16).await? };
            last.insert((level, place), tail.clone());
            tails.push(tail);
        }
        let read = |tile: &Tile| {
            let hashes = last
                .get(&(tile.level, tile.index))
                .ok_or_else(|| ledger::Error::Tile { path: tile.path(), what: "it is not at the edge".to_owned() })?;
            Ok(hashes.iter().flat_map(|hash| hash.0).collect())
        };
        let frontier = Frontier::load(size, &mut HashTiles::new(size, read))?;
        let log = Self { frontier, tails, checkpoint };
        log.check()?;
        Ok(log)
    }

    /// Says no if the edge does not lead to what was signed.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.size() == 0 {
            return Ok(());
        }
        let signed = Checkpoint::parse(&Note::parse(self.checkpoint.as_bytes())?.text)?;
        match signed.size == self.size() && signed.root == self.frontier.root() {
            true => Ok(()),
            false => Err(Error::Damaged {
                place: "the ledger".to_owned(),
                what: "its edge does not lead to the root that was signed: see `ledger verify`".to_owned(),
            }),
        }
    }

    /// Takes entries in that another writer appended.
    pub(crate) fn follow(&mut self, entries: &[Vec<u8>]) {
        entries.iter().for_each(|entry| self.append(entry));
    }

    fn append(&mut self, entry: &[u8]) {
        let tails = &mut self.tails;
        self.frontier.append(Hash::leaf(entry), |level, _, hash| {
            if level % 8 != 0 {
                return;
            }
            let level = usize::from(level / 8);
            if tails.len() <= level {
                tails.resize(level + 1, Vec::new());
            }
            if tails[level].len() as u64 == FULL_WIDTH {
                tails[level].clear();
            }
            tails[level].push(hash);
        });
    }

    /// Appends entries: the rows that must be written for it, and the new head.
    pub(crate) fn extend(&mut self, entries: &[Vec<u8>], signer: &Signer) -> Result<Appended, Error> {
        let old = self.size();
        let mut tiles: HashMap<(u8, u64), Vec<u8>> = HashMap::new();
        for entry in entries {
            self.append(entry);
            // A full tile is noted before the next hash begins a new one.
            let size = self.size();
            if size.is_multiple_of(FULL_WIDTH) {
                self.note_tiles(size - FULL_WIDTH, size, &mut tiles);
            }
        }
        let new = self.size();
        self.note_tiles(new - new % FULL_WIDTH, new, &mut tiles);
        let mut tiles: Vec<Row> = tiles
            .into_iter()
            .map(|((level, place), hashes)| vec![u64::from(level).into(), place.into(), Cell::Bytes(hashes)])
            .collect();
        tiles.sort();
        let checkpoint = Checkpoint {
            origin: signer.verifier().name,
            size: new,
            root: self.frontier.root(),
            extensions: Vec::new(),
        };
        self.checkpoint = Note::sign(&checkpoint.to_string(), &[signer])?.to_string();
        let head = vec![1_u64.into(), new.into(), Cell::from(self.checkpoint.as_str())];
        Ok(Appended { batches: batches(old, entries)?, tiles, head })
    }

    /// Notes the tiles that changed between two sizes no more than a tile apart.
    fn note_tiles(&self, old: u64, new: u64, tiles: &mut HashMap<(u8, u64), Vec<u8>>) {
        for tile in changed_tiles(old, new) {
            let hashes = &self.tails[usize::from(tile.level)];
            if hashes.len() == usize::from(tile.width) {
                tiles.insert((tile.level, tile.index), hashes.iter().flat_map(|hash| hash.0).collect());
            }
        }
    }

    /// Whether a key signs this ledger now.
    pub(crate) fn is_signed_by(&self, key: &Verifier) -> Result<bool, Error> {
        if self.size() == 0 {
            return Ok(true);
        }
        let note = Note::parse(self.checkpoint.as_bytes())?;
        Ok(note.verify(std::slice::from_ref(key)).is_ok())
    }
}

/// What appending comes to.
pub(crate) struct Appended {
    pub(crate) batches: Vec<Row>,
    pub(crate) tiles: Vec<Row>,
    pub(crate) head: Row,
}

fn batches(old: u64, entries: &[Vec<u8>]) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    let mut rest = entries;
    let mut first = old;
    while !rest.is_empty() {
        let room = (FULL_WIDTH - first % FULL_WIDTH) as usize;
        let (part, tail) = rest.split_at(room.min(rest.len()));
        let bytes = encode_bundle(part.iter().map(Vec::as_slice))?;
        rows.push(vec![first.into(), (part.len() as u64).into(), Cell::Bytes(bytes)]);
        first += part.len() as u64;
        rest = tail;
    }
    Ok(rows)
}

/// The size and the checkpoint that stand at the head.
pub(crate) async fn head(on: &impl ConnectionTrait) -> Result<(u64, String), Error> {
    let rows = database::range(on, &HEAD, (1, 2)).await?;
    let damaged = || Error::Damaged { place: "table `ledger_head`".to_owned(), what: "its row is gone".to_owned() };
    let row = rows.first().ok_or_else(damaged)?;
    Ok((row[1].number(), row[2].text().to_owned()))
}

/// The hashes of a tile; rows may be wider than what is asked for.
async fn tile(on: &impl ConnectionTrait, level: u8, place: u64, width: u16) -> Result<Vec<Hash>, Error> {
    let tile = Tile { level, index: place, width };
    let bytes = tile_bytes(on, &tile).await?;
    let missing = || ledger::Error::Tile { path: tile.path(), what: "it is not there".to_owned() };
    Ok(tile.decode(&bytes.ok_or_else(missing)?)?)
}

/// What is made of the hashes of a ledger of `size` entries.
///
/// Which tiles are wanted, a dry run tells: each that is missing is fetched, and it is made again.
pub(crate) async fn from_hashes<T>(
    on: &impl ConnectionTrait,
    size: u64,
    make: impl Fn(&mut dyn Hashes) -> Result<T, ledger::Error>,
) -> Result<T, Error> {
    let mut known: HashMap<Tile, Vec<u8>> = HashMap::new();
    loop {
        let mut wanted: Option<Tile> = None;
        let read = |tile: &Tile| {
            known.get(tile).cloned().ok_or_else(|| {
                wanted = Some(*tile);
                ledger::Error::Tile { path: tile.path(), what: "it is not there".to_owned() }
            })
        };
        let made = make(&mut HashTiles::new(size, read));
        match (made, wanted) {
            (Ok(made), _) => return Ok(made),
            (Err(error), None) => return Err(error.into()),
            (Err(error), Some(tile)) => {
                let bytes = tile_bytes(on, &tile).await?;
                known.insert(tile, bytes.ok_or(error)?);
            }
        }
    }
}

/// The root of the first `size` entries.
pub(crate) async fn root(on: &impl ConnectionTrait, size: u64) -> Result<Hash, Error> {
    from_hashes(on, size, |hashes| ledger::root(size, hashes)).await
}

/// The bytes of a tile, as far as it is asked for.
pub(crate) async fn tile_bytes(on: &impl ConnectionTrait, tile: &Tile) -> Result<Option<Vec<u8>>, Error> {
    let mut statement = database::select(&TILES);
    let place = i64::try_from(tile.index).unwrap_or(i64::MAX);
    statement.and_where(Expr::col(Alias::new("level")).eq(i64::from(tile.level)));
    statement.and_where(Expr::col(Alias::new("place")).eq(place));
    let rows = database::rows(on, &TILES, &statement).await?;
    Ok(rows.first().map(|row| cut(row[2].bytes(), tile.width)))
}

/// A tile that has grown since holds what it held before.
fn cut(bytes: &[u8], width: u16) -> Vec<u8> {
    let wanted = usize::from(width) * Hash::BYTES;
    bytes[..wanted.min(bytes.len())].to_vec()
}

/// How many entries the tables can hold at the most, by their last row.
pub(crate) async fn end(on: &impl ConnectionTrait) -> Result<u64, Error> {
    let mut statement = sea_orm::sea_query::Query::select();
    statement.from(Alias::new(BATCHES.name));
    statement.columns(BATCHES.columns.iter().map(|(name, _)| Alias::new(*name)));
    statement.order_by(Alias::new("first"), sea_orm::sea_query::Order::Desc).limit(1);
    let rows = database::rows(on, &BATCHES, &statement).await?;
    Ok(rows.first().map_or(0, |row| row[0].number().saturating_add(FULL_WIDTH)))
}

/// Entries `from..until`, as they were written.
pub(crate) async fn entries(on: &impl ConnectionTrait, (from, until): (u64, u64)) -> Result<Vec<Vec<u8>>, Error> {
    // A row begins at the bundle's start at the earliest.
    let rows = database::range(on, &BATCHES, (from - from % FULL_WIDTH, until)).await?;
    let mut found = Vec::new();
    let mut next = from - from % FULL_WIDTH;
    for row in rows {
        for (number, entry) in (row[0].number()..).zip(split(&row)?) {
            if number != next {
                return Err(missing(next));
            }
            next += 1;
            if (from..until).contains(&number) {
                found.push(entry);
            }
        }
    }
    if next < until { Err(missing(next)) } else { Ok(found) }
}

/// Rows that belong to no ledger of this size: nobody reads them, and nobody wrote them.
pub(crate) async fn surplus(on: &impl ConnectionTrait, size: u64) -> Result<Vec<Tampering>, Error> {
    let mut found = Vec::new();
    let bound = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let column = |name: &'static str| Expr::col(Alias::new(name));
    let what = || "it belongs to nothing that was signed".to_owned();
    let mut statement = database::select(&BATCHES);
    statement.and_where(column("first").lt(0_i64).or(column("first").gte(bound(size))));
    for row in database::rows(on, &BATCHES, &statement).await? {
        found.push(Tampering::Bundle { path: format!("ledger_batches/{}", row[0].integer()), what: what() });
    }
    let mut foreign = column("level").lt(0_i64).or(column("place").lt(0_i64));
    let mut level = 0;
    while let Some(count @ 1..) = size.checked_shr(level * 8) {
        let of_level = column("level").eq(i64::from(level));
        let (place, width) = ((count - 1) / FULL_WIDTH, (count - 1) % FULL_WIDTH + 1);
        foreign = foreign.or(of_level.clone().and(column("place").gt(bound(place))));
        let is_longer =
            |hashes: u64| Expr::from(Func::cust("length").arg(column("hashes"))).gt(bound(hashes * Hash::BYTES as u64));
        foreign = foreign.or(of_level.clone().and(column("place").eq(bound(place))).and(is_longer(width)));
        foreign = foreign.or(of_level.and(is_longer(FULL_WIDTH)));
        level += 1;
    }
    let mut statement = database::select(&TILES);
    statement.and_where(foreign.or(column("level").gte(i64::from(level))));
    for row in database::rows(on, &TILES, &statement).await? {
        let path = format!("ledger_tiles/{}/{}", row[0].integer(), row[1].integer());
        found.push(Tampering::Tile { path, what: what() });
    }
    Ok(found)
}

fn missing(number: u64) -> Error {
    Error::Damaged { place: "the ledger".to_owned(), what: format!("entry {number} is not there") }
}

fn split(row: &Row) -> Result<Vec<Vec<u8>>, Error> {
    let (first, count) = (row[0].number(), row[1].number());
    let width = u16::try_from(count).unwrap_or(u16::MAX);
    let tile = Tile { level: 0, index: first / FULL_WIDTH, width };
    Ok(ledger::decode_bundle(&tile, row[2].bytes())?.into_iter().map(<[u8]>::to_vec).collect())
}

/// The ledger's tables as the files that verification reads: some hundred at a time are fetched ahead.
pub(crate) struct Tiles {
    database: Database,
    runtime: tokio::runtime::Handle,
    bundles: HashMap<u64, Vec<Row>>,
    leaves: HashMap<u64, Vec<u8>>,
    /// Which bundles are at hand.
    ahead: std::ops::Range<u64>,
}

impl Tiles {
    /// To be used outside of the runtime's own threads.
    pub(crate) fn new(database: Database, runtime: tokio::runtime::Handle) -> Self {
        Self { database, runtime, bundles: HashMap::new(), leaves: HashMap::new(), ahead: 0..0 }
    }

    fn fetch(&mut self, index: u64) -> Result<(), ledger::Error> {
        const AHEAD: u64 = 128;
        if self.ahead.contains(&index) {
            return Ok(());
        }
        let until = index + AHEAD;
        let both = self.runtime.block_on(async {
            let readers = &self.database.readers;
            let batches = database::range(readers, &BATCHES, (index * FULL_WIDTH, until * FULL_WIDTH)).await?;
            let mut statement = database::select(&TILES);
            let place = || Expr::col(Alias::new("place"));
            statement.and_where(Expr::col(Alias::new("level")).eq(0_i64));
            statement.and_where(place().gte(index as i64)).and_where(place().lt(until as i64));
            Ok((batches, database::rows(readers, &TILES, &statement).await?))
        });
        let (batches, tiles) = both.map_err(storage("the ledger's tables"))?;
        self.bundles.clear();
        self.leaves.clear();
        for row in batches {
            self.bundles.entry(row[0].number() / FULL_WIDTH).or_default().push(row);
        }
        self.leaves = tiles.into_iter().map(|row| (row[1].number(), row[2].bytes().to_vec())).collect();
        self.ahead = index..until;
        Ok(())
    }
}

/// How many entries a row holds; none where the last is cut off.
fn count_entries(mut bytes: &[u8]) -> Option<u64> {
    let mut count = 0;
    while !bytes.is_empty() {
        let (length, behind) = bytes.split_first_chunk::<2>()?;
        bytes = behind.get(usize::from(u16::from_be_bytes(*length))..)?;
        count += 1;
    }
    Some(count)
}

fn storage(path: &str) -> impl FnOnce(Error) -> ledger::Error {
    let path = path.to_owned();
    move |error| ledger::Error::Storage { path, source: std::io::Error::other(error) }
}

impl ledger::Source for Tiles {
    fn tile(&mut self, tile: &Tile) -> Result<Option<Vec<u8>>, ledger::Error> {
        if tile.level == 0 {
            self.fetch(tile.index)?;
            return Ok(self.leaves.get(&tile.index).map(|bytes| cut(bytes, tile.width)));
        }
        let found = self.runtime.block_on(tile_bytes(&self.database.readers, tile));
        found.map_err(storage(&tile.path()))
    }

    fn bundle(&mut self, tile: &Tile) -> Result<Option<Vec<u8>>, ledger::Error> {
        self.fetch(tile.index)?;
        let Some(rows) = self.bundles.get(&tile.index) else { return Ok(None) };
        let mut bytes = Vec::new();
        let (mut next, end) = (tile.start(), tile.start() + u64::from(tile.width));
        // What was appended meanwhile stands behind the end.
        for row in rows.iter().take_while(|row| row[0].number() < end) {
            let (first, count) = (row[0].number(), row[1].number());
            if first != next || count == 0 || count_entries(row[2].bytes()) != Some(count) {
                next = u64::MAX;
                break;
            }
            bytes.extend_from_slice(row[2].bytes());
            next = first.saturating_add(count);
        }
        if next != end && !bytes.is_empty() {
            // What is missing, misplaced or too much shows as a bundle that ends too early.
            bytes.pop();
        }
        Ok(if bytes.is_empty() { None } else { Some(bytes) })
    }
}
