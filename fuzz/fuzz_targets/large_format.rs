#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(init: resight_fuzz::end_on_own_panics(), |bytes: &[u8]| {
    resight_decode::fuzzing::picture(bytes);
});
