//! Flags of `serve` about other machines that serve the same clients.

use std::path::PathBuf;

use secure_io::files;
use secure_io::server::Redis;

use crate::cli::failure::Failure;

/// Servers that share their clients.
#[derive(clap::Args)]
#[command(next_help_heading = "Several machines")]
pub(super) struct MachineArgs {
    /// Share clients with other servers through this Redis: broadcasts, rooms and `sockets`. redis:// or rediss:// (TLS),
    /// with +sentinel or +cluster behind the scheme for those
    #[arg(long, value_name = "URL", env = "SECURE_IO_REDIS", hide_env_values = true, value_parser = parse_redis)]
    redis: Option<Redis>,
    /// CAs that Redis' certificate may be from, in place of the system's
    #[arg(long, value_name = "FILE", requires = "redis")]
    redis_ca: Option<PathBuf>,
    /// Certificate to show to Redis
    #[arg(long, value_name = "FILE", requires = "redis_key")]
    redis_cert: Option<PathBuf>,
    /// Its private key
    #[arg(long, value_name = "FILE", requires = "redis_cert")]
    redis_key: Option<PathBuf>,
    /// Beginning of the channels' names: servers with the same one share clients
    #[arg(long, value_name = "TEXT", default_value = "socket.io", requires = "redis")]
    redis_prefix: String,
}

impl MachineArgs {
    pub(super) fn redis(&self) -> Result<Option<Redis>, Failure> {
        let Some(redis) = &self.redis else { return Ok(None) };
        let mut redis = redis.clone().with_prefix(&self.redis_prefix).map_err(|error| Failure::new(error.into()))?;
        if !redis.is_tls() && (self.redis_ca.is_some() || self.redis_cert.is_some()) {
            return Err(Failure::message(format!("{redis} is without TLS, and no certificates are shown there"))
                .hint("rediss:// in place of redis:// speaks TLS"));
        }
        if let Some(path) = &self.redis_ca {
            redis = redis.with_roots(files::read(path)?.to_vec());
        }
        if let (Some(certificate), Some(key)) = (&self.redis_cert, &self.redis_key) {
            redis = redis.with_identity(files::read(certificate)?.to_vec(), files::read(key)?.to_vec());
        }
        Ok(Some(redis))
    }
}

fn parse_redis(text: &str) -> Result<Redis, String> {
    text.parse().map_err(|error: secure_io::server::RedisUrlError| error.to_string())
}
