// Serves each certificate of a tree and connects to it, with Java's own TLS. Standard input has a line for each: name,
// chain, key, trust, host and CRLs (any number of files), separated by tabs; a line of the same form comes back: name
// and result.

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.CRL;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Scanner;
import java.util.Set;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

class Fixtures {
    static final char[] PASSWORD = "changeit".toCharArray();

    public static void main(String[] arguments) {
        var lines = new Scanner(System.in);
        while (lines.hasNextLine()) {
            var fields = List.of(lines.nextLine().split("\t"));
            System.out.println(fields.get(0) + "\t" + meet(fields.subList(1, fields.size())));
        }
    }

    static String meet(List<String> fields) {
        SSLContext server;
        try {
            server = server(Path.of(fields.get(0)), Path.of(fields.get(1)));
        } catch (Exception error) {
            return "cannot be loaded: " + innermost(error);
        }
        try (var listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var serving = new Thread(() -> serve(server, listener));
            serving.start();
            try {
                return connect(client(fields.get(2), fields.subList(4, fields.size())), fields.get(3), listener);
            } finally {
                listener.close();
                serving.join();
            }
        } catch (Exception error) {
            return "refuses: " + innermost(error);
        }
    }

    static void serve(SSLContext context, ServerSocket listener) {
        try (var socket = listener.accept()) {
            var tls = (SSLSocket) context.getSocketFactory().createSocket(socket, null, true);
            tls.setUseClientMode(false);
            tls.startHandshake();
            tls.getOutputStream().write('.');
            tls.close();
        } catch (IOException error) {
            // The client says why.
        }
    }

    static String connect(SSLContext context, String host, ServerSocket listener) throws Exception {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), listener.getLocalPort())) {
            var tls = (SSLSocket) context.getSocketFactory().createSocket(socket, host, listener.getLocalPort(), true);
            var parameters = tls.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            tls.setSSLParameters(parameters);
            tls.startHandshake();
            return tls.getInputStream().read() == '.' ? "accepts" : "refuses: closed";
        }
    }

    static SSLContext server(Path chain, Path key) throws Exception {
        var store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        var certificates = new ArrayList<Certificate>();
        try (var stream = Files.newInputStream(chain)) {
            certificates.addAll(CertificateFactory.getInstance("X.509").generateCertificates(stream));
        }
        store.setKeyEntry("server", key(key), PASSWORD, certificates.toArray(Certificate[]::new));
        var keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(store, PASSWORD);
        var context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        return context;
    }

    static PrivateKey key(Path file) throws Exception {
        var body = Files.readString(file).replaceAll("-----[^-]*-----|\\s", "");
        var spec = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(body));
        GeneralSecurityException last = null;
        for (var algorithm : List.of("EC", "RSA", "Ed25519")) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(spec);
            } catch (GeneralSecurityException error) {
                last = error;
            }
        }
        throw last;
    }

    static SSLContext client(String trust, List<String> crls) throws Exception {
        var factory = CertificateFactory.getInstance("X.509");
        X509Certificate root;
        try (var stream = Files.newInputStream(Path.of(trust))) {
            root = (X509Certificate) factory.generateCertificate(stream);
        }
        var parameters = new PKIXBuilderParameters(Set.of(new TrustAnchor(root, null)), new X509CertSelector());
        var lists = new ArrayList<CRL>();
        for (var crl : crls) {
            try (var stream = Files.newInputStream(Path.of(crl))) {
                lists.addAll(factory.generateCRLs(stream));
            }
        }
        parameters.setRevocationEnabled(!lists.isEmpty());
        parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(lists)));
        var trusted = TrustManagerFactory.getInstance("PKIX");
        trusted.init(new CertPathTrustManagerParameters(parameters));
        var context = SSLContext.getInstance("TLS");
        context.init(null, trusted.getTrustManagers(), null);
        return context;
    }

    static String innermost(Throwable error) {
        while (error.getCause() != null && error.getCause() != error) {
            error = error.getCause();
        }
        var reason = error instanceof CertPathBuilderException ? error.getMessage() : error.toString();
        // Without times and names, which differ from tree to tree.
        var brief = reason.replaceFirst("^[a-z.]+\\.", "").replaceFirst(": Not(After|Before):.*|, reason:.*", "");
        return brief.replaceAll("\\s+", " ");
    }
}
