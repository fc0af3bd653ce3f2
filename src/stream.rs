//! One request and its response.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use uraiden_core::gate::{Step, StreamId};
use uraiden_core::request::Request;
use uraiden_core::response::Response;
use uraiden_core::{cookie, header};

use crate::host;
use crate::root::Worker;

pub(crate) struct Stream {
    id: StreamId,
    worker: Rc<Worker>,
}

impl Stream {
    pub(crate) fn new(id: StreamId, worker: Rc<Worker>) -> Self {
        Self { id, worker }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        let headers = host::request_headers();
        let request = Request::new(&headers);
        #[cfg(feature = "crash-test")]
        assert!(request.first("x-crash-the-paywall").is_none(), "crashed as a test asked for");
        let now = host::now();
        let step = self.worker.gate.borrow_mut().request(self.id, request, &host::Current, now);

        let stripped: fn(&str) -> bool = match step {
            Step::Pass => header::is_for_upstream,
            Step::Forward(_) | Step::Hold => |name| header::is_for_upstream(name) || header::is_payment(name),
            Step::Reply(_) | Step::Release(_) | Step::Refund(_) => |_| false,
        };
        for (name, _) in request.headers().filter(|(name, _)| stripped(name)) {
            host::remove_request_header(name);
        }
        if let (Step::Forward(_) | Step::Hold, Some(cookies)) = (&step, cookie::without_payment(request)) {
            host::set_cookies(&cookies);
        }
        match &step {
            Step::Pass => {
                // In shadow mode there may be something to ask.
                self.worker.wake_root();
                Action::Continue
            }
            Step::Release(_) | Step::Refund(_) => Action::Continue,
            Step::Forward(admission) => {
                host::admit(admission);
                if admission.payment.is_some() {
                    self.worker.wake_root();
                }
                Action::Continue
            }
            Step::Hold => {
                self.worker.wake_root();
                Action::Pause
            }
            Step::Reply(reply) => {
                host::reply(reply);
                Action::Pause
            }
        }
    }

    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        if !self.worker.gate.borrow().watches(self.id) {
            return Action::Continue;
        }
        let headers = host::response_headers();
        let step = self.worker.gate.borrow_mut().response(self.id, Response::new(&headers), host::now);
        match &step {
            Step::Hold => {
                self.worker.wake_root();
                Action::Pause
            }
            Step::Release(headers) | Step::Refund(headers) => {
                host::set_response_headers(headers);
                Action::Continue
            }
            Step::Reply(reply) => {
                host::reply(reply);
                Action::Pause
            }
            Step::Pass | Step::Forward(_) => Action::Continue,
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.worker.gate.borrow_mut().gone(self.id);
    }
}
