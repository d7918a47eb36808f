//! Timestamps of checkpoints: those of OpenSSL are believed, and whatever is wrong with one is found and named.
#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests touch the world, and say what they leave out"
)]

use plimsoll_ledger::{Error, TimestampProof, TimestampRequest, TrustedCertificate, verify_timestamp};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const NONCE: u64 = 0x8123_4567_89ab_cdef;

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/timestamps")
}

fn read(path: &str) -> Vec<u8> {
    std::fs::read(cases().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn text(path: &str) -> String {
    String::from_utf8(read(path)).expect("text")
}

fn checkpoint() -> String {
    text("checkpoint.txt")
}

/// The certificates of a file, which may have none.
fn trusted(file: &[u8]) -> Vec<TrustedCertificate> {
    if file.is_empty() { Vec::new() } else { TrustedCertificate::parse(file).expect("certificates") }
}

fn verify(case: &str, bytes: &[u8]) -> Result<TimestampProof, Error> {
    let path = cases().join(case).join("nonce");
    let nonce = std::fs::read_to_string(path).ok();
    let nonce = nonce.map(|text| u64::from_str_radix(text.trim(), 16).expect("hexadecimal"));
    verify_timestamp(bytes, &checkpoint(), &trusted(&read(&format!("{case}/trusted.pem"))), nonce)
}

#[test]
fn every_case_is_believed_or_refused_for_its_reason() {
    testkit::cases::run(&cases(), |folder| {
        let case = folder.file_name().expect("a name").to_string_lossy().into_owned();
        match verify(&case, &read(&format!("{case}/timestamp.der"))) {
            Ok(proof) => {
                let mut answer = format!("at {}\n", proof.at);
                if let Some(accuracy) = proof.accuracy {
                    writeln!(answer, "accuracy {accuracy:?}").expect("written");
                }
                write!(answer, "policy {}\nserial {}\n", proof.policy, proof.serial).expect("written");
                answer + &format!("authority {}\n", proof.authority)
            }
            Err(error) => format!("refused: {error}\n"),
        }
    });
}

#[test]
fn a_request_has_the_bytes_that_openssl_writes() {
    for (case, nonce) in [("rsa", NONCE), ("ecdsa", 1)] {
        let request = TimestampRequest::new(&checkpoint(), nonce).expect("a request");
        assert_eq!(request.der(), read(&format!("{case}/request.der")), "{case}");
    }
}

#[test]
fn only_the_text_of_a_checkpoint_is_stamped() {
    let with_signatures = format!("{}\n— example.com/ledger AAAAAAA=\n", checkpoint());
    for wrong in ["", "text", "text\n", checkpoint().trim_end(), &with_signatures] {
        assert!(matches!(TimestampRequest::new(wrong, 1), Err(Error::Checkpoint { .. })), "{wrong:?}");
        assert!(matches!(
            verify_timestamp(&read("rsa/timestamp.der"), wrong, &[], None),
            Err(Error::Checkpoint { .. })
        ));
    }
    let next = checkpoint().replace("20852163", "20852164");
    let roots = trusted(&read("rsa/trusted.pem"));
    let verified = verify_timestamp(&read("rsa/timestamp.der"), &next, &roots, Some(NONCE));
    assert!(matches!(verified, Err(Error::TimestampOfOther)));
}

#[test]
fn openssl_reads_the_same_instant_and_serial_number() {
    for case in ["rsa", "ecdsa"] {
        let (openssl, ours) = (text(&format!("{case}/openssl.txt")), text(&format!("{case}/expected.txt")));
        let proof = verify(case, &read(&format!("{case}/timestamp.der"))).expect("verified");
        assert_eq!(field(&openssl, "Time stamp: "), proof.at.strftime("%b %d %H:%M:%S %Y GMT").to_string());
        assert_eq!(
            u64::from_str_radix(&proof.serial, 16),
            u64::from_str_radix(&field(&openssl, "Serial number: 0x"), 16)
        );
        assert_eq!(field(&openssl, "Policy OID: "), proof.policy);
        assert!(openssl.contains("0x01 seconds, 0x01F4 millis, 0x64 micros"), "{openssl}");
        assert!(ours.contains("accuracy 1.5001s"), "{ours}");
    }
}

/// What stands behind a label to the end of its line.
fn field(text: &str, label: &str) -> String {
    let rest = text.lines().find_map(|line| line.strip_prefix(label));
    rest.unwrap_or_else(|| panic!("{label} is not in {text}")).to_owned()
}

#[test]
fn certificates_are_read_as_pem_of_many_and_as_der() {
    let (one, two) = (text("rsa/trusted.pem"), text("ecdsa/trusted.pem"));
    let both = format!("What an authority writes before it.\n{one}\n# the other\n{}", two.replace('\n', "\r\n"));
    let read = trusted(both.as_bytes());
    assert_eq!(read, [trusted(one.as_bytes()), trusted(two.as_bytes())].concat());
    assert_eq!(
        read.iter().map(TrustedCertificate::name).collect::<Vec<_>>(),
        ["CN=rsa-root,O=Plimsoll tests", "CN=wide-root,O=Plimsoll tests"]
    );
    let base64: String = one.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, base64).expect("Base64");
    assert_eq!(TrustedCertificate::parse(&der).expect("a certificate"), read[..1]);
    for wrong in [&b""[..], b"text", &der[1..], one.trim_end().trim_end_matches('-').as_bytes()] {
        assert!(matches!(TrustedCertificate::parse(wrong), Err(Error::Certificate { .. })));
    }
}

/// Changes every bit of an answer, or one in so many, one at a time: it is refused, or says what it said, since the bit is
/// one that nobody signed and that claims nothing.
fn flip_bits(case: &str, step: usize) {
    let bytes = read(&format!("{case}/timestamp.der"));
    let (roots, checkpoint) = (trusted(&read(&format!("{case}/trusted.pem"))), checkpoint());
    let is_as_before = verify_timestamp(&bytes, &checkpoint, &roots, None).expect("verified");
    let mut unchanged = 0;
    for bit in (0..bytes.len() * 8).step_by(step) {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(proof) = verify_timestamp(&flipped, &checkpoint, &roots, None) {
            assert_eq!(proof, is_as_before, "bit {bit}");
            unchanged += 1;
        }
    }
    // Some of the status, of versions, of the algorithms' parameters: less than one bit in fifty.
    assert!(unchanged * 50 * step < bytes.len() * 8, "{unchanged} bits of {} bytes", bytes.len());
}

#[test]
fn no_bit_of_an_answer_with_rsa_can_be_changed_unseen() {
    flip_bits("rsa", 1);
}

#[test]
fn no_bit_of_an_answer_with_elliptic_curves_can_be_changed_unseen() {
    flip_bits("ecdsa", 1);
}

/// Each of its signatures takes long in a test, and most bits are of certificates: one in nine stands for every place of a
/// bit in its byte.
#[test]
fn no_bit_of_an_answer_with_a_chain_can_be_changed_unseen() {
    flip_bits("chain", 9);
}

#[test]
fn an_answer_that_is_cut_or_longer_is_refused() {
    let bytes = read("ecdsa/timestamp.der");
    for end in 0..bytes.len() {
        assert!(verify("ecdsa", &bytes[..end]).is_err(), "{end}");
    }
    assert!(verify("ecdsa", &[&bytes[..], b"\0"].concat()).is_err());
    assert!(verify("ecdsa", &vec![0x30; 70_000]).is_err());
}

/// Answers and certificates, fed with changed ones: a proof that an authority gave, or an error, never a panic.
#[test]
fn fuzz_timestamps_and_certificates() {
    let names = ["rsa", "ecdsa", "chain", "fraction-of-a-second", "signer-by-key-id", "not-granted", "two-signers"];
    let seeds: Vec<Vec<u8>> = names.map(|name| read(&format!("{name}/timestamp.der"))).into();
    let roots: Vec<TrustedCertificate> =
        names.iter().flat_map(|name| trusted(&read(&format!("{name}/trusted.pem")))).collect();
    let checkpoint = checkpoint();
    let believed: Vec<TimestampProof> =
        seeds.iter().filter_map(|seed| verify_timestamp(seed, &checkpoint, &roots, None).ok()).collect();
    assert_eq!(believed.len(), 5);
    testkit::fuzz::run(&seeds, |input| {
        if let Ok(proof) = verify_timestamp(input, &checkpoint, &roots, None) {
            assert!(believed.contains(&proof), "{proof:?}");
        }
    });
    let files = [read("rsa/trusted.pem"), read("ecdsa/trusted.pem")];
    testkit::fuzz::run(&files, |input| {
        for certificate in TrustedCertificate::parse(input).unwrap_or_default() {
            assert!(!certificate.name().contains(|c: char| c.is_control()));
            let _ = verify_timestamp(&seeds[0], &checkpoint, &[certificate], None);
        }
    });
}

/// What OpenSSL writes when it runs in a folder.
fn openssl(folder: &Path, arguments: &str) -> String {
    let run = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().expect("openssl");
    assert!(run.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8_lossy(&run.stdout).into_owned()
}

const AUTHORITY: &str = "[tsa]\ndefault_tsa = one\n[one]\nserial = serial\ndefault_policy = 1.3.6.1.4.1.32473.1\n\
digests = sha256\nsigner_digest = sha384\nclock_precision_digits = 6\n\
[req]\ndistinguished_name = dn\n[dn]\n[root]\nbasicConstraints = critical,CA:true\n\
[signer]\nextendedKeyUsage = critical,timeStamping\n";

#[test]
fn the_real_openssl_answers_a_request_and_is_believed() {
    if !Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: openssl is not on this machine");
        return;
    }
    for (kind, key) in [("rsa", "rsa:2048"), ("p384", "ec -pkeyopt ec_paramgen_curve:P-384")] {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("timestamps-{kind}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("tsa.cnf"), AUTHORITY).expect("written");
        let request = TimestampRequest::new(&checkpoint(), NONCE).expect("a request");
        std::fs::write(folder.join("request.der"), request.der()).expect("written");
        std::fs::write(folder.join("checkpoint.txt"), checkpoint()).expect("written");
        let new = format!("req -config tsa.cnf -nodes -newkey {key}");
        openssl(
            &folder,
            &format!("{new} -x509 -subj /CN=root -extensions root -days 2 -keyout root.key -out root.pem"),
        );
        openssl(&folder, &format!("{new} -subj /CN=signer -keyout signer.key -out signer.csr"));
        let issue = "x509 -req -in signer.csr -CA root.pem -CAkey root.key -set_serial 2 -days 1 -extfile tsa.cnf";
        openssl(&folder, &format!("{issue} -extensions signer -out signer.pem"));
        let read = openssl(&folder, "ts -query -in request.der -text");
        assert!(read.contains("Certificate required: yes") && read.contains("Nonce: 0x8123456789ABCDEF"), "{read}");
        let answer = "ts -reply -config tsa.cnf -queryfile request.der -signer signer.pem -inkey signer.key";
        openssl(&folder, &format!("{answer} -out answer.der"));
        let theirs = openssl(&folder, "ts -reply -in answer.der -text");
        openssl(&folder, "ts -verify -queryfile request.der -in answer.der -CAfile root.pem");

        let answer = std::fs::read(folder.join("answer.der")).expect("an answer");
        let roots = trusted(&std::fs::read(folder.join("root.pem")).expect("a root"));
        let proof = verify_timestamp(&answer, &checkpoint(), &roots, Some(NONCE)).expect("verified");
        assert_eq!(proof.authority, "CN=signer");
        let instant = field(&theirs, "Time stamp: ");
        assert!(instant.starts_with(&proof.at.strftime("%b %e %H:%M:%S").to_string()), "{instant} {proof:?}");
        let refused = verify_timestamp(&answer, &checkpoint(), &trusted(&self::read("rsa/trusted.pem")), Some(NONCE));
        assert!(matches!(refused, Err(Error::CertificateUntrusted { .. })));
    }
}
