//! A connection to Redis: one server, the master that sentinels name, or a cluster.
//!
//! RESP3 is spoken, in which what others publish comes over the connection that commands go over. The `redis` crate's own
//! reconnection is not used: it says neither when a connection is lost nor when it is back.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, ErrorKind, IntoConnectionInfo, ProtocolVersion,
    PushInfo, PushKind, RedisConnectionInfo, RedisResult, ServerErrorKind, TlsCertificates, TlsMode,
};
use rustls::CertificateError;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::address::{Kind, Redis};

/// The time for a connection.
const CONNECTING: Duration = Duration::from_secs(2);

/// The time for an answer.
const ANSWERING: Duration = Duration::from_secs(2);

/// Is called with the channel and the content of all that is heard.
pub(super) type Hearing = Arc<dyn Fn(Vec<u8>, Vec<u8>) + Send + Sync>;

/// A connection that publishes and hears.
#[derive(Clone)]
pub(super) struct Connection {
    commands: Commands,
    ended: Arc<Notify>,
}

#[derive(Clone)]
enum Commands {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Connection {
    /// Connects, and hears what is published on these channels from then on.
    pub(super) async fn open(
        redis: &Redis,
        patterns: &[String],
        channels: &[String],
        hearing: Hearing,
    ) -> Result<Self, RedisError> {
        let ended = Arc::new(Notify::new());
        let is_cluster = redis.kind == Kind::Cluster;
        let noticed = Arc::clone(&ended);
        let push = move |push: PushInfo| {
            match push.kind {
                // A cluster's connection looks for its other nodes by itself.
                PushKind::Disconnection if !is_cluster => noticed.notify_one(),
                PushKind::Message | PushKind::PMessage => {
                    let mut data = push.data.into_iter().rev();
                    if let (Some(redis::Value::BulkString(content)), Some(redis::Value::BulkString(channel))) =
                        (data.next(), data.next())
                    {
                        hearing(channel, content);
                    }
                }
                _ => {}
            }
            Ok::<(), redis::aio::SendError>(())
        };
        let mut commands = match &redis.kind {
            Kind::Standalone => {
                let address = redis.addresses().next().ok_or_else(RedisError::no_host)?;
                let info = address.into_connection_info()?.set_redis_settings(redis.settings());
                let client = match redis.certificates() {
                    Some(certificates) => Client::build_with_tls(info, certificates)?,
                    None => Client::open(info)?,
                };
                Commands::One(multiplexed(&client, push).await?)
            }
            Kind::Sentinel { master } => {
                let mut sentinels = redis.sentinel(master)?.build()?;
                let client = timeout(CONNECTING, sentinels.async_get_client()).await;
                let client = client.map_err(|_| RedisError::timed_out())??;
                Commands::One(multiplexed(&client, push).await?)
            }
            Kind::Cluster => Commands::Cluster(redis.cluster(push)?.build()?.get_async_connection().await?),
        };
        match &mut commands {
            Commands::One(one) => {
                one.psubscribe(patterns).await?;
                one.subscribe(channels).await?;
            }
            Commands::Cluster(cluster) => {
                for pattern in patterns {
                    cluster.psubscribe(pattern).await?;
                }
                for channel in channels {
                    cluster.subscribe(channel).await?;
                }
            }
        }
        Ok(Self { commands, ended })
    }

    /// Waits for the end of the connection.
    pub(super) async fn ended(&self) {
        self.ended.notified().await;
    }

    /// Publishes contents on channels, in their order.
    pub(super) async fn publish<'a>(
        &mut self,
        messages: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<(), RedisError> {
        match &mut self.commands {
            Commands::One(one) => {
                let mut pipeline = redis::pipe();
                for (channel, content) in messages {
                    pipeline.cmd("PUBLISH").arg(channel).arg(content).ignore();
                }
                pipeline.query_async::<()>(one).await?;
            }
            Commands::Cluster(cluster) => {
                // Channels belong to different nodes, which no pipeline may.
                for (channel, content) in messages {
                    redis::cmd("PUBLISH").arg(channel).arg(content).query_async::<()>(cluster).await?;
                }
            }
        }
        Ok(())
    }

    /// The number of servers that hear a channel.
    pub(super) async fn count(&mut self, channel: &str) -> Result<usize, RedisError> {
        let mut command = redis::cmd("PUBSUB");
        command.arg("NUMSUB").arg(channel);
        let counts: std::collections::HashMap<String, usize> = match &mut self.commands {
            Commands::One(one) => command.query_async(one).await?,
            Commands::Cluster(cluster) => command.query_async(cluster).await?,
        };
        Ok(counts.values().sum())
    }
}

async fn multiplexed(client: &Client, push: impl redis::aio::AsyncPushSender) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECTING))
        .set_response_timeout(Some(ANSWERING))
        .set_push_sender(push);
    client.get_multiplexed_async_connection_with_config(&config).await
}

impl Redis {
    fn addresses(&self) -> impl Iterator<Item = ConnectionAddr> {
        self.hosts.iter().cloned().map(|(host, port)| {
            if self.is_tls {
                ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
            } else {
                ConnectionAddr::Tcp(host, port)
            }
        })
    }

    fn settings(&self) -> RedisConnectionInfo {
        let mut settings =
            RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3).set_db(self.database).set_skip_set_lib_name();
        if let Some(user) = &self.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password);
        }
        settings
    }

    fn certificates(&self) -> Option<TlsCertificates> {
        let client_tls = self.identity.clone().map(|(client_cert, client_key)| ClientTlsConfig { client_cert, client_key });
        let is_given = self.is_tls && (client_tls.is_some() || self.roots.is_some());
        is_given.then(|| TlsCertificates { client_tls, root_cert: self.roots.clone() })
    }

    /// The sentinels have no password: it is the master's.
    fn sentinel(&self, master: &str) -> RedisResult<SentinelClientBuilder> {
        let mut builder = SentinelClientBuilder::new(self.addresses(), master, SentinelServerType::Master)?
            .set_client_to_redis_protocol(ProtocolVersion::RESP3)
            .set_client_to_redis_db(self.database);
        if let Some(user) = &self.user {
            builder = builder.set_client_to_redis_username(user);
        }
        if let Some(password) = &self.password {
            builder = builder.set_client_to_redis_password(password);
        }
        if self.is_tls {
            builder = builder
                .set_client_to_redis_tls_mode(TlsMode::Secure)
                .set_client_to_sentinel_tls_mode(TlsMode::Secure);
        }
        if let Some(certificates) = self.certificates() {
            builder = builder
                .set_client_to_redis_certificates(certificates.clone())
                .set_client_to_sentinel_certificates(certificates);
        }
        Ok(builder)
    }

    fn cluster(&self, push: impl redis::aio::AsyncPushSender) -> RedisResult<ClusterClientBuilder> {
        let nodes: Vec<_> = self.addresses().map(IntoConnectionInfo::into_connection_info).collect::<RedisResult<_>>()?;
        let mut builder = ClusterClientBuilder::new(nodes)
            .use_protocol(ProtocolVersion::RESP3)
            .connection_timeout(CONNECTING)
            .response_timeout(ANSWERING)
            .push_sender(push);
        if let Some(user) = &self.user {
            builder = builder.username(user);
        }
        if let Some(password) = &self.password {
            builder = builder.password(password);
        }
        if self.is_tls {
            builder = builder.tls(TlsMode::Secure);
        }
        if let Some(certificates) = self.certificates() {
            builder = builder.certs(certificates);
        }
        Ok(builder)
    }
}

/// Reason why Redis cannot be used.
#[derive(Debug)]
pub struct RedisError(redis::RedisError);

impl RedisError {
    pub(super) fn timed_out() -> Self {
        Self(io::Error::from(io::ErrorKind::TimedOut).into())
    }

    pub(super) fn ended() -> Self {
        Self(io::Error::from(io::ErrorKind::UnexpectedEof).into())
    }

    fn no_host() -> Self {
        Self((ErrorKind::InvalidClientConfig, "no host is named").into())
    }

    /// Whether the certificate of the other side was not accepted.
    #[must_use]
    pub fn is_distrust(&self) -> bool {
        matches!(self.tls(), Some(rustls::Error::InvalidCertificate(_)))
    }

    /// Whether a password is missing or wrong.
    #[must_use]
    pub fn is_password(&self) -> bool {
        self.0.kind() == ErrorKind::AuthenticationFailed || matches!(self.0.code(), Some("NOAUTH" | "WRONGPASS"))
    }

    fn tls(&self) -> Option<&rustls::Error> {
        let mut cause = self.0.source();
        while let Some(error) = cause {
            if let Some(tls) = error.downcast_ref() {
                return Some(tls);
            }
            let inner = error.downcast_ref().and_then(io::Error::get_ref);
            if let Some(tls) = inner.and_then(|inner| inner.downcast_ref()) {
                return Some(tls);
            }
            cause = error.source();
        }
        None
    }
}

impl fmt::Display for RedisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = &self.0;
        if let Some(tls) = self.tls() {
            return match tls {
                rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                    f.write_str("its certificate is not from a CA that is trusted here")
                }
                rustls::Error::InvalidCertificate(
                    CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
                ) => f.write_str("its certificate is for another name"),
                rustls::Error::InvalidCertificate(
                    CertificateError::Expired | CertificateError::ExpiredContext { .. },
                ) => f.write_str("its certificate has expired"),
                rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired) => {
                    f.write_str("it demands a certificate")
                }
                rustls::Error::InvalidMessage(_) => f.write_str("it does not speak TLS"),
                other => write!(f, "TLS failed: {other}"),
            };
        }
        match error.kind() {
            _ if error.code() == Some("NOAUTH") => f.write_str("it demands a password"),
            _ if self.is_password() => f.write_str("it refuses the user or the password"),
            ErrorKind::RESP3NotSupported => f.write_str("it is older than Redis 6"),
            ErrorKind::MasterNameNotFoundBySentinel => f.write_str("the sentinels know no master of that name"),
            ErrorKind::Server(ServerErrorKind::BusyLoading) => f.write_str("it is still loading its data"),
            ErrorKind::Parse => f.write_str("it does not speak Redis's protocol; TLS is spoken with rediss://"),
            _ if error.is_timeout() => f.write_str("it does not answer"),
            _ if error.is_connection_refusal() => f.write_str("nothing listens there"),
            _ if error.is_connection_dropped() => f.write_str("the connection is lost"),
            _ => write!(f, "{error}"),
        }
    }
}

impl Error for RedisError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl From<redis::RedisError> for RedisError {
    fn from(error: redis::RedisError) -> Self {
        Self(error)
    }
}
