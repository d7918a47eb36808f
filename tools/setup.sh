# Set-up that ./run and ./test share. Says what it does before it does it.

say() { printf '==> %s\n' "$*" >&2; }

# Runs a command as root, or says what to run.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        say "this needs root: $*"
        exit 2
    fi
}

# Installs Debian packages that are missing, where apt is there.
ensure_packages() {
    missing=""
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    say "installing Debian packages:$missing"
    as_root apt-get update -qq
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

ensure_compiler() {
    if command -v cc >/dev/null 2>&1 && command -v make >/dev/null 2>&1; then
        return 0
    fi
    if command -v apt-get >/dev/null 2>&1; then
        ensure_packages gcc libc6-dev make ca-certificates
        return 0
    fi
    say "install a C compiler and make (dnf install gcc make; apk add build-base; zypper install gcc make), then run this again"
    exit 2
}

# Rust's own installer, where Debian has none: fetched from where rustup fetches toolchains, and held against its digest.
fetch_rustup() {
    ensure_packages curl ca-certificates
    address="https://static.rust-lang.org/rustup/dist/$(uname -m)-unknown-linux-gnu/rustup-init"
    say "fetching $address into ~/.cargo"
    folder=$(mktemp -d)
    curl -fsS --proto =https --tlsv1.2 -o "$folder/rustup-init" "$address"
    curl -fsS --proto =https --tlsv1.2 -o "$folder/digest" "$address.sha256"
    printf '%s  %s\n' "$(cut -d' ' -f1 "$folder/digest")" "$folder/rustup-init" | sha256sum -c --quiet -
    chmod +x "$folder/rustup-init"
    "$folder/rustup-init" -y --quiet --no-modify-path --profile minimal --default-toolchain none
    rm -r "$folder"
    . "$HOME/.cargo/env"
}

# What the checks need beside the compiler; a check whose tool cannot be had says so and is left out.
ensure_check_tools() {
    if command -v rustup >/dev/null 2>&1; then
        for target in wasm32-unknown-unknown x86_64-unknown-linux-musl x86_64-pc-windows-gnu; do
            rustup target list --installed | grep -q "$target" ||
                rustup target add "$target" || say "no target $target: nothing is built for it"
        done
        cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1 ||
            rustup component add clippy rustfmt
    fi
    cargo deny --version >/dev/null 2>&1 || {
        say "installing cargo-deny"
        # What it does takes a moment; building it optimised takes minutes.
        cargo install --quiet --locked --debug cargo-deny || say "no cargo-deny: dependencies are not checked"
    }
}

# The toolchain that Cargo.toml asks for, by rustup where it is there or can be had.
ensure_rust() {
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    if [ -f "$HOME/.cargo/env" ]; then
        . "$HOME/.cargo/env"
    fi
    if command -v cargo >/dev/null 2>&1; then
        have=$(cargo --version | cut -d' ' -f2)
        oldest=$(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -n 1)
        [ "$oldest" = "$wanted" ] && return 0
        if command -v rustup >/dev/null 2>&1; then
            say "installing Rust $wanted with rustup ($have is too old)"
            rustup toolchain install "$wanted" --profile minimal
            RUSTUP_TOOLCHAIN="$wanted"
            export RUSTUP_TOOLCHAIN
            return 0
        fi
        say "Rust $have is too old, $wanted is needed"
    fi
    if command -v apt-get >/dev/null 2>&1; then
        if apt-cache policy rustup 2>/dev/null | grep -q 'Candidate: [0-9]'; then
            ensure_packages rustup
        else
            fetch_rustup
        fi
        say "installing Rust $wanted with rustup"
        rustup toolchain install "$wanted" --profile minimal
        RUSTUP_TOOLCHAIN="$wanted"
        export RUSTUP_TOOLCHAIN
        return 0
    fi
    say "install Rust $wanted or newer (https://rustup.rs), then run this again"
    exit 2
}

# Storage that speaks as Amazon's S3 does, for the tests: a server of PyPI in a folder of its own.
ensure_s3() {
    # A folder that was moved has it, and it does not run.
    target/tools/moto/bin/moto_server --help >/dev/null 2>&1 && return 0
    ensure_packages python3 python3-venv
    say "installing moto, which plays S3 in the tests, into target/tools/moto"
    rm -rf target/tools/moto
    python3 -m venv target/tools/moto && target/tools/moto/bin/pip install --quiet 'moto[server]==5.1.18' ||
        say "moto cannot be installed: the tests that need it say so"
}

# A browser and what drives it, for the tests of the pages: Debian's Chromium, and packages of npm.
ensure_browser() {
    ensure_packages chromium
    command -v npm >/dev/null 2>&1 || ensure_packages nodejs npm
    folder=target/tools/browser
    cmp -s apps/server/tests/browser/package-lock.json "$folder/package-lock.json" && [ -d "$folder/node_modules" ] && return 0
    say "installing what drives the browser in the tests into $folder"
    rm -rf "$folder"
    mkdir -p "$folder"
    cp apps/server/tests/browser/package.json apps/server/tests/browser/package-lock.json "$folder/"
    (cd "$folder" && npm ci --silent --no-audit --no-fund) || say "npm cannot install it: the tests that need it say so"
}

# What asks the API all that its description allows, and more: schemathesis of PyPI in a folder of its own.
ensure_schemathesis() {
    target/tools/schemathesis/bin/schemathesis --version >/dev/null 2>&1 && return 0
    ensure_packages python3 python3-venv
    say "installing schemathesis, which tests the API, into target/tools/schemathesis"
    rm -rf target/tools/schemathesis
    python3 -m venv target/tools/schemathesis && target/tools/schemathesis/bin/pip install --quiet 'schemathesis==4.32.5' ||
        say "schemathesis cannot be installed: the tests that need it say so"
}
