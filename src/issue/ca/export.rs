//! The root's certificate for other machines and devices.

use crate::base::hex::hex;
use crate::encoding::container;
use crate::judge::report::Certificate;
use crate::x509::key;

/// A configuration profile that offers the root to an iPhone, iPad or Mac.
///
/// # Errors
///
/// [`container::Error::Encode`].
pub fn mobileconfig(root: &[u8], report: &Certificate) -> Result<String, container::Error> {
    let pem = container::pem("CERTIFICATE", root)?;
    let body: Vec<&str> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    // The same root is the same profile, which replaces itself.
    let digest = hex(&key::sha256(root));
    let identifier = |part: &str| {
        let id = uuid(&hex(&key::sha256(format!("{digest}{part}").as_bytes())));
        id.unwrap_or_default()
    };
    let name = report.subject.trim_start_matches("CN=").replace('&', "&amp;").replace('<', "&lt;");
    let short = digest.get(..16).unwrap_or_default();
    Ok(format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>PayloadContent</key>
	<array>
		<dict>
			<key>PayloadCertificateFileName</key>
			<string>secure-io-root.cer</string>
			<key>PayloadContent</key>
			<data>
{body}
			</data>
			<key>PayloadDisplayName</key>
			<string>{name}</string>
			<key>PayloadIdentifier</key>
			<string>secure-io.root.{short}.certificate</string>
			<key>PayloadType</key>
			<string>com.apple.security.root</string>
			<key>PayloadUUID</key>
			<string>{certificate}</string>
			<key>PayloadVersion</key>
			<integer>1</integer>
		</dict>
	</array>
	<key>PayloadDisplayName</key>
	<string>{name}</string>
	<key>PayloadIdentifier</key>
	<string>secure-io.root.{short}</string>
	<key>PayloadType</key>
	<string>Configuration</string>
	<key>PayloadUUID</key>
	<string>{profile}</string>
	<key>PayloadVersion</key>
	<integer>1</integer>
</dict>
</plist>
"#,
        body = body.join("\n"),
        certificate = identifier("certificate"),
        profile = identifier("profile"),
    ))
}

/// A UUID of version 8 (RFC 9562) from hex digits.
fn uuid(digits: &str) -> Option<String> {
    let part = |from: usize, to: usize| digits.get(from..to);
    let text = format!("{}-{}-8{}-8{}-{}", part(0, 8)?, part(8, 12)?, part(13, 16)?, part(17, 20)?, part(20, 32)?);
    Some(text.to_ascii_uppercase())
}
