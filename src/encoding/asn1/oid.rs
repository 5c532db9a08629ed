//! Object identifiers: in dots, and the names of those that occur in certificates and keys.

/// An identifier's content octets as a dotted OID; `#` and hex if they are not an OID.
///
/// An arc may have 128 bits, as a UUID has (X.667).
#[must_use]
pub fn dotted(octets: &[u8]) -> String {
    arcs(octets).unwrap_or_else(|| format!("#{}", crate::base::hex::hex(octets)))
}

/// Decides whether content octets are an identifier: at least one arc, each whole and without leading zeros (X.690
/// section 8.19).
#[must_use]
pub fn is_well_formed(octets: &[u8]) -> bool {
    let mut is_start = true;
    for octet in octets {
        if is_start && *octet == 0x80 {
            return false;
        }
        is_start = octet & 0x80 == 0;
    }
    is_start && !octets.is_empty()
}

fn arcs(octets: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(24);
    let mut digits = itoa::Buffer::new();
    let mut arc: u128 = 0;
    let mut is_open = false;
    for octet in octets {
        arc = arc.checked_mul(128)? + u128::from(octet & 0x7f);
        is_open = octet & 0x80 != 0;
        if is_open {
            continue;
        }
        if text.is_empty() {
            // The first two arcs are in one (X.690 section 8.19.4).
            let first = (arc / 40).min(2);
            text.push_str(digits.format(first));
            arc -= first * 40;
        }
        text.push('.');
        // Arcs of more than 64 bits are rare, and slow to write.
        text.push_str(match u64::try_from(arc) {
            Ok(arc) => digits.format(arc),
            Err(_) => digits.format(arc),
        });
        arc = 0;
    }
    (!is_open && !text.is_empty()).then_some(text)
}

/// The name that the standards or their makers gave an identifier.
#[must_use]
pub fn name(dotted: &str) -> Option<&'static str> {
    let row = NAMES.binary_search_by(|(oid, _)| (*oid).cmp(dotted)).ok()?;
    NAMES.get(row).map(|(_, name)| *name)
}

/// The identifier in dots of a name, in whichever case.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static str> {
    NAMES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(dotted, _)| *dotted)
}

/// The name of an identifier; the identifier itself if its name is unknown here.
#[must_use]
pub fn name_or_dotted(dotted: &str) -> String {
    name(dotted).unwrap_or(dotted).to_owned()
}

/// Attribute types, extensions, purposes, policies, algorithms and other identifiers, in the order of their text.
#[rustfmt::skip]
const NAMES: &[(&str, &str)] = &[
    ("0.4.0.1862.1.1", "QcCompliance"),
    ("0.4.0.1862.1.2", "QcLimitValue"),
    ("0.4.0.1862.1.3", "QcRetentionPeriod"),
    ("0.4.0.1862.1.4", "QcSSCD"),
    ("0.4.0.1862.1.5", "QcPDS"),
    ("0.4.0.1862.1.6", "QcType"),
    ("0.4.0.1862.1.6.1", "electronic signature"),
    ("0.4.0.1862.1.6.2", "electronic seal"),
    ("0.4.0.1862.1.6.3", "website authentication"),
    ("0.4.0.1862.1.7", "QcCClegislation"),
    ("0.4.0.194112.1.0", "ETSI QCP-n"),
    ("0.4.0.194112.1.1", "ETSI QCP-l"),
    ("0.4.0.194112.1.2", "ETSI QCP-n-qscd"),
    ("0.4.0.194112.1.3", "ETSI QCP-l-qscd"),
    ("0.4.0.194112.1.4", "ETSI QEVCP-w"),
    ("0.4.0.194112.1.5", "ETSI QNCP-w"),
    ("0.4.0.19495.1.1", "PSP_AS"),
    ("0.4.0.19495.1.2", "PSP_PI"),
    ("0.4.0.19495.1.3", "PSP_AI"),
    ("0.4.0.19495.1.4", "PSP_IC"),
    ("0.4.0.19495.2", "PSD2"),
    ("0.4.0.2042.1.1", "ETSI NCP"),
    ("0.4.0.2042.1.2", "ETSI NCP+"),
    ("0.4.0.2042.1.3", "ETSI LCP"),
    ("0.4.0.2042.1.4", "ETSI EVCP"),
    ("0.4.0.2042.1.6", "ETSI DVCP"),
    ("0.4.0.2042.1.7", "ETSI OVCP"),
    ("0.9.2342.19200300.100.1.1", "userId"),
    ("0.9.2342.19200300.100.1.25", "domainComponent"),
    ("0.9.2342.19200300.100.1.3", "mail"),
    ("1.0.18013.5.1.2", "mdlDocumentSigner"),
    ("1.2.156.10197.1.501", "SM2-with-SM3"),
    ("1.2.643.100.1", "OGRN"),
    ("1.2.643.100.3", "SNILS"),
    ("1.2.643.100.4", "INNLE"),
    ("1.2.643.100.5", "OGRNIP"),
    ("1.2.643.2.2.19", "GOST R 34.10-2001"),
    ("1.2.643.2.2.3", "GOST R 34.10-2001 with GOST R 34.11-94"),
    ("1.2.643.3.131.1.1", "INN"),
    ("1.2.643.7.1.1.1.1", "GOST R 34.10-2012 256"),
    ("1.2.643.7.1.1.1.2", "GOST R 34.10-2012 512"),
    ("1.2.643.7.1.1.3.2", "GOST R 34.10-2012 256 with GOST R 34.11-2012"),
    ("1.2.643.7.1.1.3.3", "GOST R 34.10-2012 512 with GOST R 34.11-2012"),
    ("1.2.840.10040.4.1", "dsa"),
    ("1.2.840.10040.4.3", "dsa-with-SHA1"),
    ("1.2.840.10045.2.1", "ecPublicKey"),
    ("1.2.840.10045.3.1.1", "P-192"),
    ("1.2.840.10045.3.1.7", "P-256"),
    ("1.2.840.10045.4.1", "ecdsa-with-SHA1"),
    ("1.2.840.10045.4.3.1", "ecdsa-with-SHA224"),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256"),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384"),
    ("1.2.840.10045.4.3.4", "ecdsa-with-SHA512"),
    ("1.2.840.10046.2.1", "dhpublicnumber"),
    ("1.2.840.113533.7.65.0", "entrustVersInfo"),
    ("1.2.840.113549.1.1.1", "rsaEncryption"),
    ("1.2.840.113549.1.1.10", "rsassaPss"),
    ("1.2.840.113549.1.1.11", "sha256WithRSAEncryption"),
    ("1.2.840.113549.1.1.12", "sha384WithRSAEncryption"),
    ("1.2.840.113549.1.1.13", "sha512WithRSAEncryption"),
    ("1.2.840.113549.1.1.14", "sha224WithRSAEncryption"),
    ("1.2.840.113549.1.1.15", "sha512-224WithRSAEncryption"),
    ("1.2.840.113549.1.1.16", "sha512-256WithRSAEncryption"),
    ("1.2.840.113549.1.1.2", "md2WithRSAEncryption"),
    ("1.2.840.113549.1.1.3", "md4WithRSAEncryption"),
    ("1.2.840.113549.1.1.4", "md5WithRSAEncryption"),
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption"),
    ("1.2.840.113549.1.1.7", "rsaesOaep"),
    ("1.2.840.113549.1.1.8", "mgf1"),
    ("1.2.840.113549.1.12.1.1", "pbeWithSHA1And128BitRC4"),
    ("1.2.840.113549.1.12.1.2", "pbeWithSHA1And40BitRC4"),
    ("1.2.840.113549.1.12.1.3", "pbeWithSHA1And3-KeyTripleDES-CBC"),
    ("1.2.840.113549.1.12.1.4", "pbeWithSHA1And2-KeyTripleDES-CBC"),
    ("1.2.840.113549.1.12.1.5", "pbeWithSHA1And128BitRC2-CBC"),
    ("1.2.840.113549.1.12.1.6", "pbeWithSHA1And40BitRC2-CBC"),
    ("1.2.840.113549.1.3.1", "dhKeyAgreement"),
    ("1.2.840.113549.1.5.1", "pbeWithMD2AndDES-CBC"),
    ("1.2.840.113549.1.5.10", "pbeWithSHA1AndDES-CBC"),
    ("1.2.840.113549.1.5.11", "pbeWithSHA1AndRC2-CBC"),
    ("1.2.840.113549.1.5.12", "PBKDF2"),
    ("1.2.840.113549.1.5.13", "PBES2"),
    ("1.2.840.113549.1.5.14", "PBMAC1"),
    ("1.2.840.113549.1.5.3", "pbeWithMD5AndDES-CBC"),
    ("1.2.840.113549.1.5.4", "pbeWithMD2AndRC2-CBC"),
    ("1.2.840.113549.1.5.6", "pbeWithMD5AndRC2-CBC"),
    ("1.2.840.113549.1.7.1", "data"),
    ("1.2.840.113549.1.7.2", "signedData"),
    ("1.2.840.113549.1.7.3", "envelopedData"),
    ("1.2.840.113549.1.7.4", "signedAndEnvelopedData"),
    ("1.2.840.113549.1.7.5", "digestedData"),
    ("1.2.840.113549.1.7.6", "encryptedData"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
    ("1.2.840.113549.1.9.14", "extensionRequest"),
    ("1.2.840.113549.1.9.15", "sMIMECapabilities"),
    ("1.2.840.113549.1.9.16.1.2", "authData"),
    ("1.2.840.113549.1.9.16.1.4", "tstInfo"),
    ("1.2.840.113549.1.9.16.1.9", "compressedData"),
    ("1.2.840.113549.1.9.2", "unstructuredName"),
    ("1.2.840.113549.1.9.20", "friendlyName"),
    ("1.2.840.113549.1.9.21", "localKeyID"),
    ("1.2.840.113549.1.9.3", "contentType"),
    ("1.2.840.113549.1.9.4", "messageDigest"),
    ("1.2.840.113549.1.9.5", "signingTime"),
    ("1.2.840.113549.1.9.7", "challengePassword"),
    ("1.2.840.113549.1.9.8", "unstructuredAddress"),
    ("1.2.840.113549.2.10", "hmacWithSHA384"),
    ("1.2.840.113549.2.11", "hmacWithSHA512"),
    ("1.2.840.113549.2.12", "hmacWithSHA512-224"),
    ("1.2.840.113549.2.13", "hmacWithSHA512-256"),
    ("1.2.840.113549.2.2", "md2"),
    ("1.2.840.113549.2.5", "md5"),
    ("1.2.840.113549.2.7", "hmacWithSHA1"),
    ("1.2.840.113549.2.8", "hmacWithSHA224"),
    ("1.2.840.113549.2.9", "hmacWithSHA256"),
    ("1.2.840.113549.3.2", "RC2-CBC"),
    ("1.2.840.113549.3.7", "DES-EDE3-CBC"),
    ("1.2.840.113583.1.1.9.1", "adobeTimestamp"),
    ("1.2.840.113583.1.1.9.2", "adobeArchiveRevInfo"),
    ("1.3.101.110", "X25519"),
    ("1.3.101.111", "X448"),
    ("1.3.101.112", "ED25519"),
    ("1.3.101.113", "ED448"),
    ("1.3.132.0.10", "secp256k1"),
    ("1.3.132.0.33", "P-224"),
    ("1.3.132.0.34", "P-384"),
    ("1.3.132.0.35", "P-521"),
    ("1.3.14.3.2.26", "sha1"),
    ("1.3.14.3.2.27", "dsaWithSHA"),
    ("1.3.14.3.2.29", "sha1WithRSA"),
    ("1.3.14.3.2.7", "DES-CBC"),
    ("1.3.6.1.4.1.11129.2.4.2", "signedCertificateTimestampList"),
    ("1.3.6.1.4.1.11129.2.4.3", "ctPoison"),
    ("1.3.6.1.4.1.11129.2.4.4", "ctPrecertificateSigning"),
    ("1.3.6.1.4.1.11129.2.4.5", "ocspSignedCertificateTimestampList"),
    ("1.3.6.1.4.1.11591.4.11", "scrypt"),
    ("1.3.6.1.4.1.311.10.12.1", "microsoftAnyApplicationPolicy"),
    ("1.3.6.1.4.1.311.10.3.1", "microsoftTrustListSigning"),
    ("1.3.6.1.4.1.311.10.3.12", "microsoftDocumentSigning"),
    ("1.3.6.1.4.1.311.10.3.3", "microsoftServerGatedCrypto"),
    ("1.3.6.1.4.1.311.10.3.4", "microsoftEncryptedFileSystem"),
    ("1.3.6.1.4.1.311.10.3.4.1", "microsoftEFSRecovery"),
    ("1.3.6.1.4.1.311.13.2.1", "enrollmentNameValuePair"),
    ("1.3.6.1.4.1.311.13.2.2", "enrollmentCSPProvider"),
    ("1.3.6.1.4.1.311.13.2.3", "osVersion"),
    ("1.3.6.1.4.1.311.17.1", "microsoftCSPName"),
    ("1.3.6.1.4.1.311.17.2", "localMachineKeyset"),
    ("1.3.6.1.4.1.311.2.1.14", "certExtensions"),
    ("1.3.6.1.4.1.311.2.1.21", "microsoftIndividualCodeSigning"),
    ("1.3.6.1.4.1.311.2.1.22", "microsoftCommercialCodeSigning"),
    ("1.3.6.1.4.1.311.20.2", "certificateTemplateName"),
    ("1.3.6.1.4.1.311.20.2.1", "microsoftEnrollmentAgent"),
    ("1.3.6.1.4.1.311.20.2.2", "microsoftSmartcardLogon"),
    ("1.3.6.1.4.1.311.20.2.3", "UPN"),
    ("1.3.6.1.4.1.311.21.1", "caVersion"),
    ("1.3.6.1.4.1.311.21.10", "applicationPolicies"),
    ("1.3.6.1.4.1.311.21.11", "applicationPolicyMappings"),
    ("1.3.6.1.4.1.311.21.14", "publishedCRLLocations"),
    ("1.3.6.1.4.1.311.21.19", "microsoftDirectoryServiceReplication"),
    ("1.3.6.1.4.1.311.21.2", "previousCertificateHash"),
    ("1.3.6.1.4.1.311.21.20", "requestClientInfo"),
    ("1.3.6.1.4.1.311.21.22", "certSrvCrossCA"),
    ("1.3.6.1.4.1.311.21.3", "crlVirtualBase"),
    ("1.3.6.1.4.1.311.21.4", "crlNextPublish"),
    ("1.3.6.1.4.1.311.21.5", "microsoftCAExchange"),
    ("1.3.6.1.4.1.311.21.6", "microsoftKeyRecoveryAgent"),
    ("1.3.6.1.4.1.311.21.7", "certificateTemplate"),
    ("1.3.6.1.4.1.311.25.1", "NTDS replication"),
    ("1.3.6.1.4.1.311.25.2", "ntdsCASecurity"),
    ("1.3.6.1.4.1.311.54.1.2", "microsoftRemoteDesktop"),
    ("1.3.6.1.4.1.311.60.2.1.1", "jurisdictionLocalityName"),
    ("1.3.6.1.4.1.311.60.2.1.2", "jurisdictionStateOrProvinceName"),
    ("1.3.6.1.4.1.311.60.2.1.3", "jurisdictionCountryName"),
    ("1.3.6.1.4.1.311.80.1", "microsoftDocumentEncryption"),
    ("1.3.6.1.4.1.37476.9000.64.1", "organizationIdentifierAlternative"),
    ("1.3.6.1.4.1.42.2.17.1.1", "JKS key protector"),
    ("1.3.6.1.4.1.42.2.19.1", "JCEKS key protector"),
    ("1.3.6.1.4.1.44363.44", "delegationUsage"),
    ("1.3.6.1.5.2.2", "Kerberos principal"),
    ("1.3.6.1.5.2.3.4", "pkinitClientAuth"),
    ("1.3.6.1.5.2.3.5", "pkinitKDC"),
    ("1.3.6.1.5.5.7.1.1", "authorityInfoAccess"),
    ("1.3.6.1.5.5.7.1.11", "subjectInfoAccess"),
    ("1.3.6.1.5.5.7.1.12", "logotype"),
    ("1.3.6.1.5.5.7.1.14", "proxyCertInfo"),
    ("1.3.6.1.5.5.7.1.2", "biometricInfo"),
    ("1.3.6.1.5.5.7.1.24", "tlsFeature"),
    ("1.3.6.1.5.5.7.1.28", "ipAddrBlocks-v2"),
    ("1.3.6.1.5.5.7.1.29", "autonomousSysIds-v2"),
    ("1.3.6.1.5.5.7.1.3", "qcStatements"),
    ("1.3.6.1.5.5.7.1.31", "acmeIdentifier"),
    ("1.3.6.1.5.5.7.1.7", "ipAddrBlocks"),
    ("1.3.6.1.5.5.7.1.8", "autonomousSysIds"),
    ("1.3.6.1.5.5.7.11.1", "QcSyntax-v1"),
    ("1.3.6.1.5.5.7.11.2", "QcSyntax-v2"),
    ("1.3.6.1.5.5.7.2.1", "cps"),
    ("1.3.6.1.5.5.7.2.2", "userNotice"),
    ("1.3.6.1.5.5.7.3.1", "serverAuth"),
    ("1.3.6.1.5.5.7.3.10", "dvcs"),
    ("1.3.6.1.5.5.7.3.13", "eapOverPPP"),
    ("1.3.6.1.5.5.7.3.14", "eapOverLAN"),
    ("1.3.6.1.5.5.7.3.15", "scvpServer"),
    ("1.3.6.1.5.5.7.3.16", "scvpClient"),
    ("1.3.6.1.5.5.7.3.17", "ipsecIKE"),
    ("1.3.6.1.5.5.7.3.2", "clientAuth"),
    ("1.3.6.1.5.5.7.3.21", "secureShellClient"),
    ("1.3.6.1.5.5.7.3.22", "secureShellServer"),
    ("1.3.6.1.5.5.7.3.27", "cmcCA"),
    ("1.3.6.1.5.5.7.3.28", "cmcRA"),
    ("1.3.6.1.5.5.7.3.3", "codeSigning"),
    ("1.3.6.1.5.5.7.3.30", "bundleSecurity"),
    ("1.3.6.1.5.5.7.3.31", "brandIndicatorForMessageIdentification"),
    ("1.3.6.1.5.5.7.3.36", "documentSigning"),
    ("1.3.6.1.5.5.7.3.4", "emailProtection"),
    ("1.3.6.1.5.5.7.3.5", "ipsecEndSystem"),
    ("1.3.6.1.5.5.7.3.6", "ipsecTunnel"),
    ("1.3.6.1.5.5.7.3.7", "ipsecUser"),
    ("1.3.6.1.5.5.7.3.8", "timeStamping"),
    ("1.3.6.1.5.5.7.3.9", "OCSPSigning"),
    ("1.3.6.1.5.5.7.48.1", "OCSP"),
    ("1.3.6.1.5.5.7.48.1.2", "ocspNonce"),
    ("1.3.6.1.5.5.7.48.1.5", "ocspNoCheck"),
    ("1.3.6.1.5.5.7.48.10", "rpkiManifest"),
    ("1.3.6.1.5.5.7.48.11", "signedObject"),
    ("1.3.6.1.5.5.7.48.13", "rpkiNotify"),
    ("1.3.6.1.5.5.7.48.2", "caIssuers"),
    ("1.3.6.1.5.5.7.48.3", "timeStamping"),
    ("1.3.6.1.5.5.7.48.5", "caRepository"),
    ("1.3.6.1.5.5.7.8.11", "bundleEID"),
    ("1.3.6.1.5.5.7.8.3", "permanentIdentifier"),
    ("1.3.6.1.5.5.7.8.4", "hardwareModuleName"),
    ("1.3.6.1.5.5.7.8.5", "XmppAddr"),
    ("1.3.6.1.5.5.7.8.7", "SRVName"),
    ("1.3.6.1.5.5.7.8.8", "NAIRealm"),
    ("1.3.6.1.5.5.7.8.9", "SmtpUTF8Mailbox"),
    ("1.3.6.1.5.5.7.9.1", "dateOfBirth"),
    ("1.3.6.1.5.5.7.9.2", "placeOfBirth"),
    ("1.3.6.1.5.5.7.9.3", "gender"),
    ("1.3.6.1.5.5.7.9.4", "countryOfCitizenship"),
    ("1.3.6.1.5.5.7.9.5", "countryOfResidence"),
    ("1.3.6.1.5.5.8.2.2", "ipsecIntermediateSystem"),
    ("2.16.840.1.101.3.4.1.2", "AES-128-CBC"),
    ("2.16.840.1.101.3.4.1.22", "AES-192-CBC"),
    ("2.16.840.1.101.3.4.1.26", "AES-192-GCM"),
    ("2.16.840.1.101.3.4.1.42", "AES-256-CBC"),
    ("2.16.840.1.101.3.4.1.46", "AES-256-GCM"),
    ("2.16.840.1.101.3.4.1.6", "AES-128-GCM"),
    ("2.16.840.1.101.3.4.2.1", "sha256"),
    ("2.16.840.1.101.3.4.2.10", "sha3-512"),
    ("2.16.840.1.101.3.4.2.11", "shake128"),
    ("2.16.840.1.101.3.4.2.12", "shake256"),
    ("2.16.840.1.101.3.4.2.2", "sha384"),
    ("2.16.840.1.101.3.4.2.3", "sha512"),
    ("2.16.840.1.101.3.4.2.4", "sha224"),
    ("2.16.840.1.101.3.4.2.7", "sha3-224"),
    ("2.16.840.1.101.3.4.2.8", "sha3-256"),
    ("2.16.840.1.101.3.4.2.9", "sha3-384"),
    ("2.16.840.1.101.3.4.3.1", "dsa-with-SHA224"),
    ("2.16.840.1.101.3.4.3.10", "ecdsa-with-SHA3-256"),
    ("2.16.840.1.101.3.4.3.11", "ecdsa-with-SHA3-384"),
    ("2.16.840.1.101.3.4.3.12", "ecdsa-with-SHA3-512"),
    ("2.16.840.1.101.3.4.3.13", "rsa-with-SHA3-224"),
    ("2.16.840.1.101.3.4.3.14", "rsa-with-SHA3-256"),
    ("2.16.840.1.101.3.4.3.15", "rsa-with-SHA3-384"),
    ("2.16.840.1.101.3.4.3.16", "rsa-with-SHA3-512"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65"),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87"),
    ("2.16.840.1.101.3.4.3.2", "dsa-with-SHA256"),
    ("2.16.840.1.101.3.4.3.20", "SLH-DSA-SHA2-128s"),
    ("2.16.840.1.101.3.4.3.21", "SLH-DSA-SHA2-128f"),
    ("2.16.840.1.101.3.4.3.22", "SLH-DSA-SHA2-192s"),
    ("2.16.840.1.101.3.4.3.23", "SLH-DSA-SHA2-192f"),
    ("2.16.840.1.101.3.4.3.24", "SLH-DSA-SHA2-256s"),
    ("2.16.840.1.101.3.4.3.25", "SLH-DSA-SHA2-256f"),
    ("2.16.840.1.101.3.4.3.26", "SLH-DSA-SHAKE-128s"),
    ("2.16.840.1.101.3.4.3.27", "SLH-DSA-SHAKE-128f"),
    ("2.16.840.1.101.3.4.3.28", "SLH-DSA-SHAKE-192s"),
    ("2.16.840.1.101.3.4.3.29", "SLH-DSA-SHAKE-192f"),
    ("2.16.840.1.101.3.4.3.3", "dsa-with-SHA384"),
    ("2.16.840.1.101.3.4.3.30", "SLH-DSA-SHAKE-256s"),
    ("2.16.840.1.101.3.4.3.31", "SLH-DSA-SHAKE-256f"),
    ("2.16.840.1.101.3.4.3.4", "dsa-with-SHA512"),
    ("2.16.840.1.101.3.4.3.9", "ecdsa-with-SHA3-224"),
    ("2.16.840.1.101.3.4.4.1", "ML-KEM-512"),
    ("2.16.840.1.101.3.4.4.2", "ML-KEM-768"),
    ("2.16.840.1.101.3.4.4.3", "ML-KEM-1024"),
    ("2.16.840.1.101.3.6.6", "FASC-N"),
    ("2.16.840.1.101.3.6.8", "pivCardAuthentication"),
    ("2.16.840.1.113730.1.1", "netscapeCertType"),
    ("2.16.840.1.113730.1.12", "netscapeSSLServerName"),
    ("2.16.840.1.113730.1.13", "netscapeComment"),
    ("2.16.840.1.113730.1.2", "netscapeBaseUrl"),
    ("2.16.840.1.113730.1.3", "netscapeRevocationUrl"),
    ("2.16.840.1.113730.1.4", "netscapeCARevocationUrl"),
    ("2.16.840.1.113730.1.7", "netscapeRenewalUrl"),
    ("2.16.840.1.113730.1.8", "netscapeCAPolicyUrl"),
    ("2.16.840.1.113730.4.1", "netscapeServerGatedCrypto"),
    ("2.23.133.8.3", "tcgAttestationIdentityKey"),
    ("2.23.136.1.1.3", "icaoMasterListSigner"),
    ("2.23.140.1.1", "CA/Browser Forum extended validation"),
    ("2.23.140.1.2.1", "CA/Browser Forum domain validated"),
    ("2.23.140.1.2.2", "CA/Browser Forum organization validated"),
    ("2.23.140.1.2.3", "CA/Browser Forum individual validated"),
    ("2.23.140.1.3", "CA/Browser Forum extended validation code signing"),
    ("2.23.140.1.31", "torServiceDescriptor"),
    ("2.23.140.1.4.1", "CA/Browser Forum code signing"),
    ("2.23.140.1.4.2", "CA/Browser Forum timestamping"),
    ("2.23.140.1.5.1.1", "CA/Browser Forum S/MIME mailbox validated legacy"),
    ("2.23.140.1.5.1.2", "CA/Browser Forum S/MIME mailbox validated multipurpose"),
    ("2.23.140.1.5.1.3", "CA/Browser Forum S/MIME mailbox validated strict"),
    ("2.23.140.1.5.2.1", "CA/Browser Forum S/MIME organization validated legacy"),
    ("2.23.140.1.5.2.2", "CA/Browser Forum S/MIME organization validated multipurpose"),
    ("2.23.140.1.5.2.3", "CA/Browser Forum S/MIME organization validated strict"),
    ("2.23.140.1.5.3.1", "CA/Browser Forum S/MIME sponsor validated legacy"),
    ("2.23.140.1.5.3.2", "CA/Browser Forum S/MIME sponsor validated multipurpose"),
    ("2.23.140.1.5.3.3", "CA/Browser Forum S/MIME sponsor validated strict"),
    ("2.23.140.1.5.4.1", "CA/Browser Forum S/MIME individual validated legacy"),
    ("2.23.140.1.5.4.2", "CA/Browser Forum S/MIME individual validated multipurpose"),
    ("2.23.140.1.5.4.3", "CA/Browser Forum S/MIME individual validated strict"),
    ("2.23.140.3.1", "cabfOrganizationIdentifier"),
    ("2.23.42.7.0", "setHashedRootKey"),
    ("2.5.29.14", "subjectKeyIdentifier"),
    ("2.5.29.15", "keyUsage"),
    ("2.5.29.16", "privateKeyUsagePeriod"),
    ("2.5.29.17", "subjectAltName"),
    ("2.5.29.18", "issuerAltName"),
    ("2.5.29.19", "basicConstraints"),
    ("2.5.29.20", "cRLNumber"),
    ("2.5.29.21", "cRLReason"),
    ("2.5.29.23", "holdInstructionCode"),
    ("2.5.29.24", "invalidityDate"),
    ("2.5.29.27", "deltaCRLIndicator"),
    ("2.5.29.28", "issuingDistributionPoint"),
    ("2.5.29.29", "certificateIssuer"),
    ("2.5.29.30", "nameConstraints"),
    ("2.5.29.31", "cRLDistributionPoints"),
    ("2.5.29.32", "certificatePolicies"),
    ("2.5.29.32.0", "anyPolicy"),
    ("2.5.29.33", "policyMappings"),
    ("2.5.29.35", "authorityKeyIdentifier"),
    ("2.5.29.36", "policyConstraints"),
    ("2.5.29.37", "extKeyUsage"),
    ("2.5.29.37.0", "anyExtendedKeyUsage"),
    ("2.5.29.46", "freshestCRL"),
    ("2.5.29.54", "inhibitAnyPolicy"),
    ("2.5.29.55", "targetInformation"),
    ("2.5.29.56", "noRevAvail"),
    ("2.5.29.60", "expiredCertsOnCRL"),
    ("2.5.29.9", "subjectDirectoryAttributes"),
    ("2.5.4.10", "organizationName"),
    ("2.5.4.11", "organizationalUnitName"),
    ("2.5.4.12", "title"),
    ("2.5.4.13", "description"),
    ("2.5.4.15", "businessCategory"),
    ("2.5.4.16", "postalAddress"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.18", "postOfficeBox"),
    ("2.5.4.20", "telephoneNumber"),
    ("2.5.4.3", "commonName"),
    ("2.5.4.4", "surname"),
    ("2.5.4.41", "name"),
    ("2.5.4.42", "givenName"),
    ("2.5.4.43", "initials"),
    ("2.5.4.44", "generationQualifier"),
    ("2.5.4.45", "x500UniqueIdentifier"),
    ("2.5.4.46", "dnQualifier"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.51", "houseIdentifier"),
    ("2.5.4.6", "countryName"),
    ("2.5.4.65", "pseudonym"),
    ("2.5.4.7", "localityName"),
    ("2.5.4.72", "role"),
    ("2.5.4.8", "stateOrProvinceName"),
    ("2.5.4.9", "streetAddress"),
    ("2.5.4.97", "organizationIdentifier"),
    ("2.5.4.98", "countryCode3c"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_they_are_searched_in() {
        assert!(NAMES.is_sorted_by(|(a, _), (b, _)| a < b));
        assert_eq!(name("2.5.29.17"), Some("subjectAltName"));
        assert_eq!(name("1.2.3"), None);
    }

    #[test]
    fn identifiers_are_written_in_dots() {
        assert_eq!(dotted(&[0x55, 0x1d, 0x11]), "2.5.29.17");
        assert_eq!(dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]), "1.2.840.113549.1.1.11");
        assert_eq!(dotted(&[0x88, 0x37, 3]), "2.999.3");
        assert_eq!(dotted(&[]), "#");
        assert_eq!(dotted(&[0x2a, 0x86]), "#2a86");
        assert_eq!(dotted(&[0xff; 30]), format!("#{}", "ff".repeat(30)));
    }
}
