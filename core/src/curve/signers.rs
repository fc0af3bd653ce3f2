//! The signers that a worker has met, so that whoever signs again is checked faster.

use core::mem;

use super::comb::{Comb, Shape};
use super::equation::{Incomplete, holds_for_comb, holds_for_key};
use super::numbers::Numbers;
use super::point::Affine;
use super::{recover, table};
use crate::digest::Digest;
use crate::map::Map;
use crate::{Address, Signature};

/// What of the memory is for keys, as a divisor; the rest is for tables. So each signer that is remembered can have one, if
/// only the smallest.
const KEYS_PART: usize = 4;

/// What a signer without a table takes, with the index by address, in bytes.
const KEY_BYTES: usize = 256;

/// From which signature on a signer has a table. Making one costs as much as four checks without it.
const BUSY: u32 = 4;

/// How often a signer signs before a table that is smaller than it could be is made anew.
const PATIENCE: u32 = 64;

/// What of the memory for tables the largest ones may take, as a divisor: they are twice as large as the next for a
/// twentieth less time.
const LARGEST_PART: usize = 3;

/// How many signers one search for room looks at.
const LOOKS: usize = 8;

/// One in so many new signers takes the place of another who is not idle. If all did, more signers than there is room for
/// would drive out each other, and nobody would be known.
const ADMITTED: u64 = 8;

/// How many keys are shared, at most. The memory for them is Envoy's, and it never gives any back.
const SLOTS: u16 = 8192;

/// Public keys that several workers share. Each has a slot; a new one replaces what is there. What comes out is not
/// trusted, so it may be anything.
pub trait SharedKeys: Send {
    /// What was put there last.
    fn get(&self, slot: u16) -> Option<Vec<u8>>;
    /// Puts the coordinates of a key there.
    fn put(&self, slot: u16, key: &[u8; 64]);
}

/// The signers that were met, in bounded memory: the public key of each, and a table for those who sign often.
///
/// Tables are the larger, and checks the faster, the fewer busy signers there are. All of it is a cache: it changes
/// how long an answer takes, never the answer.
pub struct Signers {
    most_keys: usize,
    most_table_bytes: usize,
    table_bytes: usize,
    signers: Vec<Signer>,
    by_address: Map<Address, usize>,
    /// Where the next search for room begins.
    hand: usize,
    /// Good signatures so far.
    clock: u64,
    busy: Busy,
    counts: SignatureCounts,
    shared: Option<Box<dyn SharedKeys>>,
}

/// What was done so far, for statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignatureCounts {
    /// Signatures that were checked by their signer's table.
    pub by_table: u64,
    /// Signatures that were checked by a known key without a table.
    pub by_key: u64,
    /// Signatures of whom this worker did not know.
    pub first: u64,
    /// Tables that were dropped to make room.
    pub dropped_tables: u64,
    /// Keys that were forgotten to make room.
    pub forgotten_keys: u64,
}

struct Signer {
    address: Address,
    key: Affine,
    signatures: u32,
    /// The clock at the last good signature.
    last: u64,
    /// The span in which it was last counted as busy.
    counted: u64,
    table: Option<Comb>,
}

/// How many busy signers there are: those of this [span](Signers::span) or of the last one, whichever are more.
#[derive(Default)]
struct Busy {
    span: u64,
    now: usize,
    before: usize,
}

impl Signers {
    /// Room for signers in so many bytes. Makes the generator's table too, which takes another 640 KB once.
    pub fn new(memory: usize) -> Self {
        table::generator();
        let for_keys = memory / KEYS_PART;
        Self {
            most_keys: (for_keys / KEY_BYTES).max(1),
            most_table_bytes: memory - for_keys,
            table_bytes: 0,
            signers: Vec::new(),
            by_address: Map::default(),
            hand: 0,
            clock: 0,
            busy: Busy::default(),
            counts: SignatureCounts::default(),
            shared: None,
        }
    }

    /// Shares keys with other workers from now on.
    pub fn share(&mut self, keys: Box<dyn SharedKeys>) {
        self.shared = Some(keys);
    }

    /// Whether this address made the signature, exactly as `ecrecover` says in the contract.
    pub fn signed(&mut self, address: Address, signature: &Signature, digest: &Digest) -> bool {
        let slow = || signature.signer(digest) == Some(address);
        let Some(generator) = table::generator() else { return slow() };
        let Some(numbers) = signature.numbers(digest) else { return false };
        let Some(&at) = self.by_address.get(&address) else {
            self.counts.first += 1;
            return self.first(address, &numbers, generator).unwrap_or_else(|Incomplete| slow());
        };
        let Signer { key, table, .. } = &self.signers[at];
        let holds = match table {
            Some(table) => {
                self.counts.by_table += 1;
                holds_for_comb(&numbers, generator, table)
            }
            None => {
                self.counts.by_key += 1;
                holds_for_key(&numbers, generator, key)
            }
        };
        let holds = holds.unwrap_or_else(|Incomplete| slow());
        if holds {
            self.count(at);
        }
        holds
    }

    /// What was done so far.
    pub fn counts(&self) -> SignatureCounts {
        self.counts
    }

    /// Bytes that tables take now.
    pub fn table_bytes(&self) -> usize {
        self.table_bytes
    }

    /// The first signature of an address that this worker sees.
    fn first(&mut self, address: Address, numbers: &Numbers, generator: &Comb) -> Result<bool, Incomplete> {
        if let Some(key) = self.shared_key(address) {
            let holds = holds_for_key(numbers, generator, &key)?;
            if holds {
                self.remember(address, key);
            }
            return Ok(holds);
        }
        let Some(key) = recover::key(numbers)? else { return Ok(false) };
        let holds = address != Address::ZERO && recover::address(&key) == address;
        if holds {
            if let Some(shared) = &self.shared {
                shared.put(slot(address), &key.to_bytes());
            }
            self.remember(address, key);
        }
        Ok(holds)
    }

    /// What another worker found. Only the key that has this address can pass: to find another would be to break the
    /// hash.
    fn shared_key(&self, address: Address) -> Option<Affine> {
        let bytes = self.shared.as_ref()?.get(slot(address))?;
        let key = Affine::from_bytes(bytes.as_slice().try_into().ok()?)?;
        (recover::address(&key) == address).then_some(key)
    }

    fn remember(&mut self, address: Address, key: Affine) {
        let signer = Signer { address, key, signatures: 1, last: self.clock, counted: u64::MAX, table: None };
        let at = if self.signers.len() < self.most_keys {
            self.signers.push(signer);
            self.signers.len() - 1
        } else {
            let at = self.idlest();
            let idle = self.clock - self.signers[at].last > self.span();
            if !idle && !self.counts.first.is_multiple_of(ADMITTED) {
                return;
            }
            self.drop_table(at);
            self.counts.forgotten_keys += 1;
            let replaced = mem::replace(&mut self.signers[at], signer);
            self.by_address.remove(&replaced.address);
            at
        };
        self.by_address.insert(address, at);
    }

    /// Counts a good signature, and makes a table for whoever is worth one.
    fn count(&mut self, at: usize) {
        self.clock += 1;
        let span = self.clock / self.span();
        let signer = &mut self.signers[at];
        signer.signatures = signer.signatures.saturating_add(1);
        let before = mem::replace(&mut signer.last, self.clock);
        if signer.signatures < BUSY {
            return;
        }
        if mem::replace(&mut signer.counted, span) != span {
            self.busy.count(span);
        }
        let looks_again = signer.signatures.is_multiple_of(PATIENCE);
        let has = signer.table.as_ref().map(|table| table.shape().bytes());
        let signatures = signer.signatures;
        let shape = self.fair_shape(signatures);
        let wanted = has.is_none_or(|bytes| looks_again && bytes < shape.bytes());
        if wanted && self.make_room(shape.bytes() - has.unwrap_or(0), before) {
            self.drop_table(at);
            let signer = &mut self.signers[at];
            signer.table = Comb::new(signer.key, shape);
            self.table_bytes += signer.table.as_ref().map_or(0, |table| table.shape().bytes());
        }
    }

    /// How many good signatures of those who are remembered make up the time in which the busy ones sign: so many that
    /// all of them could sign in turn.
    fn span(&self) -> u64 {
        self.most_keys as u64
    }

    /// The largest table that every busy signer could have. The very largest takes so long to make that it is for those
    /// who sign again and again.
    fn fair_shape(&self, signatures: u32) -> Shape {
        let share = self.most_table_bytes / self.busy.number().max(1);
        let [largest, rest @ .., smallest] = table::SIGNER;
        if signatures >= PATIENCE && largest.bytes() <= share / LARGEST_PART {
            return largest;
        }
        rest.into_iter().find(|shape| shape.bytes() <= share).unwrap_or(smallest)
    }

    /// Makes room for so many bytes more of tables, for somebody whose last signature but one was at `before`. Tables go
    /// that have not been used since, and those that are larger than what is fair now. If all are in use more often,
    /// none goes: otherwise, with too many signers, each would drive out the other's.
    fn make_room(&mut self, bytes: usize, before: u64) -> bool {
        let most = self.most_table_bytes.saturating_sub(bytes);
        let fair = self.fair_shape(PATIENCE).bytes();
        for _ in 0..LOOKS {
            if self.table_bytes <= most {
                return bytes <= self.most_table_bytes;
            }
            let at = self.turn();
            let Signer { table, last, .. } = &self.signers[at];
            let too_large = table.as_ref().is_some_and(|table| table.shape().bytes() > fair);
            if too_large || *last < before {
                self.counts.dropped_tables += u64::from(table.is_some());
                self.drop_table(at);
            }
        }
        false
    }

    /// Of the next few signers the one that has not signed for the longest time.
    fn idlest(&mut self) -> usize {
        let mut idlest = self.turn();
        for _ in 1..LOOKS {
            let at = self.turn();
            if self.signers[at].last < self.signers[idlest].last {
                idlest = at;
            }
        }
        idlest
    }

    fn turn(&mut self) -> usize {
        self.hand = (self.hand + 1) % self.signers.len();
        self.hand
    }

    fn drop_table(&mut self, at: usize) {
        let dropped = self.signers[at].table.take();
        self.table_bytes -= dropped.map_or(0, |table| table.shape().bytes());
    }
}

impl Busy {
    fn count(&mut self, span: u64) {
        if span != self.span {
            self.before = if span == self.span + 1 { self.now } else { 0 };
            (self.span, self.now) = (span, 0);
        }
        self.now += 1;
    }

    fn number(&self) -> usize {
        self.now.max(self.before)
    }
}

/// Addresses are hashes: their first bits are as good as random.
fn slot(address: Address) -> u16 {
    u16::from_be_bytes([address.0[0], address.0[1]]) % SLOTS
}
