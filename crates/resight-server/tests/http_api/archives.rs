//! Archives of pictures, also such as no program writes.

use std::io::Write;

use axum::Router;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use serde_json::json;

use crate::bulk::{expected, outcomes, picture};
use crate::fixtures::{Answer, Bench, ask, form_of, post};

async fn sent(app: &Router, content_type: &str, body: Vec<u8>) -> Answer {
    let answer = ask(app, post("/v1/images", content_type, body)).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    answer
}

/// An entry of a ZIP archive: its name, its content, and what is written wrong.
struct Entry<'a> {
    name: &'a str,
    content: &'a [u8],
    flags: u16,
    method: u16,
    attributes: u32,
}

fn entry<'a>(name: &'a str, content: &'a [u8]) -> Entry<'a> {
    Entry {
        name,
        content,
        flags: 0,
        method: 8,
        attributes: 0,
    }
}

/// A ZIP archive, written by hand, so that it can be wrong.
fn zip(entries: &[Entry<'_>]) -> Vec<u8> {
    let (mut all, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
        packed.write_all(entry.content).unwrap();
        let packed = packed.finish().unwrap();
        let mut crc = flate2::Crc::new();
        crc.update(entry.content);
        let mut common = Vec::new();
        for number in [20, entry.flags, entry.method, 0, 0] {
            common.extend_from_slice(&number.to_le_bytes());
        }
        for number in [crc.sum(), packed.len() as u32, entry.content.len() as u32] {
            common.extend_from_slice(&number.to_le_bytes());
        }
        common.extend_from_slice(&(entry.name.len() as u16).to_le_bytes());
        common.extend_from_slice(&[0, 0]);
        let offset = all.len() as u32;
        all.extend_from_slice(b"PK\x03\x04");
        all.extend_from_slice(&common);
        all.extend_from_slice(entry.name.as_bytes());
        all.extend_from_slice(&packed);
        // Made by Unix, whose attributes tell links.
        directory.extend_from_slice(b"PK\x01\x02\x14\x03");
        directory.extend_from_slice(&common);
        directory.extend_from_slice(&[0; 6]);
        directory.extend_from_slice(&entry.attributes.to_le_bytes());
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(entry.name.as_bytes());
    }
    let (count, start) = (entries.len() as u16, all.len() as u32);
    all.extend_from_slice(&directory);
    all.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    all.extend_from_slice(&count.to_le_bytes());
    all.extend_from_slice(&count.to_le_bytes());
    all.extend_from_slice(&(directory.len() as u32).to_le_bytes());
    all.extend_from_slice(&start.to_le_bytes());
    all.extend_from_slice(&[0, 0]);
    all
}

fn tar_of(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        // As it is, also where it leads out of a folder.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        archive.append(&header, *content).unwrap();
    }
    archive.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_zip_archive_is_unpacked_and_its_names_are_labels() {
    let bench = Bench::new();
    let app = bench.app();
    let (first, second) = (picture(10), picture(11));
    let inner = zip(&[entry("x.png", &first)]);
    let archive = zip(&[
        entry("folder/", b""),
        entry("folder/a.png", &first),
        entry("../../../tmp/b.png", &second),
        entry("inner.zip", &inner),
        Entry {
            flags: 1,
            ..entry("secret.png", &first)
        },
        Entry {
            method: 14,
            ..entry("lzma.png", &first)
        },
        Entry {
            attributes: 0o120_777 << 16,
            ..entry("link.png", b"/etc/passwd")
        },
        entry("notes.txt", b"text"),
    ]);
    for content_type in [
        "application/zip",
        "application/vnd.comicbook+zip",
        "application/octet-stream",
    ] {
        let body = sent(&app, content_type, archive.clone()).await.json();
        let first = match content_type {
            "application/zip" => "added",
            _ => "already_present",
        };
        let files = expected(&[
            ("folder/a.png", first, ""),
            ("../../../tmp/b.png", first, ""),
            ("inner.zip", "refused", "nested_archive"),
            ("secret.png", "refused", "encrypted_entry"),
            ("lzma.png", "refused", "entry_not_supported"),
            ("link.png", "skipped", "entry_not_supported"),
            ("notes.txt", "refused", "not_an_image"),
        ]);
        assert_eq!(outcomes(&body["files"]), files, "{body}");
        assert_eq!(body["files"][1]["name"], "b.png");
    }
    // Beside a picture in a form.
    let third = picture(12);
    let parts: [(&str, Option<&str>, &[u8]); 2] = [
        ("file", Some("c.png"), &third),
        ("file", Some("d.cbz"), &archive),
    ];
    let body = ask(&app, form_of("/v1/images", &parts)).await.json();
    assert_eq!(
        (&body["added"], &body["already_present"]),
        (&json!(1), &json!(2))
    );
}

#[tokio::test]
async fn a_tar_archive_is_unpacked_and_what_is_no_file_is_left_out() {
    let bench = Bench::new();
    let app = bench.app();
    let (first, second) = (picture(20), picture(21));
    use tar::EntryType;
    let archive = tar_of(&[
        ("folder", EntryType::Directory, b""),
        ("/abs/a.png", EntryType::Regular, &first),
        ("link", EntryType::Symlink, b""),
        ("hard", EntryType::Link, b""),
        ("device", EntryType::Block, b""),
        ("pipe", EntryType::Fifo, b""),
        ("../b.png", EntryType::Regular, &second),
    ]);
    for (content_type, body, outcome) in [
        ("application/gzip", gzip(&archive), "added"),
        ("application/x-tar", archive.clone(), "already_present"),
        ("application/octet-stream", archive, "already_present"),
    ] {
        let body = sent(&app, content_type, body).await.json();
        let files = expected(&[
            ("/abs/a.png", outcome, ""),
            ("link", "skipped", "entry_not_supported"),
            ("hard", "skipped", "entry_not_supported"),
            ("device", "skipped", "entry_not_supported"),
            ("pipe", "skipped", "entry_not_supported"),
            ("../b.png", outcome, ""),
        ]);
        assert_eq!(outcomes(&body["files"]), files, "{body}");
    }
}

/// A sparse file of which the archive has nothing: all of it is a hole.
fn hole(bytes: u64) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_path("hole.png").unwrap();
    header.set_size(0);
    let gnu = header.as_gnu_mut().unwrap();
    // Beyond eight gigabytes numbers are written as bytes, of which the first says so.
    let number = |field: &mut [u8; 12]| {
        field[0] = 0x80;
        field[4..].copy_from_slice(&bytes.to_be_bytes());
    };
    number(&mut gnu.realsize);
    number(&mut gnu.sparse[0].offset);
    gnu.sparse[0].numbytes.copy_from_slice(b"00000000000\0");
    header.set_cksum();
    header.as_bytes().to_vec()
}

#[tokio::test]
async fn holes_are_not_read_and_bytes_are_unpacked_once() {
    let bench = Bench::new();
    let app = bench.app();
    let first = picture(20);
    let mut archive = hole(1 << 62);
    archive.extend(tar_of(&[("a.png", tar::EntryType::Regular, &first)]));
    let body = sent(&app, "application/x-tar", archive).await.json();
    let files = expected(&[
        ("hole.png", "refused", "entry_not_supported"),
        ("a.png", "added", ""),
    ]);
    assert_eq!(outcomes(&body["files"]), files, "{body}");

    // Two entries of the directory for one that is there.
    let whole = zip(&[entry("a.png", &first)]);
    let end = whole.len() - 22;
    let start = u32::from_le_bytes(whole[end + 16..end + 20].try_into().unwrap()) as usize;
    let mut twice = whole[..end].to_vec();
    twice.extend_from_slice(&whole[start..end]);
    let length = (2 * (end - start)) as u32;
    twice.extend_from_slice(b"PK\x05\x06\0\0\0\0\x02\0\x02\0");
    twice.extend_from_slice(&length.to_le_bytes());
    twice.extend_from_slice(&(start as u32).to_le_bytes());
    twice.extend_from_slice(&[0, 0]);
    let body = sent(&app, "application/zip", twice).await.json();
    let files = body["files"].as_array().unwrap();
    let last = files.last().unwrap_or_else(|| panic!("{body}"));
    assert_eq!(last["code"], "bad_archive", "{body}");
    assert!(last.to_string().contains("overlap"), "{body}");
}

#[tokio::test]
async fn archives_have_bounds_and_are_told_where_they_are_broken() {
    let app = Bench::new().app();
    let one = picture(22);
    let whole = zip(&[entry("a.png", &one)]);
    for (name, content_type, body, code) in [
        (
            "cut",
            "application/zip",
            whole[..whole.len() - 9].to_vec(),
            "bad_archive",
        ),
        ("no zip", "application/zip", b"PK".to_vec(), "bad_archive"),
        ("no tar", "application/x-tar", vec![9; 2000], "bad_archive"),
        (
            "cut gzip",
            "application/gzip",
            gzip(&tar_of(&[("a", tar::EntryType::Regular, &vec![0; 4000])]))[..60].to_vec(),
            "bad_archive",
        ),
        // A name of two megabytes would be read into memory.
        (
            "name",
            "application/gzip",
            gzip(&tar_of(&[(
                "././@LongLink",
                tar::EntryType::GNULongName,
                &vec![b'x'; 2 << 20],
            )])),
            "bad_archive",
        ),
    ] {
        let body = sent(&app, content_type, body).await.json();
        let last = body["files"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(
            (&last["outcome"], &last["code"]),
            (&json!("refused"), &json!(code)),
            "{name}: {body}"
        );
        assert_eq!(body["complete"], false, "{name}");
    }
    let many: Vec<Entry<'_>> = (0..10_001).map(|_| entry("a", b"")).collect();
    let body = sent(&app, "application/zip", zip(&many)).await.json();
    assert_eq!(body["files"][0]["code"], "too_many_files", "{body}");
}

#[tokio::test]
async fn an_archive_that_becomes_too_much_is_given_up() {
    let app = Bench::new().app();
    // 20 entries of 60 MB each are one more than the bound of a gigabyte, from some kilobytes.
    let zeros = vec![0; 60 << 20];
    let many: Vec<Entry<'_>> = (0..20).map(|_| entry("bomb", &zeros)).collect();
    let bomb = zip(&many);
    assert!((bomb.len() as u64) < 2 << 20);
    let body = sent(&app, "application/zip", bomb).await.json();
    let last = body["files"].as_array().unwrap().last().unwrap();
    assert_eq!(last["code"], "archive_too_large", "{last}");
    assert_eq!(body["complete"], false);
    let mut lie = zip(&[entry("lie.png", &vec![0; 100_000])]);
    // The directory states one byte: 46 bytes before the entry's name are its fields.
    let at = lie.len() - 22 - 7 - 46 + 24;
    lie[at..at + 4].copy_from_slice(&1_u32.to_le_bytes());
    let body = sent(&app, "application/zip", lie).await.json();
    assert_eq!(body["files"][0]["code"], "bad_archive", "{body}");
}

#[test]
fn mutated_archives_are_answered_whatever_they_have() {
    let bench = Bench::new();
    let app = bench.app();
    let one = picture(23);
    let small = tar_of(&[
        ("a.png", tar::EntryType::Regular, &one),
        ("b", tar::EntryType::Symlink, b""),
    ]);
    let corpus = [
        zip(&[entry("a.png", &one), entry("b", b"text")]),
        small.clone(),
        gzip(&small),
    ];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut whole = 0;
    resight_test_support::fuzz("archives", 150, &corpus, |bytes| {
        let request = post("/v1/images", "application/zip", bytes.to_vec());
        let answer = runtime.block_on(ask(&app, request));
        assert!(
            [200, 422].contains(&answer.status.as_u16()),
            "{}",
            answer.json()
        );
        whole += u32::from(answer.json()["complete"] == true);
    });
    assert!(whole > 0, "no changed archive can be read");
}
