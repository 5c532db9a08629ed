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
    commands: MultiplexedConnection,
    /// The other nodes of a cluster, each of which counts the servers at itself alone.
    nodes: Vec<MultiplexedConnection>,
    ended: Arc<Notify>,
}

impl Connection {
    /// Connects, and hears messages on these channels from then on.
    pub(super) async fn open(
        redis: &Redis,
        patterns: &[String],
        channels: &[String],
        hearing: Hearing,
    ) -> Result<Self, RedisError> {
        let ended = Arc::new(Notify::new());
        let mut commands = match &redis.kind {
            Kind::Sentinel { master } => {
                let mut sentinels = redis.sentinel(master)?.build()?;
                let client = timeout(CONNECTING, sentinels.async_get_client()).await;
                let client = client.map_err(|_| RedisError::timed_out())??;
                multiplexed(&client, Some(push(hearing, &ended))).await?
            }
            Kind::Standalone | Kind::Cluster => redis.first(&push(hearing, &ended)).await?,
        };
        let nodes = if redis.kind == Kind::Cluster { redis.others(&mut commands).await? } else { Vec::new() };
        commands.psubscribe(patterns).await?;
        commands.subscribe(channels).await?;
        Ok(Self { commands, nodes, ended })
    }

    /// Waits for the end of the connection.
    pub(super) async fn ended(&self) {
        self.ended.notified().await;
    }

    /// Publishes contents on channels, in their order. In a cluster, each node passes them on to all others.
    pub(super) async fn publish<'a>(
        &mut self,
        messages: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<(), RedisError> {
        let mut pipeline = redis::pipe();
        for (channel, content) in messages {
            pipeline.cmd("PUBLISH").arg(channel).arg(content).ignore();
        }
        pipeline.query_async::<()>(&mut self.commands).await?;
        Ok(())
    }

    /// The number of servers that hear a channel.
    pub(super) async fn count(&mut self, channel: &str) -> Result<usize, RedisError> {
        let mut command = redis::cmd("PUBSUB");
        command.arg("NUMSUB").arg(channel);
        let here: (String, usize) = command.query_async(&mut self.commands).await?;
        let mut count = here.1;
        for node in &mut self.nodes {
            // A node that is lost has lost its servers, too.
            count += command.query_async::<(String, usize)>(node).await.map_or(0, |there| there.1);
        }
        Ok(count)
    }
}

type Push = Arc<dyn Fn(PushInfo) + Send + Sync>;

fn push(hearing: Hearing, ended: &Arc<Notify>) -> Push {
    let ended = Arc::clone(ended);
    Arc::new(move |push: PushInfo| match push.kind {
        PushKind::Disconnection => ended.notify_one(),
        PushKind::Message | PushKind::PMessage => {
            let mut data = push.data.into_iter().rev();
            if let (Some(redis::Value::BulkString(content)), Some(redis::Value::BulkString(channel))) =
                (data.next(), data.next())
            {
                hearing(channel, content);
            }
        }
        _ => {}
    })
}

async fn multiplexed(client: &Client, push: Option<Push>) -> RedisResult<MultiplexedConnection> {
    let mut config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECTING)).set_response_timeout(Some(ANSWERING));
    if let Some(push) = push {
        config = config.set_push_sender(move |info| {
            push(info);
            Ok::<(), redis::aio::SendError>(())
        });
    }
    client.get_multiplexed_async_connection_with_config(&config).await
}

impl Redis {
    fn addresses(&self) -> impl Iterator<Item = ConnectionAddr> {
        self.hosts.iter().cloned().map(|(host, port)| self.address(host, port))
    }

    fn address(&self, host: String, port: u16) -> ConnectionAddr {
        if self.is_tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        }
    }

    fn settings(&self) -> RedisConnectionInfo {
        let mut settings = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP3)
            .set_db(self.database)
            .set_skip_set_lib_name();
        if let Some(user) = &self.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password);
        }
        settings
    }

    fn certificates(&self) -> Option<TlsCertificates> {
        let client_tls =
            self.identity.clone().map(|(client_cert, client_key)| ClientTlsConfig { client_cert, client_key });
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
            builder =
                builder.set_client_to_redis_tls_mode(TlsMode::Secure).set_client_to_sentinel_tls_mode(TlsMode::Secure);
        }
        if let Some(certificates) = self.certificates() {
            builder = builder
                .set_client_to_redis_certificates(certificates.clone())
                .set_client_to_sentinel_certificates(certificates);
        }
        Ok(builder)
    }

    fn client(&self, address: ConnectionAddr) -> RedisResult<Client> {
        let info = address.into_connection_info()?.set_redis_settings(self.settings());
        match self.certificates() {
            Some(certificates) => Client::build_with_tls(info, certificates),
            None => Client::open(info),
        }
    }

    /// A connection to the first address that lets us in.
    async fn first(&self, push: &Push) -> Result<MultiplexedConnection, RedisError> {
        let mut error = RedisError::no_host();
        for address in self.addresses() {
            match multiplexed(&self.client(address)?, Some(Arc::clone(push))).await {
                Ok(connection) => return Ok(connection),
                Err(reason) => error = reason.into(),
            }
        }
        Err(error)
    }

    /// Connections to the other nodes of a cluster that can be reached.
    async fn others(&self, node: &mut MultiplexedConnection) -> Result<Vec<MultiplexedConnection>, RedisError> {
        let nodes: String = redis::cmd("CLUSTER").arg("NODES").query_async(node).await?;
        let mut others = Vec::new();
        for (host, port) in other_nodes(&nodes) {
            if let Ok(connection) = multiplexed(&self.client(self.address(host, port))?, None).await {
                others.push(connection);
            }
        }
        Ok(others)
    }
}

/// The addresses in the answer to `CLUSTER NODES`, without those of the node that answers and of lost ones: `ID
/// HOST:PORT@BUS[,NAME] FLAGS …` in each line.
fn other_nodes(answer: &str) -> Vec<(String, u16)> {
    let of = |line: &str| {
        let mut fields = line.split(' ').skip(1);
        let (address, flags) = (fields.next()?, fields.next()?);
        if flags.split(',').any(|flag| matches!(flag, "myself" | "fail" | "noaddr" | "handshake")) {
            return None;
        }
        let (host, port) = address.split(['@', ',']).next()?.rsplit_once(':')?;
        Some((host.to_owned(), port.parse().ok()?))
    };
    answer.lines().filter_map(of).collect()
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

    /// Decides whether the certificate of the other side was refused.
    #[must_use]
    pub fn is_distrust(&self) -> bool {
        matches!(self.tls(), Some(rustls::Error::InvalidCertificate(_)))
    }

    /// Decides whether the connection ended without an answer, as by a Redis that speaks TLS alone.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.tls().is_none() && self.0.is_connection_dropped() && !self.0.is_connection_refusal()
    }

    /// Decides whether a password is missing or wrong.
    #[must_use]
    pub fn is_password(&self) -> bool {
        self.0.kind() == ErrorKind::AuthenticationFailed || matches!(self.0.code(), Some("NOAUTH" | "WRONGPASS"))
    }

    /// The fault in TLS, which the `redis` crate keeps in an error of I/O, behind an `Arc`.
    fn tls(&self) -> Option<&rustls::Error> {
        let source = self.0.source()?;
        let shared = source.downcast_ref::<Arc<dyn Error + Send + Sync>>();
        let io: &io::Error = match shared {
            Some(shared) => shared.downcast_ref()?,
            None => source.downcast_ref()?,
        };
        io.get_ref()?.downcast_ref()
    }
}

impl fmt::Display for RedisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = &self.0;
        if let Some(tls) = self.tls() {
            return match tls {
                // A CA of the same name, and another key, may be among those that are trusted.
                rustls::Error::InvalidCertificate(
                    CertificateError::UnknownIssuer
                    | CertificateError::BadSignature
                    | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. },
                ) => f.write_str("its certificate is not from a CA that is trusted here"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nodes_of_a_cluster_are_found() {
        let answer = "07c3 127.0.0.1:30004@31004,host4 slave e7d1 0 1426238317239 4 connected\n\
                      67ed 127.0.0.1:30002@31002 master - 0 1426238316232 2 connected 5461-10922\n\
                      e7d1 127.0.0.1:30001@31001 myself,master - 0 0 1 connected 0-5460\n\
                      292f ::1:30003@31003 master,fail - 0 1426238318243 3 connected\n";
        assert_eq!(other_nodes(answer), [("127.0.0.1".to_owned(), 30004), ("127.0.0.1".to_owned(), 30002)]);
    }
}
