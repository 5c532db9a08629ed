//! Browsers that remember to turn http://localhost into https://, on every port.

use std::path::Path;

use super::Seen;
use crate::base::files;
use crate::judge::report::doctor::{Area, State};
use crate::x509::key::sha256;

/// Folders of Chromium and browsers made from it: below the configuration folder on Linux, else below the home folder.
const CHROMIUMS: [&str; 6] =
    ["google-chrome", "google-chrome-beta", "chromium", "microsoft-edge", "BraveSoftware/Brave-Browser", "vivaldi"];
const CHROMIUMS_ELSEWHERE: [&str; 13] = [
    "snap/chromium/common/chromium",
    ".var/app/org.chromium.Chromium/config/chromium",
    ".var/app/com.google.Chrome/config/google-chrome",
    "Library/Application Support/Google/Chrome",
    "Library/Application Support/Chromium",
    "Library/Application Support/Microsoft Edge",
    "Library/Application Support/BraveSoftware/Brave-Browser",
    "Library/Application Support/Vivaldi",
    "AppData/Local/Google/Chrome/User Data",
    "AppData/Local/Chromium/User Data",
    "AppData/Local/Microsoft/Edge/User Data",
    "AppData/Local/BraveSoftware/Brave-Browser/User Data",
    "AppData/Local/Vivaldi/User Data",
];

/// Profiles that are looked at.
const PROFILES: [&str; 6] = ["Default", "Profile 1", "Profile 2", "Profile 3", "Profile 4", "Profile 5"];

/// The file within a profile; the second is that of Windows.
const STATES: [&str; 2] = ["TransportSecurity", "Network/TransportSecurity"];

/// Folders of Firefox below the home folder.
const FIREFOXES: [&str; 6] = [
    ".mozilla/firefox",
    ".config/mozilla/firefox",
    ".var/app/org.mozilla.firefox/.mozilla/firefox",
    "snap/firefox/common/.mozilla/firefox",
    "Library/Application Support/Firefox/Profiles",
    "AppData/Roaming/Mozilla/Firefox/Profiles",
];

/// Looks into the profiles of browsers.
#[must_use]
pub fn hsts(home: &Path, config: &Path) -> Vec<Seen> {
    let mut all = Vec::new();
    let browsers = CHROMIUMS.iter().map(|name| (*name, config.join(name)));
    for (browser, folder) in browsers.chain(CHROMIUMS_ELSEWHERE.iter().map(|name| (*name, home.join(name)))) {
        for profile in PROFILES {
            let is_it =
                |state| files::read(&folder.join(profile).join(state)).is_ok_and(|bytes| is_in_chromium(&bytes));
            if STATES.into_iter().any(is_it) {
                let advice = "open chrome://net-internals/#hsts and delete the domain security policies of localhost";
                all.push(remembered(&format!("{browser}, {profile}")).advised(advice));
            }
        }
    }
    for folder in FIREFOXES {
        for path in files::list_at_depth(&home.join(folder), 2) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let is_state = matches!(name, "SiteSecurityServiceState.txt" | "SiteSecurityServiceState.bin");
            if is_state && files::read(&path).is_ok_and(|bytes| is_in_firefox(&bytes)) {
                let advice = "close Firefox and remove localhost from that file, or forget the site in the history";
                all.push(remembered(&path.display().to_string()).advised(advice));
            }
        }
    }
    if all.is_empty() {
        all.push(Seen::new(Area::Hsts, State::Ok, "browsers", "none remembers HSTS for localhost"));
    }
    all
}

fn remembered(who: &str) -> Seen {
    let message = "it turns http://localhost into https:// on every port, since a server sent HSTS once";
    Seen::new(Area::Hsts, State::Trouble, who, message)
}

/// Chromium keeps hashes of names, each in the form of DNS.
fn is_in_chromium(bytes: &[u8]) -> bool {
    let hash = base64_simd::STANDARD.encode_to_string(sha256(b"\x09localhost\x00"));
    let Ok(state) = serde_json::from_slice::<serde_json::Value>(bytes) else { return false };
    let entries = state.get("sts").and_then(serde_json::Value::as_array);
    let is_it = |entry: &serde_json::Value| entry.get("host").and_then(serde_json::Value::as_str) == Some(&hash);
    entries.is_some_and(|entries| entries.iter().any(is_it))
}

/// Firefox keeps names: `localhost:HSTS`, or `localhost` padded with zeros or followed by attributes.
fn is_in_firefox(bytes: &[u8]) -> bool {
    let is_end = |octet: Option<&u8>| octet.is_none_or(|octet| !octet.is_ascii_alphanumeric() && *octet != b'.');
    memchr::memmem::find_iter(bytes, b"localhost").any(|at| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        is_end(before) && is_end(bytes.get(at + "localhost".len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_localhost_itself_is_meant() {
        assert!(is_in_firefox(b"localhost:HSTS\t0\t20000\t1,1,0"));
        assert!(is_in_firefox(b"\0\0localhost\0\0\0"));
        assert!(!is_in_firefox(b"app.localhost:HSTS\t0"));
        assert!(!is_in_firefox(b"localhost.example:HSTS"));
        // As Chromium 140 wrote it for a server on localhost.
        let state = br#"{"sts":[{"expiry":1.0,"host":"HOST","mode":"force-https"}],"version":2}"#;
        let hash = base64_simd::STANDARD.encode_to_string(sha256(b"\x09localhost\x00"));
        let state = String::from_utf8_lossy(state).replace("HOST", &hash);
        assert!(is_in_chromium(state.as_bytes()));
        assert!(!is_in_chromium(b"{\"sts\":[]}"));
    }
}
