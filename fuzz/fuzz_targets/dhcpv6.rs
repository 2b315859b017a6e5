#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| phonewatch_fuzz::decoders::dhcpv6(bytes));
