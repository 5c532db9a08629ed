//! A session over a WebSocket alone, without polling before it.

use tokio::time::timeout;

use super::asked::Asked;
use super::loss::{NO_FRAMES, words};
use super::refusal::{LOOK, Polled, plain, polled};
use super::run::{Found, Run};
use super::session::IMPATIENCE;
use crate::judge::report::connect::LayerName;
use crate::net::client::{Answer, Lost, NoWebSocket, Server, Session, Transport, Unanswered, answer, websocket};

impl Run<'_> {
    /// Opens a session over a WebSocket.
    pub(super) async fn open_websocket(&mut self, asked: &Asked<'_>) -> Result<Session, Found> {
        let server = asked.server;
        let target = server.target(Transport::WebSocket, None);
        let line = format!("GET {target} HTTP/1.1, Upgrade: websocket");
        let socket = match websocket::open(&server.dialer, &target, server.fields.clone()).await {
            Ok(socket) => socket,
            Err(refusal) => return Err(self.no_websocket(asked, refusal).await.sent(line)),
        };
        self.passed(LayerName::Http, Some("HTTP 101".to_owned()), Vec::new());
        self.transport = Some(Transport::WebSocket.name());
        let mut opening = Box::pin(Session::websocket(server.clone(), socket));
        let opened = match timeout(IMPATIENCE.min(server.dialer.limit / 2), &mut opening).await {
            Ok(opened) => opened,
            // A plain WebSocket server waits for the client to speak.
            Err(_) if !may_be_engine_io(server).await => {
                return Err(plain("HTTP 101, then nothing".to_owned()).sent(line));
            }
            Err(_) => opening.await,
        };
        match opened {
            Ok(session) => {
                self.passed(LayerName::EngineIo, Some(format!("session {}", session.open.sid)), Vec::new());
                self.passed(LayerName::Upgrade, Some("opened as a WebSocket".to_owned()), Vec::new());
                Ok(session)
            }
            Err(lost) => Err(self.no_session(asked, lost).await.sent(line)),
        }
    }

    /// The cause of a WebSocket that opens, and brings no session.
    async fn no_session(&self, asked: &Asked<'_>, lost: Lost) -> Found {
        if let Lost::Malformed(text) = lost {
            let code = if text.starts_with('0') { "eio-version-3" } else { "not-engine-io" };
            return Found::new(code, "the WebSocket does not begin with Engine.IO's open packet").received(text);
        }
        // Where polling finds Engine.IO, it is the WebSocket that fails.
        let is_engine = polled(asked.server).await.is_engine_io();
        let (code, message) = match (&lost, is_engine) {
            (Lost::Timeout, true) => ("upgrade-timeout", "the WebSocket is open, and the open packet does not come"),
            (Lost::NoFrames(_), _) => ("upgrade-broken", NO_FRAMES),
            (Lost::Cut(_) | Lost::Closed(..), false) if asked.server.dialer.tcp().await.is_err() => {
                ("upgrade-broken", "the WebSocket ends as soon as it is open, and the server is gone after that")
            }
            (_, true) => ("upgrade-broken", "the WebSocket ends as soon as it is open"),
            (Lost::Timeout, false) => {
                ("not-engine-io", "the WebSocket is open, and nothing comes: the server is not Socket.IO")
            }
            (_, false) => {
                ("not-engine-io", "the WebSocket ends as soon as it is open, and polling finds no Engine.IO either")
            }
        };
        Found::new(code, message).received(words(&lost))
    }

    /// The cause of a handshake of a WebSocket that fails; polling tells whether it alone does.
    async fn no_websocket(&self, asked: &Asked<'_>, refusal: NoWebSocket) -> Found {
        match refusal {
            NoWebSocket::WrongAccept(answer) => {
                let message = "the server answers 101, but its Sec-WebSocket-Accept is not the one for the key";
                Found::new("upgrade-refused", message).received(answer.words())
            }
            NoWebSocket::NoFrames(octets) => Found::new("upgrade-broken", NO_FRAMES).received(octets),
            NoWebSocket::Refused(answer) => self.no_switch(asked, &answer).await,
            NoWebSocket::Unanswered(unanswered) => match polled(asked.server).await {
                Polled::Not(not, answer) if !not.code.starts_with("eio-") => self.refused(asked, not, &answer).await,
                Polled::Nothing => self.unanswered_request(asked, unanswered).await,
                Polled::Open | Polled::Not(..) => match unanswered {
                    Unanswered::Timeout => {
                        Found::new("upgrade-timeout", "the WebSocket's handshake is not answered").received("nothing")
                    }
                    Unanswered::Broken { error, .. } => {
                        let message = "the connection is closed at the WebSocket's handshake, and polling works";
                        Found::new("upgrade-refused", message).received(error)
                    }
                    dial @ Unanswered::Dial(_) => self.unanswered_request(asked, dial).await,
                },
            },
        }
    }

    /// The cause of an answer to the handshake that does not switch protocols.
    async fn no_switch(&self, asked: &Asked<'_>, answer: &Answer) -> Found {
        let not = answer::refusal(answer);
        match polled(asked.server).await {
            // A server without polling says nothing about WebSockets by refusing that.
            Polled::Not(by_polling, polled) if by_polling.code != "eio-transport-unknown" => {
                self.refused(asked, by_polling, &polled).await
            }
            Polled::Open if answer.status.as_u16() == 200 || not.code == "eio-bad-request" => {
                let message = "the Upgrade header did not arrive: the server took the handshake for a plain request";
                Found::new("upgrade-dropped", message).received(answer.words())
            }
            Polled::Open if not.code == "eio-transport-unknown" => {
                let hint = "the server has no WebSockets: connect with --transport polling (transports: ['polling'] in the \
                            client), or allow them in the server's transports";
                self.refused(asked, not, answer).await.hint(hint)
            }
            Polled::Open if not.code.starts_with("eio-") || not.code == "rate-limited" => {
                self.refused(asked, not, answer).await
            }
            Polled::Open => {
                let message = format!("the server answers {} in place of 101, and polling works", answer.status);
                Found::new("upgrade-refused", message).received(answer.words())
            }
            Polled::Not(..) | Polled::Nothing => self.refused(asked, not, answer).await,
        }
    }
}

/// Decides whether polling finds Engine.IO, by a session or by a refusal of its own.
async fn may_be_engine_io(server: &Server) -> bool {
    let mut server = server.clone();
    server.dialer.limit = LOOK.min(server.dialer.limit);
    polled(&server).await.is_engine_io()
}
