//! Payers, upstreams, and what each step of a gate means for a client.

use uraiden_core::gate::{Step, StreamId};
use uraiden_core::header;
use uraiden_core::request::Request;
use uraiden_core::response::Response;

use super::{Around, DEAR, PAYERS, Place, Stream, World};
use crate::op::What;
use crate::payer::proof;
use crate::tally;

impl World {
    pub(super) fn pay(&mut self, payer: usize, worker: usize, what: What, post: bool, price: u64) {
        let client = &mut self.clients[payer];
        let balance = match what {
            What::Next | What::Forged => client.held + price,
            What::Again => client.last,
            What::Replay => client.held,
            What::TooMuch => client.held + 2 * price,
            What::Older => client.held.saturating_sub(price),
        };
        let index = u8::try_from(payer).expect("few");
        let signature = match what {
            What::Forged => proof(PAYERS, balance),
            What::Next | What::Again | What::Replay | What::TooMuch | What::Older => proof(index, balance),
        };
        client.last = balance;
        let key = client.key;
        let headers: Vec<(String, Vec<u8>)> = [
            (":method", if post { "POST" } else { "GET" }.to_owned()),
            (":path", if price == DEAR { "/dear" } else { "/cheap" }.to_owned()),
            (":authority", "host".to_owned()),
            ("rdn-sender-address", key.sender.to_string()),
            ("rdn-open-block", key.open_block.to_string()),
            ("rdn-sender-balance", balance.to_string()),
            ("rdn-balance-signature", signature.to_string()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into_bytes()))
        .collect();
        let id = self.next_stream;
        self.next_stream += 1;
        self.streams.push(Stream { id, worker, payer, price, place: Place::RequestHeld });
        let at = &mut self.workers[worker];
        let around = Around { announced: &self.announced[at.envoy] };
        let step = at.gate.request(id, Request::new(&headers), &around, self.now);
        self.take(id, step);
    }

    /// The stream that a number means, among those at one of these places.
    pub(super) fn find(&self, n: u8, at: impl Fn(Place) -> bool) -> Option<usize> {
        let there: Vec<usize> =
            (0..self.streams.len()).filter(|&index| at(self.streams[index].place)).collect();
        there.get(usize::from(n) % there.len().max(1)).copied()
    }

    pub(super) fn respond(&mut self, n: u8, status: u16) {
        let Some(index) = self.find(n, |place| place == Place::Upstream) else { return };
        self.streams[index].place = Place::ResponseHeld { failed: status >= 500 };
        self.response(index, status);
    }

    pub(super) fn give_up(&mut self, n: u8) {
        let Some(index) = self.find(n, |place| place != Place::Upstream) else { return };
        let Stream { worker, payer, price, .. } = self.streams[index];
        *self.vms[self.workers[worker].vm].left_early.entry(self.clients[payer].key).or_default() += price;
        self.streams[index].place = Place::ResponseHeld { failed: true };
        self.response(index, 504);
    }

    fn response(&mut self, index: usize, status: u16) {
        let Stream { id, worker, .. } = self.streams[index];
        let headers = [(":status".to_owned(), status.to_string().into_bytes())];
        let now = self.now;
        let step = self.workers[worker].gate.response(id, Response::new(&headers), || now);
        self.take(id, step);
    }

    pub(super) fn leave(&mut self, n: u8) {
        let Some(index) = self.find(n, |_| true) else { return };
        let stream = self.streams.swap_remove(index);
        let worker = &mut self.workers[stream.worker];
        worker.gate.gone(stream.id);
        let vm = &mut self.vms[worker.vm];
        let books = match stream.place {
            Place::RequestHeld => &mut vm.left_early,
            // What failed is taken back, unless the module crashes before.
            Place::ResponseHeld { failed: true } => &mut vm.left_early,
            Place::Upstream | Place::ResponseHeld { failed: false } => &mut vm.forgiven,
        };
        *books.entry(self.clients[stream.payer].key).or_default() += stream.price;
    }

    /// What a step means for the client.
    pub(super) fn take(&mut self, id: StreamId, step: Step) {
        let Some(index) = self.streams.iter().position(|stream| stream.id == id) else {
            self.expect(false, || format!("stream {id} is gone and gets {step:?}"));
            return;
        };
        let (worker, payer, price, place) = {
            let stream = &self.streams[index];
            (stream.worker, stream.payer, stream.price, stream.place)
        };
        let headers = match step {
            Step::Hold => return,
            Step::Pass => {
                self.expect(false, || "a priced request passed".to_owned());
                return;
            }
            Step::Forward(admission) => {
                self.expect(place == Place::RequestHeld, || format!("stream {id} went upstream twice"));
                self.streams[index].place = Place::Upstream;
                if admission.headers.contains(&(header::UPSTREAM_PAYMENT, "pending".to_owned())) {
                    tally::count("ran before its payment was durable");
                }
                if let Some(announcement) = admission.announcement {
                    let envoy = self.workers[worker].envoy;
                    self.announced[envoy].insert(announcement.slot, announcement.bytes);
                }
                return;
            }
            Step::Release(headers) => {
                match place {
                    Place::ResponseHeld { failed: false } => {
                        let vm = self.workers[worker].vm;
                        let key = self.clients[payer].key;
                        *self.vms[vm].served.entry(key).or_default() += price;
                        let free = headers.contains(&(header::COST, "0".to_owned()));
                        tally::count(if free { "served from a credit" } else { "served by a new balance" });
                    }
                    Place::ResponseHeld { failed: true } => {}
                    Place::RequestHeld | Place::Upstream => {
                        self.expect(false, || format!("stream {id} has no response to release"));
                    }
                }
                headers
            }
            Step::Refund(headers) => headers,
            Step::Reply(reply) => {
                let known = reply.headers.iter().map(|(name, value)| (*name, value.clone())).collect();
                let expected = matches!(reply.status, 402 | 502 | 503);
                self.expect(expected, || format!("stream {id} was answered {}", reply.status));
                match (reply.status, place) {
                    (402, Place::ResponseHeld { .. }) => {
                        tally::count("told 402 in place of an answer that was held");
                    }
                    (502, _) => tally::count("told 502"),
                    (_, Place::RequestHeld | Place::Upstream | Place::ResponseHeld { .. }) => {}
                }
                known
            }
        };
        if let Some((_, balance)) = headers.iter().find(|(name, _)| *name == header::SENDER_BALANCE) {
            self.clients[payer].held = balance.parse().expect("a balance");
        }
        self.workers[worker].gate.gone(id);
        self.streams.swap_remove(index);
    }
}
