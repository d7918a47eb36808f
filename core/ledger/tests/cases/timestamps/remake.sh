#!/usr/bin/env bash
# Remakes every timestamp here with fresh keys, which are thrown away. Needs OpenSSL 3.
# Afterwards: UPDATE_EXPECTED=1 cargo test -p plimsoll-ledger --test timestamps, and read what changed.
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

TIME=20261124120000Z
POLICY=1.3.6.1.4.1.32473.1
NONCE=0x8123456789abcdef
CHECKPOINT=$(openssl dgst -sha256 -r checkpoint.txt | cut -d' ' -f1)
CHECKPOINT_512=$(openssl dgst -sha512 -r checkpoint.txt | cut -d' ' -f1)
OTHER=$(printf 'another text\n' | openssl dgst -sha256 -r | cut -d' ' -f1)

# ---- certificates -------------------------------------------------------------------------------------------------

cat > "$work/ca.cnf" <<END
[ca]
default_ca = any
[any]
dir = $work
database = $work/index
new_certs_dir = $work
rand_serial = yes
unique_subject = no
policy = any_policy
default_md = sha256
[any_policy]
commonName = supplied
organizationName = optional
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
[between]
basicConstraints = critical,CA:true,pathlen:0
keyUsage = critical,keyCertSign
[no_issuer]
basicConstraints = critical,CA:false
[narrow]
basicConstraints = critical,CA:true
nameConstraints = critical,permitted;DNS:example.com
[no_certificates]
basicConstraints = critical,CA:true
keyUsage = critical,digitalSignature
[for_servers]
basicConstraints = critical,CA:true
extendedKeyUsage = serverAuth
[signer]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
[no_purpose]
keyUsage = critical,digitalSignature
[not_critical]
extendedKeyUsage = timeStamping
[two_purposes]
extendedKeyUsage = critical,timeStamping,codeSigning
[encipher]
keyUsage = critical,keyEncipherment
extendedKeyUsage = critical,timeStamping
END
: > "$work/index"

key() { # name kind
    case $2 in
        rsa*) openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:${2#rsa}" ;;
        *) openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$2" ;;
    esac > "$work/$1.key" 2> /dev/null
}

# issue name kind-of-key issuer extensions [common name] [from] [until] [digest] [further arguments]
issue() {
    local name=$1 kind=$2 issuer=$3 extensions=$4 common=${5:-$1}
    local from=${6:-20260101000000Z} until=${7:-20460101000000Z} digest=${8:-sha256}
    [ -f "$work/$name.key" ] || key "$name" "$kind"
    openssl req -new -key "$work/$name.key" -subj "/O=Plimsoll tests/CN=$common" -config /dev/null -out "$work/$name.csr"
    local by=(-cert "$work/$issuer.pem" -keyfile "$work/$issuer.key")
    [ "$issuer" = "$name" ] && by=(-selfsign -keyfile "$work/$name.key")
    openssl ca -config "$work/ca.cnf" -batch -notext "${by[@]}" -extensions "$extensions" -md "$digest" \
        -startdate "$from" -enddate "$until" -preserveDN "${@:9}" -in "$work/$name.csr" -out "$work/$name.pem" 2> /dev/null
}

issue root prime256v1 root root
issue twin prime256v1 twin root root
issue rsa-root rsa2048 rsa-root root
issue rsa rsa2048 rsa-root signer "" "" "" sha512
issue wide-root secp384r1 wide-root root "" "" "" sha384
issue between secp384r1 wide-root between "" "" "" sha384
issue below secp384r1 between between "" "" "" sha384
issue ecdsa prime256v1 wide-root signer "" "" "" sha384
issue deep prime256v1 between signer "" "" "" sha384
issue too-deep prime256v1 below signer "" "" "" sha384
issue signer prime256v1 root signer
issue wide secp384r1 root signer
issue expired prime256v1 root signer "" 20250101000000Z 20261124115959Z
issue not-yet prime256v1 root signer "" 20261124120001Z
issue last-second prime256v1 root signer "" 20250101000000Z "$TIME"
issue no-purpose prime256v1 root no_purpose
issue not-critical prime256v1 root not_critical
issue two-purposes prime256v1 root two_purposes
issue encipher prime256v1 root encipher
issue old-root prime256v1 old-root root "" 20240101000000Z 20250101000000Z
issue of-old-root prime256v1 old-root signer
issue no-issuer prime256v1 root no_issuer
issue of-no-issuer prime256v1 no-issuer signer
issue no-certificates prime256v1 root no_certificates
issue of-no-certificates prime256v1 no-certificates signer
issue narrow prime256v1 root narrow
issue of-narrow prime256v1 narrow signer
issue for-servers prime256v1 root for_servers
issue of-for-servers prime256v1 for-servers signer
issue koblitz secp256k1 root signer
issue short rsa1024 root signer
issue weak-hash prime256v1 root signer "" "" "" sha1
# The same key, name and number, issued by the root's twin.
cp "$work/signer.key" "$work/double.key"
openssl x509 -req -in "$work/signer.csr" -CA "$work/twin.pem" -CAkey "$work/twin.key" -days 7000 -extfile "$work/ca.cnf" \
    -extensions signer -set_serial "0x$(openssl x509 -in "$work/signer.pem" -noout -serial | cut -d= -f2)" \
    -out "$work/double.pem" 2> /dev/null

# ---- cases --------------------------------------------------------------------------------------------------------

# begin case trusted...: makes its folder and enters it.
begin() {
    mkdir -p "$here/$1"
    cd "$here/$1"
    rm -f timestamp.der request.der openssl.txt nonce
    (for name in "${@:2}"; do cat "$work/$name.pem"; done) > trusted.pem
}

# A request for the checkpoint with a nonce, byte by byte as the crate has to make it.
request() { # nonce certReq
    cat > "$work/request.cnf" <<END
asn1 = SEQUENCE:request
[request]
version = INTEGER:1
imprint = SEQUENCE:imprint
nonce = INTEGER:$1
$([ "$2" = yes ] && echo "certificates = BOOLEAN:TRUE")
[imprint]
algorithm = SEQUENCE:algorithm
digest = FORMAT:HEX,OCTETSTRING:$CHECKPOINT
[algorithm]
id = OID:sha256
none = NULL
END
    openssl asn1parse -genconf "$work/request.cnf" -noout -out "$work/request.der"
}

# reply signer chain|none digest digest-of-certificate [arguments of openssl ts]: answers the request as an authority does.
reply() {
    local digests=${DIGESTS:-sha256}
    cat > "$work/tsa.cnf" <<END
[tsa]
default_tsa = one
[one]
serial = $work/serial
signer_cert = $work/$1.pem
signer_key = $work/$1.key
$([ "$2" = none ] || echo "certs = $work/$2.pem")
signer_digest = $3
default_policy = $POLICY
digests = $digests
accuracy = secs:1, millisecs:500, microsecs:100
ess_cert_id_alg = $4
tsa_name = yes
END
    openssl ts -reply -config "$work/tsa.cnf" -queryfile "$work/request.der" "${@:5}" -out timestamp.der 2> /dev/null
}

begin rsa rsa-root
request "$NONCE" yes
cp "$work/request.der" request.der
echo "${NONCE#0x}" > nonce
reply rsa none sha256 sha256
openssl ts -reply -in timestamp.der -text > openssl.txt 2> /dev/null

begin ecdsa wide-root
request 0x01 yes
cp "$work/request.der" request.der
echo 1 > nonce
reply ecdsa none sha384 sha512
openssl ts -reply -in timestamp.der -text > openssl.txt 2> /dev/null

begin chain wide-root
reply deep between sha256 sha256

# The first version of the signing certificate, which knows SHA-1 only.
begin signing-certificate-of-sha-1 rsa-root
reply rsa none sha512 sha1

begin token-without-certificates signer
request "$NONCE" no
reply signer none sha256 sha256 -token_out

begin not-granted root
DIGESTS=sha512 reply signer none sha256 sha256

# info [name=value]...: what an authority says of the time, with parts replaced.
info() {
    local imprint=SEQUENCE:imprint hash=sha256 digest=$CHECKPOINT time=$TIME nonce=$NONCE version=1 accuracy="" extension=""
    [ $# = 0 ] || local "$@"
    cat > "$work/info.cnf" <<END
asn1 = SEQUENCE:info
[info]
version = INTEGER:$version
policy = OID:$POLICY
imprint = $imprint
serial = INTEGER:0x2a
time = GENTIME:$time
${accuracy:+accuracy = SEQUENCE:accuracy}
${nonce:+nonce = INTEGER:$nonce}
${extension:+extensions = IMPLICIT:1,SEQUENCE:extensions}
[imprint]
algorithm = SEQUENCE:algorithm
digest = FORMAT:HEX,OCTETSTRING:$digest
[algorithm]
id = OID:$hash
none = NULL
[accuracy]
millis = IMPLICIT:0,INTEGER:${accuracy:-1}
[extensions]
one = SEQUENCE:extension
[extension]
id = OID:1.3.6.1.4.1.32473.2
critical = BOOLEAN:${extension:-TRUE}
value = OCTETSTRING:value
END
    openssl asn1parse -genconf "$work/info.cnf" -noout -out "$work/info.der"
}

# sign signer [arguments of openssl cms]: signs it as `openssl ts` would, or as it never would.
sign() {
    local kind=${KIND:-1.2.840.113549.1.9.16.1.4}
    openssl cms -sign -binary -nodetach -nosmimecap -outform DER -econtent_type "$kind" ${CADES--cades} \
        -signer "$work/$1.pem" -inkey "$work/$1.key" "${@:2}" -in "$work/info.der" -out timestamp.der
}

begin fraction-of-a-second root; info time=20261124120000.25Z accuracy=20; sign wide -md sha512
begin signer-by-key-id root; info; sign signer -keyid
begin trusted-signer signer; info; sign signer
begin last-second root; info time=20261124120000.999Z; sign last-second
begin extension-of-no-weight root; info extension=FALSE; sign signer
begin chain-in-the-trusted wide-root between; info; sign deep -nocerts -certfile "$work/deep.pem"

begin other-text root; info digest="$OTHER"; sign signer
begin other-hash root; info hash=sha512 digest="$CHECKPOINT_512"; sign signer
begin other-nonce root; info nonce=0x8123456789abcdee; echo "${NONCE#0x}" > nonce; sign signer
begin negative-nonce root; info nonce=-1; echo ffffffffffffffff > nonce; sign signer
begin no-nonce root; info nonce=; echo "${NONCE#0x}" > nonce; sign signer
begin other-version root; info version=2; sign signer
begin local-time root; info time=20261124120000+0100; sign signer
begin too-accurate root; info accuracy=1000; sign signer
begin critical-extension root; info extension=TRUE; sign signer
info
begin expired root; sign expired
begin not-yet-valid root; sign not-yet
begin no-purpose root; sign no-purpose
begin purpose-not-critical root; sign not-critical
begin two-purposes root; sign two-purposes
begin key-that-enciphers root; sign encipher
begin untrusted wide-root; sign signer
begin root-of-the-same-name twin; sign signer
begin nobody-trusted; sign signer
begin expired-root old-root; sign of-old-root
begin issuer-that-is-none root; sign of-no-issuer -certfile "$work/no-issuer.pem"
begin issuer-whose-key-may-not-issue root; sign of-no-certificates -certfile "$work/no-certificates.pem"
begin issuer-with-constraints root; sign of-narrow -certfile "$work/narrow.pem"
begin issuer-for-servers root; sign of-for-servers -certfile "$work/for-servers.pem"
begin chain-too-long wide-root between; sign too-deep -certfile "$work/below.pem"
begin no-certificate-of-the-signer root; sign signer -nocerts
begin other-certificate-of-the-key double; sign signer -nocerts
begin no-signing-certificate root; CADES="" sign signer
begin other-content root; KIND=1.2.840.113549.1.7.1 sign signer
begin no-signed-attributes root; CADES="" sign signer -noattr
begin two-signers root; sign signer -signer "$work/wide.pem" -inkey "$work/wide.key"
begin digest-of-sha-1 root; sign signer -md sha1
begin certificate-of-sha-1 root; sign weak-hash
begin short-key root; sign short
begin pss root; sign rsa -keyopt rsa_padding_mode:pss
begin other-curve root; sign koblitz
