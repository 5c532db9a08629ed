"""A server that begins TLS in the words of a protocol: `python3 starttls.py smtp`, with server-cert.pem and server-key.pem."""
import socket, ssl, sys, threading

protocol = sys.argv[1]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("server-cert.pem", "server-key.pem")


def line(s):
    read = b""
    while not read.endswith(b"\n"):
        octet = s.recv(1)
        if not octet:
            raise EOFError
        read += octet
    return read.strip()


def begin(s):
    if protocol == "smtp":
        s.sendall(b"220-mail.test\r\n220 ESMTP\r\n")
        assert line(s).startswith(b"EHLO"), "EHLO"
        s.sendall(b"250-mail.test\r\n250-STARTTLS\r\n250 SIZE 1\r\n")
        assert line(s) == b"STARTTLS"
        s.sendall(b"220 go ahead\r\n")
    elif protocol == "imap":
        s.sendall(b"* OK IMAP4rev1\r\n")
        while True:
            tag, command = line(s).split(b" ", 1)
            if command.upper().startswith(b"CAPABILITY"):
                s.sendall(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n")
            s.sendall(tag + b" OK done\r\n")
            if command.upper() == b"STARTTLS":
                break
    elif protocol == "pop3":
        s.sendall(b"+OK POP3\r\n")
        assert line(s) == b"STLS"
        s.sendall(b"+OK\r\n")
    elif protocol == "ftp":
        s.sendall(b"220-Hello\r\n and welcome\r\n220 FTP\r\n")
        while True:
            command = line(s)
            if command == b"AUTH TLS":
                break
            s.sendall(b"211-Features\r\n AUTH TLS\r\n211 End\r\n")
        s.sendall(b"234 go\r\n")
    elif protocol == "ldap":
        assert b"1.3.6.1.4.1.1466.20037" in s.recv(64)
        s.sendall(bytes.fromhex("300c02010178070a010004000400"))
    elif protocol == "postgres":
        assert s.recv(8) == bytes.fromhex("0000000804d2162f")
        s.sendall(b"S")
    elif protocol == "mysql":
        greeting = b"\x0a8.0.36\0" + b"\1\0\0\0" + b"12345678\0" + b"\xff\xff" + b"\x21\2\0\xff\xff\x15" + b"\0" * 10
        greeting += b"123456789012\0mysql_native_password\0"
        s.sendall(len(greeting).to_bytes(3, "little") + b"\0" + greeting)
        assert len(s.recv(36)) == 36
    elif protocol == "xmpp":
        s.recv(1024)
        s.sendall(
            b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
            b"id='1' version='1.0'><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
        )
        s.recv(1024)
        s.sendall(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")


def serve(s):
    try:
        begin(s)
        with context.wrap_socket(s, server_side=True) as tls:
            while tls.recv(1024):
                pass
    except (OSError, EOFError, AssertionError):
        s.close()


listener = socket.create_server(("127.0.0.1", 0))
print(f"ready on :{listener.getsockname()[1]}", flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
