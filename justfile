# `just` lists the recipes; each is one command that can be typed as well.

default:
    @just --list

# Index a folder and serve it at http://127.0.0.1:7777
serve folder:
    cargo run --release -- serve {{folder}}

# All tests
test:
    cargo test --workspace

# Everything the gate checks
ci:
    bash .ci/run

# The binary as it is published: without HEIC, whose coding is covered by patents, JPEG XL and SVG; 45.4 MB on 2026-11-29,
# and more with four units of code generation, which are quicker to compile
release:
    cargo build --release -p resight --no-default-features --features jp2,cluster --config profile.release.codegen-units=1
    ls -l target/release/resight

# Kill the program at every system call that writes, let calls fail, cut its power; --seed, --rounds, --part
crash *options:
    cargo build --release -p resight -p resight-crash
    target/release/resight-crash {{options}}

# Damaged input and random operations for longer: the factor multiplies what the gate tries
fuzz factor="200":
    RESIGHT_FUZZ_FACTOR={{factor}} cargo test --release --workspace -- mutated fuzzing damaged_folders a_changed_file
    PROPTEST_CASES={{factor}} cargo test --release --workspace -- random_

# Fuzzing guided by coverage, each target for so many seconds; the last line is JSON. Five hours by default
fuzz-coverage seconds="600":
    fuzz/run all {{seconds}}

# Threads in thousands of other orders; RESIGHT_INTERLEAVINGS_FACTOR multiplies their number
interleavings:
    cargo test --manifest-path interleavings/Cargo.toml --target-dir target/interleavings -- --nocapture

# Try to run scripts on the page by names, labels, pictures and answers of plug-ins, in Chromium
page-scripting resight="target/release/resight":
    web/scripting/check {{resight}}

# Behind nginx and Caddy, with the settings of docs/reverse-proxy.md
check-proxies resight="target/release/resight":
    packaging/check-proxies {{resight}}

# The kernels for AArch64 under qemu beside their twins: says what it needs, and is skipped without that
aarch64:
    packaging/check-aarch64

# The Python client: types, style and tests against a server
client resight="target/debug/resight":
    python/client/check {{resight}}

# All that is linked in, as CycloneDX: resight.cdx.json
sbom:
    packaging/sbom --output resight.cdx.json

# The published form built twice in different folders, and compared: the same bytes, or what differs
reproducible:
    packaging/reproducible

# Format all Rust code
fmt:
    cargo fmt --all

# Clippy as the gate runs it
lint:
    cargo clippy --workspace --all-targets --features resight/acme,resight/cluster,resight/otel -- -D warnings

# The program on PostgreSQL and an object store, which are installed from PyPI
cluster:
    crates/resight-cluster/tests/install target/systems
    . target/systems/environment && cargo test --workspace --features resight/cluster --test cluster
    . target/systems/environment && cargo test --workspace --features resight/cluster --test app -- stores
    cargo build --workspace --features resight/cluster
    . target/systems/environment && crates/resight-cluster/tests/program.py target/debug/resight

# The tests of what the published program leaves out: certificates by ACME, traces of OpenTelemetry
optional:
    cargo test --workspace --features resight/acme,resight/otel --test cli -- optional
    cargo test --workspace --features resight/acme,resight/otel --lib -- acme

# Arrows between crates, circles of files, paths in ARCHITECTURE.md, names, lengths, phrases
tidy:
    cargo xtask tidy

# Lines of production and of tests by crate, lengths of files
lines:
    cargo xtask lines

# Figures of retrieval on a folder of ground-truth sets, with distractors
eval sets distractors:
    cargo run --release -- eval {{sets}}/* --distractors {{distractors}}

# Our SIFT beside OpenCV's: time, threads, memory
bench-sift data:
    bench/run sift_speed.py --data {{data}}

# Our SIFT beside OpenCV's and VLFeat's: what it finds again
bench-sift-quality data:
    bench/run sift_quality.py --data {{data}}

# Our matcher beside OpenCV's
bench-matching:
    bench/run matching_beside_opencv.py

# The server as a service: adds, searches and deletions at once, beside FastAPI with OpenCV and faiss, and overloaded
bench-service data:
    bench/run service.py --data {{data}}

# The API beside its description: schemathesis, and clients that generators make
conformance resight="target/release/resight":
    bench/conformance/check schemas --resight {{resight}} --examples 3
    bench/conformance/check generated --resight {{resight}}
