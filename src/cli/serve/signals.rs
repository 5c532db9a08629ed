//! The signals that `serve` answers.

use std::future::Future;
use std::io::{self, IsTerminal};

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::cli::failure::Failure;

/// The signals that ask us to stop, and SIGHUP, which asks for files to be read again.
pub(super) struct Signals {
    count: watch::Receiver<u32>,
    hangups: watch::Receiver<()>,
}

impl Signals {
    pub(super) fn new() -> Result<Self, Failure> {
        let (sender, count) = watch::channel(0);
        let (hung_up, hangups) = watch::channel(());
        let mut interrupts = Interrupts::new(hung_up)?;
        tokio::spawn(async move {
            loop {
                interrupts.next().await;
                sender.send_modify(|count| *count += 1);
            }
        });
        Ok(Self { count, hangups })
    }

    /// Changes with each SIGHUP.
    pub(super) fn hangups(&self) -> watch::Receiver<()> {
        self.hangups.clone()
    }

    fn reached(&self, wanted: u32) -> impl Future<Output = ()> + use<> {
        let mut count = self.count.clone();
        async move {
            let _ = count.wait_for(|count| *count >= wanted).await;
        }
    }

    /// Ready at the first signal.
    pub(super) fn next(&self) -> impl Future<Output = ()> + use<> {
        self.reached(1)
    }

    /// Ready at the second signal, for people who do not want to wait for clients to leave.
    pub(super) fn second(&self) -> impl Future<Output = ()> + use<> {
        self.reached(2)
    }
}

#[cfg(unix)]
struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    hung_up: watch::Sender<()>,
    /// True if the log goes to a terminal, whose end is ours.
    on_terminal: bool,
}

#[cfg(unix)]
impl Interrupts {
    fn new(hung_up: watch::Sender<()>) -> Result<Self, Failure> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let hangup = signal(SignalKind::hangup())?;
        Ok(Self { interrupt, terminate, hangup, hung_up, on_terminal: io::stderr().is_terminal() })
    }

    async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hangup.recv() => {}
            }
            // A server that outlives its window has the port, and nobody sees it.
            if self.on_terminal && !io::stderr().is_terminal() {
                return;
            }
            self.hung_up.send_replace(());
        }
    }
}

#[cfg(not(unix))]
struct Interrupts {
    /// Nothing is sent, and the receivers are not told that nothing will be.
    _hung_up: watch::Sender<()>,
}

#[cfg(not(unix))]
impl Interrupts {
    fn new(hung_up: watch::Sender<()>) -> Result<Self, Failure> {
        Ok(Self { _hung_up: hung_up })
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
