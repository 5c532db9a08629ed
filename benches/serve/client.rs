//! The least a client can be, so that it is the server which is measured: frames are taken apart by hand.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::unchecked;

/// A TLS connection with its read buffer.
pub(crate) struct Client {
    stream: TlsStream<TcpStream>,
    received: Vec<u8>,
}

impl Client {
    /// Connects with a full handshake.
    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Self> {
        static CONFIG: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| Arc::new(config()));
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::clone(&CONFIG)).connect(name, tcp).await?;
        Ok(Self { stream, received: Vec::with_capacity(16 * 1024) })
    }

    /// Opens a WebSocket, joins `/` and reads the welcome.
    pub(crate) async fn join(address: SocketAddr) -> io::Result<Self> {
        let mut client = Self::connect(address).await?;
        let request = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n\
            Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        client.write(request.as_bytes()).await?;
        let head = client.read_head().await?;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        client.send(&["40"]).await?;
        while !client.read_packets(|packet| packet.starts_with("42[\"message\",")).await? {}
        Ok(client)
    }

    /// Sends packets in one write.
    pub(crate) async fn send(&mut self, packets: &[impl AsRef<str>]) -> io::Result<()> {
        let mut frames = Vec::new();
        for packet in packets {
            put_frame(&mut frames, packet.as_ref());
        }
        self.write(&frames).await
    }

    /// Reads once, and shows each packet. Returns whether that was true for one of them. Pings are answered.
    pub(crate) async fn read_packets(&mut self, mut show: impl FnMut(&str) -> bool) -> io::Result<bool> {
        self.read_more().await?;
        let (mut at, mut found, mut is_pinged) = (0, false, false);
        while let Some((packet, end)) = take_frame(&self.received[at..]) {
            match packet {
                "2" => is_pinged = true,
                packet => found |= show(packet),
            }
            at += end;
        }
        self.received.drain(..at);
        if is_pinged {
            self.send(&["3"]).await?;
        }
        Ok(found)
    }

    /// Sends an HTTP request, and reads the answer's body.
    pub(crate) async fn request(&mut self, head: &str, body: &str) -> io::Result<String> {
        self.write(format!("{head}Host: localhost\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await?;
        let head = self.read_head().await?;
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
        });
        let length: usize = length.unwrap_or_else(|| panic!("no length: {head}"));
        while self.received.len() < length {
            self.read_more().await?;
        }
        Ok(String::from_utf8(self.received.drain(..length).collect()).unwrap())
    }

    async fn read_head(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.received.windows(4).position(|end| end == b"\r\n\r\n") {
                return Ok(String::from_utf8(self.received.drain(..end + 4).collect()).unwrap());
            }
            self.read_more().await?;
        }
    }

    async fn read_more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }
}

/// A client's text frame; the mask is all zero.
fn put_frame(frames: &mut Vec<u8>, text: &str) {
    frames.push(0x81);
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    match length {
        [0, length @ 0..126] => frames.push(0x80 | length),
        length => frames.extend([0xfe, length[0], length[1]]),
    }
    frames.extend([0; 4]);
    frames.extend(text.as_bytes());
}

/// The first of a server's text frames, and where it ends.
fn take_frame(received: &[u8]) -> Option<(&str, usize)> {
    let (start, length) = match received {
        [0x81, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([*high, *low]))),
        [0x81, length @ 0..126, ..] => (2, usize::from(*length)),
        [] | [0x81] | [0x81, 126, ..] => return None,
        other => panic!("{other:?}"),
    };
    let text = received.get(start..start + length)?;
    Some((std::str::from_utf8(text).unwrap(), start + length))
}

/// Each connection is a full handshake.
fn config() -> ClientConfig {
    let mut config = unchecked::config();
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}
