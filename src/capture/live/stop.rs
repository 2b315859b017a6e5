//! The signal that ends capture threads, whatever they wait for.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

/// A signal that many threads wait for beside other descriptors; once given it stays given.
#[derive(Debug)]
pub struct StopSignal(OwnedFd);

impl StopSignal {
    /// A signal that has not been given.
    pub fn new() -> io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Self(eventfd(0, flags)?))
    }

    /// Gives the signal.
    pub fn stop(&self) {
        // Nobody ever reads, so it stays readable for all. It fails only where the count is full: then it was given.
        let written = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
        debug_assert!(written.is_ok() || self.wait(Duration::ZERO));
    }

    /// Waits for the signal for so long; whether it has been given.
    pub fn wait(&self, timeout: Duration) -> bool {
        let mut descriptors = [PollFd::new(&self.0, PollFlags::IN)];
        // An interrupted wait is a short one: whoever waits does so in a loop.
        poll(&mut descriptors, Some(&super::timespec(timeout))).is_ok_and(|ready| ready > 0)
    }
}

impl AsFd for StopSignal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
