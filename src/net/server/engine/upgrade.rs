//! WebSockets: of new sessions, and of those that begin with polling.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, UPGRADE};
use axum::http::{Request, Response, StatusCode};
use hyper::body::Incoming as Upload;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::Engine;
use super::request::{Refusal, accept_key};
use crate::net::server::event::{DisconnectReason, Event, Transport};
use crate::net::server::patient::Patient;
use crate::net::server::peer::Peer;
use crate::net::server::session::{Protocol, Session};
use crate::net::server::websocket::WebSocket;

impl Engine {
    /// Agrees to a WebSocket, and attaches it to its session when HTTP has let go of the connection.
    pub(super) fn upgrade(
        self: &Arc<Self>,
        mut request: Request<Upload>,
        peer: Peer,
        protocol: Protocol,
        session: Option<Arc<Session>>,
    ) -> Result<Response<Body>, Refusal> {
        let accept = accept_key(request.headers()).ok_or(Refusal::BadRequest)?;
        let purpose = match session {
            None => Purpose::Open(self.open(peer.clone(), Transport::WebSocket, protocol)?),
            Some(session) => Probe::start(session).map_or(Purpose::Nothing, Purpose::Probe),
        };
        let upgraded = hyper::upgrade::on(&mut request);
        let engine = Arc::clone(self);
        tokio::spawn(async move {
            match upgraded.await {
                Ok(upgraded) => engine.attach(upgraded, peer, purpose).await,
                Err(_) => engine.abandon(purpose),
            }
        });
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().extend([
            (CONNECTION, HeaderValue::from_static("Upgrade")),
            (UPGRADE, HeaderValue::from_static("websocket")),
            (SEC_WEBSOCKET_ACCEPT, accept),
        ]);
        Ok(response)
    }

    fn abandon(&self, purpose: Purpose) {
        if let Purpose::Open(session) = purpose {
            self.end(&session, DisconnectReason::ConnectionLost);
        }
    }

    async fn attach(self: Arc<Self>, upgraded: Upgraded, peer: Peer, purpose: Purpose) {
        let Ok(parts) = upgraded.downcast::<TokioIo<Patient>>() else { return self.abandon(purpose) };
        let max = usize::try_from(self.limits.max_payload).unwrap_or(usize::MAX);
        let mut socket = WebSocket::new(parts.io.into_inner().into_inner(), &parts.read_buf, max, self.frames);
        if purpose.protocol().is_some_and(Protocol::is_three) {
            socket.speak_three();
        }
        let session = match purpose {
            Purpose::Open(session) => {
                let greeting = self.open_packet(&session, "");
                if !matches!(timeout(self.limits.write, socket.send_text(&greeting)).await, Ok(Ok(()))) {
                    return self.end(&session, DisconnectReason::ConnectionLost);
                }
                session
            }
            Purpose::Probe(probe) => {
                let upgrades = socket.probe(&probe.0).await;
                let session = Arc::clone(&probe.0);
                if upgrades && session.ended().is_none() {
                    for namespace in session.upgrade(peer) {
                        (self.observer)(&Event::Upgraded(session.client(namespace)));
                    }
                    session
                } else {
                    return socket.dismiss().await;
                }
            }
            Purpose::Nothing => return socket.dismiss().await,
        };
        session.set_websocket(true);
        socket.run(self, Arc::clone(&session)).await;
        session.set_websocket(false);
    }
}

/// The purpose of a WebSocket.
enum Purpose {
    /// A new session.
    Open(Arc<Session>),
    /// The upgrade of a session.
    Probe(Probe),
    /// A second upgrade of a session, which does not get far.
    Nothing,
}

impl Purpose {
    fn protocol(&self) -> Option<Protocol> {
        match self {
            Self::Open(session) | Self::Probe(Probe(session)) => Some(session.protocol()),
            Self::Nothing => None,
        }
    }
}

/// A probe under way, which is over when this is dropped.
struct Probe(Arc<Session>);

impl Probe {
    fn start(session: Arc<Session>) -> Option<Self> {
        session.start_probe().then_some(Self(session))
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.0.give_up_probe();
    }
}
