use serde_json::{Map, Value};

/// What the data of an event must say for a subscriber to hear of it.
#[derive(Clone, Debug)]
pub(crate) struct Filter(Vec<(String, Value)>);

/// A subscription may not look at more places than this.
const MAX_PLACES: usize = 16;

impl Filter {
    /// From `{"path": value}`: names of members, and places in arrays, joined by dots; all of them must be so.
    pub fn new(places: Map<String, Value>) -> Result<Self, String> {
        if places.len() > MAX_PLACES {
            return Err(format!("has {} paths, more than {MAX_PLACES}", places.len()));
        }
        Ok(Self(places.into_iter().collect()))
    }

    pub fn fits(&self, data: &Value) -> bool {
        self.0.iter().all(|(path, wanted)| find(data, path).is_some_and(|found| equal(found, wanted)))
    }
}

/// The value at `path`; at the top a member is found too whose name holds dots.
fn find<'a>(data: &'a Value, path: &str) -> Option<&'a Value> {
    step(data, path).or_else(|| path.split('.').try_fold(data, step))
}

fn step<'a>(data: &'a Value, name: &str) -> Option<&'a Value> {
    match data {
        Value::Object(members) => members.get(name),
        Value::Array(elements) => elements.get(name.parse::<usize>().ok()?),
        _ => None,
    }
}

/// As values: 1 and 1.0 are equal.
fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || (one.is_f64() || other.is_f64()) && one.as_f64() == other.as_f64()
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, one)| other.get(name).is_some_and(|other| equal(one, other)))
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fits(places: Value, data: &Value) -> bool {
        let Value::Object(places) = places else { panic!("not an object") };
        Filter::new(places).unwrap().fits(data)
    }

    #[test]
    fn all_places_must_hold_their_values() {
        let data = json!({"series": "other", "size": {"w": 64, "h": 32.0}, "tags": ["a", {"b": null}], "x.y": true});
        for yes in [
            json!({}),
            json!({"series": "other"}),
            json!({"size.w": 64.0, "size.h": 32, "series": "other"}),
            json!({"tags.0": "a", "tags.1.b": null, "x.y": true}),
            json!({"size": {"h": 32, "w": 64}}),
        ] {
            assert!(fits(yes.clone(), &data), "{yes}");
        }
        for no in [
            json!({"series": "Other"}),
            json!({"series": "other", "size.w": 65}),
            json!({"size": {"w": 64}}),
            json!({"tags.2": null}),
            json!({"tags.a": null}),
            json!({"none": null}),
            json!({"": null}),
            json!({"series.other": null}),
        ] {
            assert!(!fits(no.clone(), &data), "{no}");
        }
        assert!(!fits(json!({"n": 9007199254740993_u64}), &json!({"n": 9007199254740992_u64})));
        assert!(!fits(json!({"a": 1}), &json!(1)) && fits(json!({"0": 1}), &json!([1])));
    }
}
