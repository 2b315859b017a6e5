# From a fresh Debian 12 with Rust:
#
#     make run                    watch phones that do not exist register, fail over and flap
#     make run INTERFACE=eth1     watch a mirror port
#     make run FILE=x.pcap        read a capture file and print a report
#     make test                   everything that is checked before a change goes in
#     make deb                    a Debian package of it, in target/debian
#     make bench                  how fast it is and what a fleet takes, in about seven minutes
#
# Each installs the Debian packages it needs, if any is missing (with sudo, when not root).

SHELL := /bin/sh
.DEFAULT_GOAL := help

TARGET := $(or $(CARGO_TARGET_DIR),target)
TOOLS := $(abspath $(TARGET))/tools
# Where rustup puts cargo, where Debian puts programs for administrators, and where .ci/prometheus puts its own.
export PATH := $(HOME)/.cargo/bin:$(PATH):/usr/sbin:/sbin:$(TOOLS)

PACKAGES := gcc iproute2 libc6-dev libcap2-bin libpcap-dev pkg-config
# The peers of the end-to-end tests, the judges of simulated frames, of pages, of the package and of the unit, and the
# interpreter of the licence check.
TEST_PACKAGES := busybox chromium curl debootstrap dnsmasq-base dpkg-dev g++ lintian openssl python3 python3-aiosmtpd \
	strace systemd tcpreplay tshark
# What makes a Debian package.
DEBIAN_PACKAGES := dpkg-dev
# What is measured against, and what plays frames onto a cable.
BENCH_PACKAGES := tcpdump tcpreplay tshark

.PHONY: help
help:
	@sed -n '/^\#/!q; s/^\# \{0,1\}//p' Makefile

.PHONY: run
ifneq ($(strip $(FILE)),)
run: build
	$(TARGET)/release/phonewatch replay $(if $(CONFIG),--config '$(CONFIG)') -- $(FILE)
else ifneq ($(strip $(INTERFACE)),)
run: build
	@.ci/grant $(TARGET)/release/phonewatch
	$(TARGET)/release/phonewatch run $(if $(CONFIG),--config '$(CONFIG)') $(INTERFACE:%=--interface '%')
else
run: build
	@echo 'To watch a mirror port: make run INTERFACE=eth1. To read a capture: make run FILE=capture.pcap' >&2
	@.ci/demo $(TARGET)/release/phonewatch
endif

.PHONY: build
build: ready
	cargo build --release --locked

.PHONY: test
test: ready-to-test
	cargo fmt --check
	CLIPPY_CONF_DIR=.ci cargo clippy --locked --all-targets -- -D warnings
	PHONEWATCH_FUZZ_SECONDS=60 cargo test --locked
	cargo check --quiet --locked --package phonewatch-fuzz
	PHONEWATCH_SIMULATED_PHONES=1000 cargo test --locked --release --test simulate the_engine_finds
	RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --locked
	.ci/licences

.PHONY: deb
deb: ready-to-package build
	deploy/debian/build $(TARGET)/release/phonewatch $(TARGET)/debian

.PHONY: bench
bench: ready-to-bench
	cargo bench --locked --bench speed
	cargo bench --locked --bench state
	cargo bench --locked --bench metrics
	cargo bench --locked --bench storage

.PHONY: ready ready-to-test ready-to-package ready-to-bench
ready:
	@.ci/rust
	@.ci/install $(PACKAGES)
ready-to-test:
	@.ci/rust
	@.ci/install $(PACKAGES) $(TEST_PACKAGES)
	@.ci/prometheus $(TOOLS)
	@.ci/alertmanager $(TOOLS)
ready-to-package:
	@.ci/install $(DEBIAN_PACKAGES)
ready-to-bench:
	@.ci/rust
	@.ci/install $(PACKAGES) $(BENCH_PACKAGES)
