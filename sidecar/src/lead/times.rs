//! The times of a lease.

use std::time::Duration;

use tokio::time::Instant;

/// How long a lease lasts, and how often it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// How long one must have been seen unchanged before somebody else takes it.
    pub lease: Duration,
    /// How often the one who has it renews it.
    pub renew: Duration,
    /// How often the others look at it.
    pub look: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(3),
            renew: Duration::from_secs(1),
            look: Duration::from_millis(250),
        }
    }
}

impl Times {
    /// Who has not renewed for so long leads no longer: before anybody else can begin to.
    pub(super) fn deadline(self, renewed: Instant) -> Instant {
        renewed + self.lease.saturating_sub(self.look)
    }

    /// How old what the others know of the chain may become while one of them takes over, where each leader looks at it
    /// this often: a leader's last word before it was lost, the lease, and the first look of the next one.
    pub fn take_over(self, poll_interval: Duration) -> Duration {
        self.renew + poll_interval + self.lease + self.look + poll_interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/operations.md says so.
    #[test]
    fn a_take_over_is_shorter_than_the_default_of_node_timeout() {
        assert_eq!(Times::default().take_over(Duration::from_secs(1)), Duration::from_millis(6250));
    }
}
