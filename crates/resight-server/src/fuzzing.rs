//! What is fed to the parsers of requests by the tests and by the fuzzers of `fuzz`. Each function returns whether something
//! was read, and panics where a parser is wrong.

use serde_json::{Map, Value};

pub use crate::bulk::{archive, label_lines};
pub use crate::fetch::address;
pub use crate::iiif::image_request as iiif;
pub use crate::ranges::range;

use crate::access::Caller;
use crate::filters::{Filters, parameters};
use crate::moment::Moment;
use crate::params::Params;

/// A filter in JSON.
pub fn filters(bytes: &[u8]) -> bool {
    let Ok(Value::Object(map)) = serde_json::from_slice::<Value>(bytes) else {
        return false;
    };
    of_map(&map)
}

fn of_map(map: &Map<String, Value>) -> bool {
    let Ok(given) = parameters(map) else {
        return false;
    };
    taken(Params::from(given))
}

fn taken(mut params: Params) -> bool {
    match params.take::<Filters>() {
        Ok(filters) => params.finish().is_ok() && filters.filter(&Caller::Anyone).is_ok(),
        Err(problem) => {
            assert!(problem.status().is_client_error(), "{}", problem.message());
            false
        }
    }
}

/// The parameters of an address, taken as a filter.
pub fn parameters_of_filters(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    Params::parse(text).is_ok_and(taken)
}

/// A moment or a day.
pub fn moment(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    match text.parse::<Moment>() {
        // From 1826 to 9999, and a day at most for the difference to UTC.
        Ok(Moment(ms)) => {
            let years = |years: i64| years * 366 * 86_400_000;
            assert!((-years(145)..years(8031)).contains(&ms), "{text}: {ms}");
            true
        }
        Err(told) => {
            assert!(!told.is_empty());
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use resight_test_support::fuzz_reader;

    use super::*;

    fn tried(name: &str, count: u64, made: &[&str], reader: fn(&[u8]) -> bool) {
        let made = made.iter().map(|text| text.as_bytes().to_vec()).collect();
        let (read, refused) = fuzz_reader(name, count, made, reader);
        assert!(read > 0 && refused > 0, "{name}: {read} {refused}");
    }

    #[test]
    fn changed_filters_and_parameters_are_read_or_refused() {
        let json = [
            r#"{"tag":["a"],"any_tag":"b","taken_after":"2019-07-31T12:00:00+02:00","meta":{"a":1}}"#,
            r#"{"added_before":"2019-07","min_bytes":1,"max_height":9007199254740991}"#,
        ];
        tried("filters", 5000, &json, filters);
        let parameters = [
            "tag=a&any_tag=b%20c&meta.a.b=1&taken_after=2019-07",
            "min_bytes=1&weak=true&name_prefix=%C3%A9&object=o",
        ];
        tried("parameters", 5000, &parameters, parameters_of_filters);
    }

    #[test]
    fn changed_requests_of_iiif_addresses_and_moments_are_read_or_refused() {
        let requests = [
            "full/max/0/default.jpg",
            "pct:10,50,25.5,100/^!2000,2000/!270.0/gray.png",
            "900,500,300,300/pct:0.01/90/bitonal.jpg",
            "square/,300/0/color.png",
        ];
        tried("iiif", 20_000, &requests, iiif);
        let addresses = [
            "https://a.example:8443/x/y?z#f",
            "http://[::ffff:127.0.0.1]/",
        ];
        tried("address", 5000, &addresses, address);
        let moments = [
            "2019-07-31T12:00:00.1239+02:00",
            "1826-01",
            "9999-12-31T23:59:59Z",
        ];
        tried("moment", 20_000, &moments, moment);
        let ranges = ["bytes=0-3,5-", "bytes=-99999999999999999999999, 4-4,"];
        tried("range", 20_000, &ranges, range);
    }

    #[test]
    fn changed_archives_are_unpacked_or_refused() {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, kind) in [("a", tar::EntryType::Regular), ("b", tar::EntryType::Fifo)] {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(kind);
            header.set_size(2);
            tar.append_data(&mut header, name, &b"xy"[..]).unwrap();
        }
        let made = vec![tar.into_inner().unwrap()];
        let (read, refused) = fuzz_reader("archive", 1000, made, archive);
        assert!(read > 50 && refused > 50, "{read} {refused}");
    }

    #[test]
    fn changed_lines_of_labels_are_read_or_refused() {
        let lines = [
            "{\"file\":\"a\",\"name\":\"b\",\"tags\":[\"x\"],\"object\":\"o\",\"metadata\":{\"k\":[1]}}\n{\"file\":\"c\"}",
            "{}\n{}",
        ];
        tried("label_lines", 5000, &lines, label_lines);
    }
}
