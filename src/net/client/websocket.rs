//! The opening handshake of a WebSocket, in which each refusal keeps its answer.

use aws_lc_rs::rand;
use base64_simd::STANDARD;
use bytes::Bytes;
use hyper::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use tokio_tungstenite::WebSocketStream;
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::{Role, WebSocketConfig};

use super::dial::Dialer;
use super::frames::Frames;
use super::http::{Answer, Answered, Request, Unanswered};
use super::stream::Stream;

/// A WebSocket to a server.
pub(crate) type WebSocket = WebSocketStream<Frames>;

/// The longest message that is read: a hundred times the server's own default.
const LONGEST: usize = 128 * 1024 * 1024;

/// Reason why there is no WebSocket.
#[derive(Debug)]
pub(crate) enum NoWebSocket {
    Unanswered(Unanswered),
    /// The server did not switch protocols.
    Refused(Answer),
    /// The server switched, but its Sec-WebSocket-Accept is not the key's.
    WrongAccept(Answer),
    /// The server switched, and what came with that is no frame.
    NoFrames(String),
}

/// Opens a WebSocket (RFC 6455 section 4.1).
pub(crate) async fn open(dialer: &Dialer, target: &str, mut fields: HeaderMap) -> Result<WebSocket, NoWebSocket> {
    let key = key();
    fields.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    fields.insert(UPGRADE, HeaderValue::from_static("websocket"));
    fields.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    if let Ok(key) = HeaderValue::from_str(&key) {
        fields.insert(SEC_WEBSOCKET_KEY, key);
    }
    let answered = Request::get(target, fields).send(dialer).await.map_err(NoWebSocket::Unanswered)?;
    match answered {
        Answered::Answer(answer) => Err(NoWebSocket::Refused(answer)),
        Answered::Switched(answer, stream, received) => {
            let accept = answer.fields.get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
            if accept.map(<[u8]>::trim_ascii) != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
                return Err(NoWebSocket::WrongAccept(answer));
            }
            established(*stream, received).await.map_err(NoWebSocket::NoFrames)
        }
    }
}

async fn established(stream: Stream, received: Bytes) -> Result<WebSocket, String> {
    let mut stream = Frames::new(stream);
    stream.see(&received).map_err(|error| error.to_string())?;
    let config = WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
    Ok(WebSocketStream::from_partially_read(stream, received.to_vec(), Role::Client, Some(config)).await)
}

/// A fresh Sec-WebSocket-Key.
fn key() -> String {
    let mut octets = [0; 16];
    // The key has to differ, not to be unguessable: without the system's random source, zeros do as well.
    let _ = rand::fill(&mut octets);
    STANDARD.encode_to_string(octets)
}
