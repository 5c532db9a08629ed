//! An ACME server that issues from the local CA (RFC 8555, with RFC 8737, 8738 and 9773).
//!
//! [`AcmeServer`] is a [`Handler`] of the HTTPS server. Requests are read here and answered in `routes`, on threads
//! that may block, because answers wait for the disk: the accounts' file and the CA's log. Validation connects to
//! hosts and runs beside them.
//!
//! Everything that clients can make more of is bounded: bodies, nonces, accounts, orders, validations under way.

mod accounts;
mod answer;
mod authority;
mod external;
mod identifier;
mod jws;
mod nonces;
mod ordering;
mod orders;
mod problem;
mod register;
mod revoking;
mod routes;
mod validation;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio::time::timeout;

pub use self::accounts::Error as AccountsError;
pub use self::external::{Error as KeysError, Keys};
pub use self::identifier::Identifier;
pub use self::orders::Method;
pub use self::problem::{Kind, Problem};
pub use self::validation::Reach;

use self::accounts::Accounts;
use self::answer::Answer;
use self::authority::Authority;
use self::nonces::Nonces;
use self::orders::Orders;
use self::routes::Call;
use self::validation::Task;
use crate::issue::ca::Paths;
use crate::net::server::{Handler, Requester};

/// The longest body that is read: a request for 100 names with an RSA key has some 12 KiB.
const LONGEST: usize = 64 * 1024;

/// Time for a request's body.
const BODY_LIMIT: Duration = Duration::from_secs(20);

/// The most requests that are answered at a time; the others wait.
const AT_ONCE: usize = 16;

/// The most validations under way; the others wait.
const VALIDATIONS: usize = 64;

/// Configuration of an ACME server.
#[derive(Debug)]
pub struct Config {
    /// The local CA.
    pub ca: Paths,
    /// Lifetime of certificates.
    pub lifetime: time::Duration,
    /// The addresses of hosts under validation.
    pub reach: Reach,
    /// The keys of those who may have an account; everybody may without.
    pub keys: Option<Keys>,
    /// The time of day.
    pub clock: fn() -> OffsetDateTime,
}

/// Called with each event, in the task in which the event happens: must not block for long.
pub type Observer = Arc<dyn Fn(&Event) + Send + Sync>;

/// Something that happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A client has made an account.
    Registered {
        /// The account's identifier.
        account: String,
        /// The contact of the holder.
        contact: Vec<String>,
        /// The client's address.
        from: IpAddr,
    },
    /// A host was validated, or was not.
    Validated {
        /// The name.
        name: String,
        /// The challenge.
        method: Method,
        /// The reason, if it was not.
        problem: Option<Problem>,
    },
    /// A certificate was issued.
    Issued {
        /// Its names.
        names: Vec<String>,
        /// The account's identifier.
        account: String,
        /// The client's address.
        from: IpAddr,
    },
    /// A certificate was revoked.
    Revoked {
        /// Its names, each with its kind.
        names: Vec<String>,
        /// The client's address.
        from: IpAddr,
    },
    /// A request was refused, other than for an old nonce.
    Refused {
        /// The reason.
        problem: Problem,
        /// The client's address.
        from: IpAddr,
    },
}

/// An ACME server.
#[derive(Clone)]
pub struct AcmeServer(Arc<State>);

struct State {
    authority: Authority,
    accounts: Mutex<Accounts>,
    orders: Mutex<Orders>,
    nonces: Nonces,
    reach: Reach,
    keys: Option<Keys>,
    clock: fn() -> OffsetDateTime,
    observer: Observer,
    at_once: Semaphore,
    validations: Arc<Semaphore>,
}

impl fmt::Debug for AcmeServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcmeServer").field("reach", &self.0.reach).finish_non_exhaustive()
    }
}

impl AcmeServer {
    /// A server with the accounts that were made before.
    ///
    /// # Errors
    ///
    /// [`AccountsError`] when their file cannot be read.
    pub fn new(config: Config, observer: Observer) -> Result<Self, AccountsError> {
        let Config { ca, lifetime, reach, keys, clock } = config;
        Ok(Self(Arc::new(State {
            accounts: Mutex::new(Accounts::load(&ca.acme_accounts)?),
            authority: Authority::new(ca, lifetime),
            orders: Mutex::default(),
            nonces: Nonces::default(),
            reach,
            keys,
            clock,
            observer,
            at_once: Semaphore::new(AT_ONCE),
            validations: Arc::new(Semaphore::new(VALIDATIONS)),
        })))
    }

    async fn answer(self, request: Request<Incoming>, client: SocketAddr) -> Response<Body> {
        let from = client.ip().to_canonical();
        let answer = match self.read(request, from).await {
            Ok(call) => self.in_turn(call).await,
            Err(problem) => Answer::from(problem),
        };
        if let Some(problem) = answer.problem().filter(|problem| problem.kind != Kind::BadNonce) {
            (self.0.observer)(&Event::Refused { problem: problem.clone(), from });
        }
        answer.into_response(self.0.nonces.next())
    }

    /// Reads a request with its body.
    async fn read(&self, request: Request<Incoming>, from: IpAddr) -> Result<Call, Problem> {
        let (parts, body) = request.into_parts();
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let host = parts.uri.authority().map(ToString::to_string).or_else(|| header(HOST).map(str::to_owned));
        let host = host.filter(|host| is_host(host)).ok_or_else(|| Problem::malformed("the request names no host"))?;
        let content_type = header(CONTENT_TYPE).map(str::to_owned);
        let collected = timeout(BODY_LIMIT, Limited::new(body, LONGEST).collect()).await;
        let slow = |_elapsed| Problem::malformed("the body did not come in time").with_status(408);
        let body = collected.map_err(slow)?.map_err(|error| {
            if error.is::<LengthLimitError>() {
                Problem::malformed(format!("the body is longer than {LONGEST} bytes")).with_status(413)
            } else {
                Problem::malformed(format!("the body cannot be read: {error}"))
            }
        })?;
        Ok(Call {
            method: parts.method,
            base: format!("https://{host}"),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            content_type,
            body: body.to_bytes(),
            from,
        })
    }

    /// Answers on a thread that may block, when it is this request's turn.
    async fn in_turn(&self, call: Call) -> Answer {
        // Never closed.
        let _turn = self.0.at_once.acquire().await;
        let state = Arc::clone(&self.0);
        let answered = tokio::task::spawn_blocking(move || state.route(&call)).await;
        let mut answer = answered.unwrap_or_else(|error| Answer::from(Problem::internal(&error)));
        if let Some((order, index, task)) = answer.validation.take() {
            tokio::spawn(Arc::clone(&self.0).validate(order, index, task));
        }
        answer
    }
}

impl State {
    async fn validate(self: Arc<Self>, order: String, index: usize, task: Task) {
        let _place = Arc::clone(&self.validations).acquire_owned().await;
        let result = self.reach.validate(&task).await;
        let problem = result.as_ref().err().cloned();
        self.orders().conclude(&order, index, task.method, result, (self.clock)());
        (self.observer)(&Event::Validated { name: task.name.value(), method: task.method, problem });
    }

    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Decides whether text can be the host of a URL, perhaps with a port.
fn is_host(text: &str) -> bool {
    let fits = |octet: u8| octet.is_ascii_alphanumeric() || b"-._:[]".contains(&octet);
    !text.is_empty() && text.len() <= 300 && text.bytes().all(fits)
}

impl Handler for AcmeServer {
    fn respond(
        &self,
        request: Request<Incoming>,
        from: Requester,
    ) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        Box::pin(self.clone().answer(request, from.address))
    }
}
