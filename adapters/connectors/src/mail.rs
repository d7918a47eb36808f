//! Mail, by SMTP (RFC 5321) over TLS (RFC 8314, RFC 3207).

use crate::address;
use crate::error::Error;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::time::Duration;

/// How long a server may take for one command.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that takes mail.
#[derive(Debug, Clone)]
pub struct MailServer {
    /// `smtps://HOST[:PORT]`, or `smtp://HOST[:PORT]`, which becomes TLS by STARTTLS; in the clear on this machine alone.
    pub address: String,
    /// From whom mail is: `NAME <ADDRESS>`, or the address alone.
    pub from: String,
    /// As whom, with which password; without where there is none.
    pub credentials: Option<(String, String)>,
    /// Authorities that are trusted beside the public ones (PEM).
    pub authorities: Option<Vec<u8>>,
}

/// A letter to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its id, the same at every attempt: letters and digits.
    pub id: String,
    /// To whom.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// The way to a mail server.
#[derive(Debug, Clone)]
pub struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Says that nobody wrote it, so that nobody's absence answers it (RFC 3834, section 5).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Mail {
    /// The way to a server; nothing is sent yet.
    ///
    /// # Errors
    /// If its address, the sender or the authorities are none.
    pub fn new(server: &MailServer) -> Result<Self, Error> {
        let wanted = "`smtps://HOST[:PORT]`, or `smtp://HOST[:PORT]` for STARTTLS, without a password";
        let url = address::parse(&server.address, ["smtp", "smtps"], wanted)?;
        let host = address::host(&url).unwrap_or_default();
        let from = mailbox(&server.from)?;
        let is_wrapped = url.scheme() == "smtps";
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&host).timeout(Some(PATIENCE));
        transport = transport.port(url.port().unwrap_or(if is_wrapped { 465 } else { 587 }));
        transport = transport.tls(match (is_wrapped, address::is_here(&host)) {
            (true, _) => Tls::Wrapper(tls(&host, server)?),
            (false, true) => Tls::None,
            (false, false) => Tls::Required(tls(&host, server)?),
        });
        if let Some((user, password)) = &server.credentials {
            transport = transport.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(Self { transport: transport.build(), from })
    }

    /// Whether the server is there and knows who this is, so that what it refuses is the letter's own.
    ///
    /// # Errors
    /// If it is not reached, or takes nothing from here.
    pub async fn reach(&self) -> Result<(), Error> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::Busy),
            Err(error) => Err(Error::Mail(error)),
        }
    }

    /// Sends a letter; it may have arrived where this fails.
    ///
    /// # Errors
    /// If it cannot be written, or the server does not take it.
    pub async fn send(&self, letter: &Letter) -> Result<(), Error> {
        let to = mailbox(&letter.to)?;
        let domain = self.from.email.domain();
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(letter.subject.as_str())
            .message_id(Some(format!("<{}@{domain}>", letter.id)))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())
            .map_err(Error::Letter)?;
        self.transport.send(message).await.map(|_| ()).map_err(Error::Mail)
    }
}

fn mailbox(text: &str) -> Result<Mailbox, Error> {
    let no = |_| Error::Address { address: text.to_owned(), wanted: "`NAME <ADDRESS>`, or an address for mail" };
    text.parse().map_err(no)
}

fn tls(host: &str, server: &MailServer) -> Result<TlsParameters, Error> {
    let no = |error: lettre::transport::smtp::Error| Error::Authorities { what: error.to_string() };
    let mut parameters = TlsParameters::builder(host.to_owned());
    if let Some(pem) = &server.authorities {
        parameters = parameters.add_root_certificate(Certificate::from_pem(pem).map_err(no)?);
    }
    parameters.build_rustls().map_err(no)
}

#[cfg(test)]
mod tests {
    use super::{Mail, MailServer};

    fn server(address: &str) -> MailServer {
        let from = "Plimsoll <plimsoll@example.org>".to_owned();
        MailServer { address: address.to_owned(), from, credentials: None, authorities: None }
    }

    #[tokio::test]
    async fn what_is_no_server_or_sender_is_refused() {
        for address in ["smtps://mail.example.org", "smtp://mail.example.org:2525", "smtp://[::1]:25"] {
            assert!(Mail::new(&server(address)).is_ok(), "{address}");
        }
        for address in ["mail.example.org", "http://mail.example.org", "smtp://", "smtp://u:p@mail.example.org"] {
            let error = Mail::new(&server(address)).expect_err(address);
            assert!(error.is_final() && error.to_string().contains("is no address for this"), "{error}");
        }
        let nobody = MailServer { from: "nobody\r\nBcc: a@example.org".to_owned(), ..server("smtp://localhost") };
        assert!(Mail::new(&nobody).is_err());
        let unreadable = MailServer {
            authorities: Some(b"-----BEGIN CERTIFICATE-----\n?".to_vec()),
            ..server("smtps://a.example.org")
        };
        assert!(Mail::new(&unreadable).is_err());
    }
}
