//! A mail server of the tests' own: it takes letters and keeps them, and says no at first where it is told to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// A letter that was taken: to whom, and its bytes as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Whom the server was told to give it to.
    pub to: String,
    /// Its head and its body, with the encoding of the body undone.
    pub text: String,
}

/// How a conversation ended.
pub enum Spoken<S> {
    /// The other side has gone, or said that it is through.
    Over,
    /// The other side wants TLS from here on.
    StartTls(S),
}

/// A mail server in the clear, on this machine alone.
#[derive(Debug)]
pub struct MailBox {
    /// Where it listens.
    pub address: SocketAddr,
    letters: Receiver<Taken>,
}

impl MailBox {
    /// One that refuses so many letters for now before it takes any.
    ///
    /// # Panics
    /// If it cannot listen.
    #[must_use]
    #[allow(clippy::expect_used, reason = "tests end where they cannot go on")]
    pub fn new(mut refusals: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = listener.local_addr().expect("an address");
        let (taken, letters) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let _ = speak(stream, &taken, (&mut refusals, false));
            }
        });
        Self { address, letters }
    }

    /// The next letter that comes within so long.
    #[must_use]
    pub fn next(&self, within: Duration) -> Option<Taken> {
        self.letters.recv_timeout(within).ok()
    }
}

/// Speaks SMTP as a server does; whether it offers TLS is said with how many letters it refuses for now.
///
/// # Errors
/// If the connection fails.
pub fn speak<S: Read + Write>(
    stream: S,
    taken: &Sender<Taken>,
    (refusals, offers_tls): (&mut usize, bool),
) -> std::io::Result<Spoken<S>> {
    let mut stream = BufReader::new(stream);
    let say = |stream: &mut BufReader<S>, words: &str| {
        write!(stream.get_mut(), "{words}\r\n").and_then(|()| stream.get_mut().flush())
    };
    say(&mut stream, "220 testkit")?;
    let mut to = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(Spoken::Over);
        }
        let word = line.trim_end().to_ascii_uppercase();
        if word.starts_with("EHLO") {
            say(&mut stream, if offers_tls { "250-testkit\r\n250 STARTTLS" } else { "250-testkit\r\n250 AUTH PLAIN" })?;
        } else if word == "STARTTLS" {
            say(&mut stream, "220 go on")?;
            return Ok(Spoken::StartTls(stream.into_inner()));
        } else if word.starts_with("AUTH") {
            say(&mut stream, "235 it is you")?;
        } else if word.starts_with("MAIL") && *refusals > 0 {
            *refusals -= 1;
            say(&mut stream, "451 not now")?;
        } else if word.starts_with("RCPT") && word.contains("NOBODY@") {
            say(&mut stream, "550 nobody is called so")?;
        } else if word.starts_with("RCPT") {
            line.trim().clone_into(&mut to);
            say(&mut stream, "250 well")?;
        } else if word == "DATA" {
            say(&mut stream, "354 tell")?;
            let mut text = String::new();
            while !text.ends_with("\r\n.\r\n") && stream.read_line(&mut text)? > 0 {}
            let _ = taken.send(Taken { to: to.clone(), text: decoded(&text) });
            say(&mut stream, "250 taken")?;
        } else if word == "QUIT" {
            say(&mut stream, "221 farewell")?;
            return Ok(Spoken::Over);
        } else {
            say(&mut stream, "250 well")?;
        }
    }
}

/// A letter with quoted-printable undone (RFC 2045, section 6.7).
fn decoded(text: &str) -> String {
    if !text.to_ascii_lowercase().contains("content-transfer-encoding: quoted-printable") {
        return text.to_owned();
    }
    let text = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        let code = (*byte == b'=').then(|| after.get(..2)).flatten();
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*byte));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
