//! From the chain of errors of a client to one word: why was there no answer?

use super::error::{TlsTrouble, Unreachable};
use crate::text::clean;
use rustls::{AlertDescription, CertificateError};
use std::error::Error;
use std::io;

/// Why there was no answer. Looks at every error in the chain, since the outer ones only
/// say that "the service failed".
pub(crate) fn classify(error: &(dyn Error + 'static)) -> Unreachable {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = known(error) {
            return found;
        }
        let text = clean(&error.to_string());
        // An outer error often repeats the inner one; the innermost says it best.
        texts.retain(|t| !t.contains(&text));
        texts.push(text);
        next = error.source();
    }
    if texts.iter().any(|t| t.contains("dns error") || t.contains("lookup address")) {
        return Unreachable::NameNotFound;
    }
    Unreachable::Broken(texts.pop().unwrap_or_default())
}

fn known(error: &(dyn Error + 'static)) -> Option<Unreachable> {
    if let Some(kube::Error::Auth(auth)) = error.downcast_ref::<kube::Error>() {
        return Some(Unreachable::Credentials(credentials(auth)));
    }
    if let Some(auth) = error.downcast_ref::<kube::client::AuthError>() {
        return Some(Unreachable::Credentials(credentials(auth)));
    }
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(tls_trouble(tls));
    }
    let io = error.downcast_ref::<io::Error>()?;
    // `source()` of such an error skips the error inside it.
    if let Some(found) = io.get_ref().and_then(|inner| {
        let inner: &(dyn Error + 'static) = inner;
        known(inner)
    }) {
        return Some(found);
    }
    match io.kind() {
        io::ErrorKind::ConnectionRefused => Some(Unreachable::ConnectionRefused),
        io::ErrorKind::TimedOut => Some(Unreachable::TimedOut(super::CONNECT_DEADLINE)),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => {
            Some(Unreachable::Broken("the connection was closed by the other side".to_owned()))
        }
        _ => None,
    }
}

/// What a credential plugin did, without what it printed on its standard output: that is
/// where the credentials are.
fn credentials(error: &kube::client::AuthError) -> String {
    match error {
        kube::client::AuthError::AuthExecRun { cmd, out } => {
            let stderr = clean(&String::from_utf8_lossy(&out.stderr));
            let program = cmd.split_whitespace().next().unwrap_or_default().trim_matches('"');
            format!("the credential plugin `{program}` failed ({}): {stderr}", out.status)
        }
        kube::client::AuthError::AuthExecStart(why) => {
            format!("the credential plugin of the kubeconfig cannot be started: {why}")
        }
        // The parser's error would quote the plugin's answer.
        kube::client::AuthError::AuthExecParse(_) => {
            "the answer of the credential plugin is not an ExecCredential".to_owned()
        }
        other => clean(&other.to_string()),
    }
}

fn tls_trouble(error: &rustls::Error) -> Unreachable {
    let trouble = match error {
        rustls::Error::InvalidCertificate(why) => match why {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                TlsTrouble::UnknownAuthority
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsTrouble::WrongName
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                TlsTrouble::Expired
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                TlsTrouble::NotYetValid
            }
            _ => TlsTrouble::Other,
        },
        rustls::Error::AlertReceived(
            AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRequired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA,
        ) => TlsTrouble::OursRefused,
        _ => TlsTrouble::Other,
    };
    Unreachable::Tls(trouble, clean(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(io::Error);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("client error (Connect)")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn cause_is_found_behind_errors_that_only_say_service_error() {
        let refused = Outer(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_eq!(classify(&refused), Unreachable::ConnectionRefused);
        let dns = Outer(io::Error::other("failed to lookup address information: Name unknown"));
        assert_eq!(classify(&dns), Unreachable::NameNotFound);
    }

    #[test]
    fn certificate_trouble_is_told_apart() {
        for (why, want) in [
            (CertificateError::UnknownIssuer, TlsTrouble::UnknownAuthority),
            (CertificateError::NotValidForName, TlsTrouble::WrongName),
            (CertificateError::Expired, TlsTrouble::Expired),
            (CertificateError::NotValidYet, TlsTrouble::NotYetValid),
            (CertificateError::Revoked, TlsTrouble::Other),
        ] {
            let tls = rustls::Error::InvalidCertificate(why);
            let hidden = Outer(io::Error::new(io::ErrorKind::InvalidData, tls));
            let Unreachable::Tls(got, _) = classify(&hidden) else { panic!("not TLS") };
            assert_eq!(got, want);
        }
    }
}
