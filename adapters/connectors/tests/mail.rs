//! Letters to a server over TLS, from the first byte on and from STARTTLS on: only where its certificate holds.
#![allow(clippy::expect_used, clippy::print_stderr, reason = "tests")]

use plimsoll_connectors::{Letter, Mail, MailServer};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::Write;
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use testkit::smtp::{Spoken, Taken, speak};

/// A server with a certificate of this name's: its port, its certificate and what it takes.
fn server(name: &str, is_wrapped: bool) -> (u16, String, Receiver<Taken>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).expect("a certificate");
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let config = ServerConfig::builder().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![cert.der().clone()], key.into()).expect("a certificate"));
    let listener = TcpListener::bind("0.0.0.0:0").expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let (taken, letters) = channel();
    std::thread::spawn(move || {
        let tls = |stream: TcpStream| {
            StreamOwned::new(ServerConnection::new(Arc::clone(&config)).expect("a connection"), stream)
        };
        for stream in listener.incoming().map_while(Result::ok) {
            let stream = match is_wrapped {
                true => stream,
                false => match speak(stream, &taken, (&mut 0, true)) {
                    Ok(Spoken::StartTls(stream)) => stream,
                    _ => continue,
                },
            };
            let mut stream = tls(stream);
            // After STARTTLS nobody greets again.
            let spoken = if is_wrapped {
                speak(stream, &taken, (&mut 0, false)).map(|_| ())
            } else {
                ungreeted(&mut stream, &taken)
            };
            let _ = spoken;
        }
    });
    (port, cert.pem(), letters)
}

/// What drops the greeting that comes first.
struct Ungreeted<'s, S>(&'s mut S, bool);

impl<S: std::io::Read> std::io::Read for Ungreeted<'_, S> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(into)
    }
}

impl<S: Write> Write for Ungreeted<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.1 {
            return self.0.write(bytes);
        }
        self.1 = bytes.ends_with(b"\n");
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

fn ungreeted<S: std::io::Read + Write>(stream: &mut S, taken: &std::sync::mpsc::Sender<Taken>) -> std::io::Result<()> {
    speak(Ungreeted(stream, false), taken, (&mut 0, false)).map(|_| ())
}

fn letter() -> Letter {
    Letter {
        id: "abc123".to_owned(),
        to: "Ada <ada@example.org>".to_owned(),
        subject: "Plimsoll: „Ümlaut“\r\nBcc: eve@example.org".to_owned(),
        text: "Read “Policy” and say so\n.\nand the rest\n".to_owned(),
    }
}

fn way(address: String, authorities: Option<String>) -> Mail {
    let from = "Plimsoll <plimsoll@example.org>".to_owned();
    let credentials = Some(("plimsoll".to_owned(), "secret".to_owned()));
    let authorities = authorities.map(String::into_bytes);
    Mail::new(&MailServer { address, from, credentials, authorities }).expect("a way")
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_leave_over_tls_and_only_to_whom_they_are_meant_for() {
    let (port, certificate, letters) = server("localhost", true);
    let address = format!("smtps://localhost:{port}");
    let refused = way(address.clone(), None).send(&letter()).await.expect_err("nobody trusts it");
    assert!(!refused.is_final(), "{refused:?}");
    way(address.clone(), Some(certificate)).send(&letter()).await.expect("sent");
    let Taken { to, text } = letters.recv().expect("taken");
    assert_eq!(to, "RCPT TO:<ada@example.org>");
    assert!(text.contains("Message-ID: <abc123@example.org>"), "{text}");
    assert!(text.contains("Auto-Submitted: auto-generated"), "{text}");
    assert!(text.contains("Read “Policy” and say so\r\n..\r\nand the rest"), "{text}");
    assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{text}");
    let nobody = Letter { to: "nobody@example.org".to_owned(), ..letter() };
    let (port, certificate, _letters) = server("localhost", true);
    let error = way(format!("smtps://localhost:{port}"), Some(certificate)).send(&nobody).await.expect_err("refused");
    assert!(error.is_final(), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_machine_is_spoken_to_in_the_clear_by_nobody() {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    if name == "localhost" || (name.as_str(), 1).to_socket_addrs().is_err() {
        eprintln!("SKIPPED: this machine has no name by which it finds itself");
        return;
    }
    let (port, certificate, letters) = server(&name, false);
    let address = format!("smtp://{name}:{port}");
    way(address.clone(), None).send(&letter()).await.expect_err("nobody trusts it");
    way(address, Some(certificate)).send(&letter()).await.expect("sent");
    assert!(letters.recv().expect("taken").text.contains("Read “Policy”"));
    // One that knows no TLS is told nothing.
    let plain = TcpListener::bind("0.0.0.0:0").expect("bound");
    let port = plain.local_addr().expect("an address").port();
    let (taken, letters) = channel();
    std::thread::spawn(move || speak(plain.accept().expect("a connection").0, &taken, (&mut 0, false)).map(|_| ()));
    way(format!("smtp://{name}:{port}"), None).send(&letter()).await.expect_err("it has no TLS");
    assert!(letters.recv().is_err(), "nothing was told");
}
