//! The functions of plug-ins in the description of the API.

use resight_plugin::{Function, Plugin};
use serde_json::{Map, Value, json};

use resight_app::plugins::Plugins;

/// Adds what the plug-ins offer now to an OpenAPI document.
pub(crate) fn describe(document: &mut Value, plugins: &Plugins) {
    let Some(paths) = document["paths"].as_object_mut() else {
        return;
    };
    for plugin in plugins.iter() {
        let Some(manifest) = plugin.manifest() else {
            continue;
        };
        for function in &manifest.functions {
            let name = &plugin.config().name;
            let own = format!("/v1/plugins/{name}/{}", function.name);
            for path in [Some(own), function.route.clone()].into_iter().flatten() {
                paths
                    .entry(path)
                    .or_insert_with(|| operations(plugin, function));
            }
        }
    }
}

fn operations(plugin: &Plugin, function: &Function) -> Value {
    let name = &plugin.config().name;
    let both = ["GET".to_owned(), "POST".to_owned()];
    let methods = function.methods.as_deref().unwrap_or(&both);
    let summary = function.doc.lines().next().unwrap_or_default();
    let mut operations = Map::new();
    for method in methods {
        let method = method.to_lowercase();
        let mut operation = json!({
            "tags": ["plugins"],
            "operationId": format!("{method}_{name}_{}", function.name),
            "summary": summary,
            "description": format!("`{}{}`\n\n{}", function.name, function.signature, function.doc),
            "responses": {
                "200": {"description": "What the function returned"},
                "default": {"description": "A failure, as application/problem+json"},
            },
        });
        if method == "get" {
            operation["parameters"] = function.parameters.iter().map(parameter).collect();
        } else {
            let content = json!({"schema": body(function)});
            operation["requestBody"] = json!({"content": {
                "application/json": content, "multipart/form-data": content,
                "application/x-www-form-urlencoded": content,
            }});
        }
        operations.insert(method, operation);
    }
    Value::Object(operations)
}

fn parameter(parameter: &resight_plugin::Parameter) -> Value {
    json!({
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "schema": schema(parameter),
    })
}

fn body(function: &Function) -> Value {
    let parameters = function.parameters.iter();
    let properties: Map<String, Value> = parameters.map(|p| (p.name.clone(), schema(p))).collect();
    let required = function.parameters.iter().filter(|p| p.required);
    let required: Vec<&str> = required.map(|p| &*p.name).collect();
    json!({"type": "object", "properties": properties, "required": required})
}

fn schema(parameter: &resight_plugin::Parameter) -> Value {
    match &parameter.schema {
        Value::Object(schema) => Value::Object(schema.clone()),
        _ => json!({}),
    }
}
