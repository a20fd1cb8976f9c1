//! What a key learns of a plug-in's failures.

use std::sync::Arc;

use resight_app::keys::{Keys, NewKey, Scope};
use resight_server::{AccessSettings, HttpSettings, Policy};

use crate::access::with;
use crate::fixtures::{ask, request};
use crate::plugins::Served;

#[tokio::test]
async fn tracebacks_are_for_admins() {
    let Some(served) = Served::ready() else {
        return;
    };
    let keys = Arc::new(Keys::open(served.bench.folder.path()).unwrap());
    let app = served.bench.app_with(HttpSettings {
        plugins: served.plugins.clone(),
        access: AccessSettings {
            keys: Some(keys.clone()),
            policy: Policy::Always,
        },
        ..HttpSettings::default()
    });
    let mut told = Vec::new();
    for scope in [Scope::Search, Scope::Admin] {
        let new = NewKey {
            name: "a test".into(),
            scopes: vec![scope],
            ..NewKey::default()
        };
        let (_, secret) = keys.create(new).unwrap();
        let fails = request("GET", "/v1/plugins/mine/fails");
        let answer = ask(&app, with(fails, &secret)).await;
        answer.problem(502, "plugin_raised");
        let text = String::from_utf8(answer.body.clone()).unwrap();
        let path = served.folder.path().to_str().unwrap();
        told.push((text.contains("return 1 // n"), text.contains(path)));
    }
    assert_eq!(told, [(false, false), (true, true)]);
}
