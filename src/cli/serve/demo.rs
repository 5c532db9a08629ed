//! Flags that `serve` alone has: what it serves, and to whom beside it.

use secure_io::ca::Paths;
use secure_io::server::Config;

use super::app::AppArgs;
use super::fixtures::{FixtureArgs, TestPki};
use super::limits::MessageArgs;
use super::machines::MachineArgs;
use crate::cli::failure::Failure;

/// The demo page and its application.
#[derive(clap::Args)]
pub(super) struct DemoArgs {
    /// Speak plain HTTP, because TLS ends in front of this server
    #[arg(long, help_heading = "Behind a balancer", conflicts_with_all = ["renew", "client_ca", "http_port"])]
    pub(super) plain: bool,
    #[command(flatten)]
    pub(super) fixtures: FixtureArgs,
    #[command(flatten)]
    machines: MachineArgs,
    #[command(flatten)]
    messages: MessageArgs,
    #[command(flatten)]
    app: AppArgs,
}

impl DemoArgs {
    /// Reads the files that the arguments name, and refuses those that could not be served.
    pub(super) fn read(&self) -> Result<Demo<'_>, Failure> {
        Ok(Demo { client_js: self.app.check()?, test_pki: self.fixtures.read()?, args: self })
    }
}

/// The demo with its files.
pub(super) struct Demo<'a> {
    args: &'a DemoArgs,
    client_js: Option<Vec<u8>>,
    pub(super) test_pki: Option<TestPki<'a>>,
}

impl Demo<'_> {
    /// Copies the arguments into a configuration; pages under the names of the local CA may use Socket.IO.
    pub(super) fn apply(&self, config: &mut Config, local_ca: Option<Paths>) -> Result<(), Failure> {
        self.args.app.apply(config);
        self.args.messages.apply(&mut config.limits);
        config.client_js.clone_from(&self.client_js);
        config.origins = self.args.app.origins(local_ca)?;
        config.redis = self.args.machines.redis()?;
        config.front.is_plain = self.args.plain;
        config.fixtures = self.test_pki.as_ref().map(TestPki::shared);
        Ok(())
    }
}
