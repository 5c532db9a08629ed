// Connects to a server on this machine as Java's HTTPS clients do: `java Client ROOT HOST PORT…` prints a line for each
// port, `yes` or `no` with the reason. HOST stands before each port.

import java.io.FileInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

class Client {
    public static void main(String[] arguments) throws Exception {
        var trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        try (var stream = new FileInputStream(arguments[0])) {
            trusted.setCertificateEntry("root", CertificateFactory.getInstance("X.509").generateCertificate(stream));
        }
        var managers = TrustManagerFactory.getInstance("PKIX");
        managers.init(trusted);
        var context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        for (int i = 1; i + 1 < arguments.length; i += 2) {
            var host = arguments[i];
            try (var plain = new Socket(InetAddress.getByName("127.0.0.1"), Integer.parseInt(arguments[i + 1]));
                    var socket = (SSLSocket) context.getSocketFactory().createSocket(plain, host, plain.getPort(), true)) {
                var parameters = socket.getSSLParameters();
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
                socket.setSSLParameters(parameters);
                socket.startHandshake();
                System.out.println("yes");
            } catch (IOException error) {
                System.out.println("no " + error.getMessage());
            }
        }
    }
}
