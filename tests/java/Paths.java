// Java's own path validation (PKIX, as its TLS clients use it): `java Paths.java ROOT INTERMEDIATE CERTIFICATE…` prints
// a line for each certificate, `yes` or `no` with the reason.

import java.io.FileInputStream;
import java.security.GeneralSecurityException;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Set;

class Paths {
    public static void main(String[] files) throws Exception {
        var factory = CertificateFactory.getInstance("X.509");
        var parameters = new PKIXParameters(Set.of(new TrustAnchor(read(factory, files[0]), null)));
        parameters.setRevocationEnabled(false);
        for (int i = 2; i < files.length; i++) {
            var path = factory.generateCertPath(List.of(read(factory, files[i]), read(factory, files[1])));
            try {
                CertPathValidator.getInstance("PKIX").validate(path, parameters);
                System.out.println("yes");
            } catch (GeneralSecurityException error) {
                System.out.println("no " + error.getMessage());
            }
        }
    }

    static X509Certificate read(CertificateFactory factory, String file) throws Exception {
        try (var stream = new FileInputStream(file)) {
            return (X509Certificate) factory.generateCertificate(stream);
        }
    }
}
