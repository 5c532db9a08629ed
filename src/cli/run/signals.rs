//! Signals to this process, which are the command's.

#[cfg(unix)]
mod unix {
    use std::thread;
    use std::time::Duration;

    use rustix::process::{Pid, getppid};
    use secure_io::run::Child;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    use signal_hook::iterator::SignalsInfo;
    use signal_hook::iterator::exfiltrator::WithOrigin;
    use tokio::sync::mpsc::{self, UnboundedReceiver};

    /// A signal.
    pub(in super::super) struct Signal {
        number: i32,
        /// True if a process sent it; the terminal has sent it to the command as well.
        pub(in super::super) is_sent: bool,
        /// True if the command is to end soon.
        pub(in super::super) ends: bool,
    }

    impl Signal {
        /// Passes the signal on as if the command had been started directly.
        pub(in super::super) fn pass_on(&self, child: &Child) {
            match self.number {
                SIGUSR1 | SIGUSR2 => child.signal(self.number),
                // Package managers leave their children alone.
                _ if self.is_sent => child.signal_all(self.number),
                _ => {}
            }
        }
    }

    /// The pause between two looks at the parent.
    const PAUSE: Duration = Duration::from_secs(1);

    pub(in super::super) struct Signals {
        received: UnboundedReceiver<Signal>,
        /// The parent at the start, where its end is ours: npm and npx pass no signal on.
        parent: Option<Pid>,
    }

    impl Signals {
        /// Takes the signals that end a process, unless they are ignored, as `nohup` does.
        pub(in super::super) fn start() -> Self {
            let (sender, received) = mpsc::unbounded_channel();
            let all = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];
            let ignored = ignored();
            let taken = all.into_iter().filter(|number| ignored & (1 << (number - 1)) == 0);
            if let Ok(mut signals) = SignalsInfo::<WithOrigin>::new(taken) {
                thread::spawn(move || {
                    for origin in signals.forever() {
                        let number = origin.signal;
                        let ends = matches!(number, SIGHUP | SIGTERM);
                        if sender.send(Signal { number, is_sent: origin.process.is_some(), ends }).is_err() {
                            return;
                        }
                    }
                });
            }
            let parent = std::env::var_os("npm_execpath").and_then(|_| getppid());
            Self { received, parent }
        }

        pub(in super::super) async fn next(&mut self) -> Signal {
            tokio::select! {
                Some(signal) = self.received.recv() => signal,
                () = orphaned(self.parent) => {
                    self.parent = None;
                    Signal { number: SIGTERM, is_sent: true, ends: true }
                }
            }
        }
    }

    /// Waits until the parent has ended.
    async fn orphaned(parent: Option<Pid>) {
        if parent.is_none() {
            return std::future::pending().await;
        }
        while getppid() == parent {
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The signals that are ignored, a bit each.
    #[cfg(target_os = "linux")]
    fn ignored() -> u64 {
        let status = procfs::process::Process::myself().and_then(|process| process.status());
        status.map_or(0, |status| status.sigign)
    }

    #[cfg(not(target_os = "linux"))]
    fn ignored() -> u64 {
        0
    }
}

#[cfg(unix)]
pub(super) use unix::Signals;

#[cfg(not(unix))]
pub(super) use other::Signals;

#[cfg(not(unix))]
mod other {
    use secure_io::run::Child;

    pub(in super::super) struct Signal {
        pub(in super::super) is_sent: bool,
        pub(in super::super) ends: bool,
    }

    impl Signal {
        pub(in super::super) fn pass_on(&self, _child: &Child) {}
    }

    pub(in super::super) struct Signals;

    impl Signals {
        pub(in super::super) fn start() -> Self {
            Self
        }

        /// The console sends Ctrl-C to the command, too.
        pub(in super::super) async fn next(&mut self) -> Signal {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            Signal { is_sent: false, ends: false }
        }
    }
}
