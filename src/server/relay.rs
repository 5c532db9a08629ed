//! Sends packets as they are.
//!
//! What socketioxide offers to emit with takes a value apart and writes it anew for each client, and tells not who a
//! broadcast has failed for. An adapter of one's own has a way to what lies beneath: this one does what the local
//! adapter does, and is kept where the handlers find it.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use socketioxide::SocketError;
use socketioxide::adapter::Emitter;
use socketioxide_core::Sid;
use socketioxide_core::adapter::{
    BroadcastFlags, BroadcastOptions, CoreAdapter, CoreLocalAdapter, DefinedAdapter, SocketEmitter,
};
use socketioxide_core::packet::Packet;

/// The adapter that socketioxide is given.
pub(super) type Relay = RelayOf<Emitter>;

/// A client in a namespace.
pub(super) type Socket = socketioxide::socket::Socket<Relay>;

/// Where a namespace's relay is, once socketioxide has made it.
pub(super) type Place<E = Emitter> = Arc<OnceLock<Weak<RelayOf<E>>>>;

/// A local adapter that can be found in its place.
pub(super) struct RelayOf<E> {
    local: CoreLocalAdapter<E>,
    place: Option<Place<E>>,
}

impl<E: SocketEmitter> RelayOf<E> {
    /// Everyone in the namespace.
    pub(super) fn everyone(&self) -> Vec<Sid> {
        let mut options = BroadcastOptions::default();
        options.add_flag(BroadcastFlags::Broadcast);
        self.local.sockets(options)
    }

    /// Everyone who has joined a room.
    pub(super) fn room(&self, name: String) -> Vec<Sid> {
        let mut options = BroadcastOptions::default();
        options.rooms.push(name.into());
        self.local.sockets(options)
    }

    /// Puts a packet into a client's queue. Returns false when there is no room in it.
    pub(super) fn send(&self, client: Sid, packet: Packet) -> bool {
        let sent = self.local.broadcast(packet, BroadcastOptions::new(client));
        !sent.is_err_and(|errors| errors.iter().any(|error| matches!(error, SocketError::InternalChannelFull)))
    }
}

impl<E: SocketEmitter> CoreAdapter<E> for RelayOf<E> {
    type Error = Infallible;
    /// The places, by the namespaces' names.
    type State = Vec<(&'static str, Place<E>)>;
    type AckStream = E::AckStream;
    type InitRes = ();

    fn new(places: &Self::State, local: CoreLocalAdapter<E>) -> Self {
        let place = places.iter().find(|(name, _)| *name == local.path().as_str());
        Self { place: place.map(|(_, place)| Arc::clone(place)), local }
    }

    fn init(self: Arc<Self>, on_success: impl FnOnce() + Send + 'static) {
        if let Some(place) = &self.place {
            place.set(Arc::downgrade(&self)).ok();
        }
        on_success();
    }

    async fn broadcast_with_ack(
        &self,
        packet: Packet,
        options: BroadcastOptions,
        timeout: Option<Duration>,
    ) -> Result<Self::AckStream, Self::Error> {
        Ok(self.local.broadcast_with_ack(packet, options, timeout).0)
    }

    fn get_local(&self) -> &CoreLocalAdapter<E> {
        &self.local
    }
}

impl<E> DefinedAdapter for RelayOf<E> {}
