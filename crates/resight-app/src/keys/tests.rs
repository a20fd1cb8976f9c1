use super::*;

fn open() -> (tempfile::TempDir, Keys) {
    let folder = tempfile::tempdir().unwrap();
    let keys = Keys::open(folder.path()).unwrap();
    (folder, keys)
}

fn new(scopes: &[Scope]) -> NewKey {
    NewKey {
        name: "a reader".into(),
        scopes: scopes.to_vec(),
        ..NewKey::default()
    }
}

fn id_of(keys: &Keys, secret: &str) -> Result<String, SecretError> {
    keys.check(secret).unwrap().map(|key| key.id.clone())
}

#[test]
fn a_key_is_known_by_its_secret_alone_and_only_until_it_is_revoked() {
    let (folder, keys) = open();
    assert!(keys.is_empty().unwrap());
    let (key, secret) = keys
        .create(new(&[Scope::Read, Scope::Search, Scope::Read]))
        .unwrap();
    let (other, others) = keys.create(new(&[Scope::Admin])).unwrap();
    assert_eq!(key.scopes, [Scope::Search, Scope::Read]);
    assert!(key.allows(Scope::Read) && !key.allows(Scope::Add) && other.allows(Scope::Add));
    assert_eq!(id_of(&keys, &secret), Ok(key.id.clone()));
    // Another process, and every changed letter.
    let again = Keys::open(folder.path()).unwrap();
    assert_eq!(id_of(&again, &others), Ok(other.id.clone()));
    for at in 0..secret.len() {
        let mut changed = secret.clone().into_bytes();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(id_of(&again, &changed), Err(SecretError::Unknown), "{at}");
    }
    for wrong in [
        "",
        "resight_",
        &secret[1..],
        &secret.to_uppercase(),
        &format!("{secret}0"),
    ] {
        assert_eq!(id_of(&again, wrong), Err(SecretError::Unknown), "{wrong}");
    }
    assert_eq!(keys.revoke(&key.id).unwrap().id, key.id);
    assert_eq!(id_of(&keys, &secret), Err(SecretError::Unknown));
    assert_eq!(id_of(&keys, &others), Ok(other.id));
    let error = keys.revoke(&key.id).unwrap_err();
    assert_eq!(error.code(), crate::Code::UnknownKey);
}

#[test]
fn keys_are_listed_as_they_were_made() {
    let (folder, keys) = open();
    let mut ids: Vec<String> = (0..20)
        .map(|_| keys.create(new(&[Scope::Read])).unwrap().0.id)
        .collect();
    keys.revoke(&ids.remove(7)).unwrap();
    let listed = |keys: &Keys| -> Vec<String> {
        let listed = keys.list().unwrap();
        listed.into_iter().map(|key| key.id).collect()
    };
    assert_eq!(listed(&keys), ids);
    assert_eq!(listed(&Keys::open(folder.path()).unwrap()), ids);
}

#[test]
fn nothing_in_the_folder_is_a_secret() {
    let (folder, keys) = open();
    let (_, secret) = keys.create(new(&[Scope::Admin])).unwrap();
    let bits = secret.rsplit_once('_').unwrap().1;
    assert_eq!(bits.len(), 64);
    for file in fs::read_dir(folder.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(bits));
    }
}

#[cfg(unix)]
#[test]
fn the_file_is_its_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, keys) = open();
    keys.create(new(&[Scope::Admin])).unwrap();
    let closed = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o077 == 0;
    assert!(closed(&folder.path().join("keys.json")) && closed(&folder.path().join("keys.lock")));
    // Also the data folder, where it did not exist.
    let new_folder = folder.path().join("new");
    let keys = Keys::open(&new_folder).unwrap();
    keys.create(new(&[Scope::Admin])).unwrap();
    assert!(closed(&new_folder));
}

#[test]
fn another_process_notices_new_and_revoked_keys() {
    let (folder, server) = open();
    let command = Keys::open(folder.path()).unwrap();
    let (key, secret) = command.create(new(&[Scope::Read])).unwrap();
    server.state.lock().read = Instant::now().checked_sub(FRESH).unwrap();
    assert_eq!(id_of(&server, &secret), Ok(key.id.clone()));
    command.revoke(&key.id).unwrap();
    server.state.lock().read = Instant::now().checked_sub(FRESH).unwrap();
    assert_eq!(id_of(&server, &secret), Err(SecretError::Unknown));
}

#[test]
fn a_key_ends_and_its_sessions_with_it() {
    let (_folder, keys) = open();
    let brief = NewKey {
        lasts: Some(Duration::from_millis(1)),
        ..new(&[Scope::Read])
    };
    let (key, secret) = keys.create(brief).unwrap();
    let session = keys.session(&key, Duration::from_secs(60)).unwrap();
    std::thread::sleep(Duration::from_millis(5));
    assert!(key.has_ended());
    assert_eq!(id_of(&keys, &secret), Err(SecretError::Ended));
    assert_eq!(keys.of_session(&session).unwrap(), Err(SecretError::Ended));
}

#[test]
fn a_session_stands_for_its_key_for_its_time() {
    let (_folder, keys) = open();
    let (key, _) = keys.create(new(&[Scope::Read])).unwrap();
    let session = keys.session(&key, Duration::from_secs(60)).unwrap();
    let id = |text: &str| keys.of_session(text).unwrap().map(|key| key.id.clone());
    assert_eq!(id(&session), Ok(key.id.clone()));
    let over = keys.session(&key, Duration::ZERO).unwrap();
    assert_eq!(id(&over), Err(SecretError::Ended));
    // A later end, another key, another hash.
    let parts: Vec<&str> = session.split('.').collect();
    let (other, _) = keys.create(new(&[Scope::Admin])).unwrap();
    let zeros = "0".repeat(64);
    for wrong in [
        format!("{}.{}9.{}", parts[0], parts[1], parts[2]),
        format!("{}.{}.{}", other.id, parts[1], parts[2]),
        format!("{}.{}.{zeros}", parts[0], parts[1]),
        String::new(),
        "..".into(),
    ] {
        assert_eq!(id(&wrong), Err(SecretError::Unknown), "{wrong}");
    }
    keys.revoke(&key.id).unwrap();
    assert_eq!(id(&session), Err(SecretError::Unknown));
}

#[test]
fn a_damaged_file_accepts_no_key_and_is_not_replaced() {
    let (folder, keys) = open();
    let (_, secret) = keys.create(new(&[Scope::Admin])).unwrap();
    let path = folder.path().join("keys.json");
    let whole = fs::read_to_string(&path).unwrap();
    for wrong in [
        &whole[..whole.len() / 2],
        "",
        "{}",
        &whole.replace("\"version\": 1", "\"version\": 2"),
        &whole.replace("admin", "all"),
    ] {
        fs::write(&path, wrong).unwrap();
        keys.state.lock().read = Instant::now().checked_sub(FRESH).unwrap();
        let error = keys.check(&secret).unwrap_err();
        assert_eq!(error.code(), crate::Code::KeysDamaged, "{wrong}");
        assert!(keys.create(new(&[Scope::Admin])).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), wrong);
        assert!(Keys::open(folder.path()).is_err());
    }
}

#[test]
fn times_of_use_are_written() {
    let (folder, keys) = open();
    let (key, secret) = keys.create(new(&[Scope::Read])).unwrap();
    assert_eq!(keys.list().unwrap()[0].used_ms, None);
    keys.check(&secret).unwrap().unwrap();
    assert!(keys.list().unwrap()[0].used_ms >= Some(key.created_ms));
    drop(keys);
    let again = Keys::open(folder.path()).unwrap();
    assert!(again.list().unwrap()[0].used_ms >= Some(key.created_ms));
}

#[test]
fn keys_that_make_no_sense_are_refused() {
    let (_folder, keys) = open();
    let wrong = [
        NewKey {
            name: " ".into(),
            ..new(&[Scope::Read])
        },
        NewKey {
            name: "a\nb".into(),
            ..new(&[Scope::Read])
        },
        NewKey {
            name: "x".repeat(101),
            ..new(&[Scope::Read])
        },
        new(&[]),
        NewKey {
            collections: Some(Vec::new()),
            ..new(&[Scope::Read])
        },
        NewKey {
            name: "a\u{202e}b".into(),
            ..new(&[Scope::Read])
        },
        NewKey {
            at_once: Some(u32::MAX),
            ..new(&[Scope::Read])
        },
        NewKey {
            per_minute: Some(0),
            ..new(&[Scope::Read])
        },
        NewKey {
            lasts: Some(Duration::ZERO),
            ..new(&[Scope::Read])
        },
    ];
    for new in wrong {
        let error = keys.create(new.clone()).unwrap_err();
        assert_eq!(error.code(), crate::Code::BadKey, "{new:?}");
    }
    assert!(keys.is_empty().unwrap());
}

#[test]
fn keys_made_at_once_are_all_there() {
    let (folder, _keys) = open();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let keys = Keys::open(folder.path()).unwrap();
                for _ in 0..10 {
                    keys.create(new(&[Scope::Read])).unwrap();
                }
            });
        }
    });
    assert_eq!(Keys::open(folder.path()).unwrap().list().unwrap().len(), 40);
}

#[test]
fn a_lock_that_another_process_keeps_holds_up_no_request() {
    let (folder, keys) = open();
    let (key, secret) = keys.create(new(&[Scope::Read])).unwrap();
    let lock = file::lock(folder.path()).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| keys.create(new(&[Scope::Read])).unwrap());
        std::thread::sleep(Duration::from_millis(50));
        assert!(!waiting.is_finished());
        assert_eq!(id_of(&keys, &secret), Ok(key.id.clone()));
        drop(lock);
        waiting.join().unwrap();
    });
    assert_eq!(keys.list().unwrap().len(), 2);
}
