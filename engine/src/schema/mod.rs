//! Params held against the schema that the plugin gave for them, before the plugin gets them.
//!
//! The caller chooses the params, so nothing here takes longer than is in proportion to them: patterns are matched without
//! backtracking, what a recursive schema has said of a value is remembered by `jsonschema`, and what is wrong is looked for
//! only where that cannot branch ([`Detail`]). The schema itself is the plugin's, and trusted as its code is.

mod misfit;
#[cfg(test)]
mod tests;

use jackfield_message::{Command, ErrorCode, Failure, Misfit};
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// At most so many faults of one command are told.
const TOLD: usize = 8;

/// All faults are looked for only in params up to this many bytes, or so many for each part of the schema: each fault costs
/// memory.
const SHORT: usize = 64 << 10;
const SHORT_BY_PARTS: u64 = 256 << 10;

/// The dialect whose commands are not held against schemas: its clients know the handlers' own texts.
pub(crate) const PLAIN: &str = "zeiss";

/// What a command is answered whose params are longer than what is held against a schema.
pub(crate) fn too_long(command: &Command, limit: usize) -> Option<Failure> {
    let bytes = command.params().len();
    let message = || {
        format!(
            "The params of '{}' have {bytes} bytes; what is held against a schema may have {limit} (limit checked_bytes). \
             Attachments may be longer.",
            command.key()
        )
    };
    (bytes > limit).then(|| Failure::new(ErrorCode::TooLarge, message()))
}

/// A compiled schema of params.
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
    /// For telling the rules that were broken.
    text: Value,
    detail: Detail,
}

/// How much can be said of params that do not fit, without looking at one value again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    /// Every value is looked at by one part of the schema.
    Always,
    /// Each by so many at most.
    Parts(u64),
    /// Some by more parts than can be counted: alternatives in a recursive schema.
    Never,
}

impl Schema {
    /// Compiles a JSON Schema, which is JSON already. `None`: it admits everything. The error says what is wrong with it.
    pub fn compile(text: &str) -> Result<Option<Self>, String> {
        if matches!(text.trim(), "" | "true") {
            return Ok(None);
        }
        let cannot = |why: String| format!("cannot be used as a schema: {why}");
        let text: Value = serde_json::from_str(text).map_err(|error| cannot(error.to_string()))?;
        if text.as_object().is_some_and(Map::is_empty) {
            return Ok(None);
        }
        let detail = Detail::of(&text).map_err(cannot)?;
        let validator = jsonschema::options()
            .offline()
            // As the newer drafts have it: `format` is for the reader.
            .should_validate_formats(false)
            .with_pattern_options(PatternOptions::regex())
            .build(&text)
            .map_err(|error| cannot(fault(&error)))?;
        Ok(Some(Self { validator, text, detail }))
    }

    /// What a command is answered whose params do not fit; `None`: they do.
    pub fn refusal(&self, command: &Command) -> Option<Failure> {
        let params: Value = match serde_json::from_str(command.params()) {
            Ok(params) => params,
            Err(error) => return Some(unreadable(command, &error)),
        };
        if self.validator.is_valid(&params) {
            return None;
        }
        let bytes = command.params().len();
        let all = match self.detail {
            Detail::Always => bytes <= SHORT,
            Detail::Parts(parts) => (bytes as u64).saturating_mul(parts) <= SHORT_BY_PARTS,
            Detail::Never => false,
        };
        let mut misfits: Vec<Misfit> = if all {
            self.validator.iter_errors(&params).flat_map(|error| self.misfits(&error)).take(TOLD).collect()
        } else if self.detail == Detail::Always {
            self.validator.validate(&params).err().iter().flat_map(|error| self.misfits(error)).collect()
        } else {
            Vec::new()
        };
        if misfits.is_empty() {
            let expected = "params that fit the schema of the command".into();
            misfits.push(Misfit { path: String::new(), expected, value: Some(misfit::cut(&params)) });
        }
        let mut failure = Failure::new(ErrorCode::InvalidParams, misfit::sentence(&misfits[0], command.key()));
        let errors: Vec<_> = misfits.iter().map(|misfit| Value::Object(misfit.data())).collect();
        failure.details = serde_json::json!({"errors": errors}).to_string().into();
        failure.misfit = Some(Box::new(misfits.swap_remove(0)));
        Some(failure)
    }
}

/// Valid JSON may be more than a check can hold: numbers beyond all, and nesting.
fn unreadable(command: &Command, error: &serde_json::Error) -> Failure {
    let message = format!("The params of '{}' cannot be held against its schema: {error}.", command.key());
    let mut failure = Failure::new(ErrorCode::InvalidParams, message);
    let expected = "numbers up to 1.7e308, and nesting up to 127 levels".into();
    failure.misfit = Some(Box::new(Misfit { path: String::new(), expected, value: None }));
    failure
}

/// What is wrong with a schema, and where.
fn fault(error: &ValidationError<'_>) -> String {
    const LONGEST: usize = 512;
    let (at, what) = (error.instance_path().as_str(), error.to_string());
    let what = &what[..what.floor_char_boundary(LONGEST)];
    if at.is_empty() { what.to_owned() } else { format!("at {at}: {what}") }
}

/// A schema may have so many parts, where one that is referred to counts each time: a check may look at a value by each of
/// them.
const MOST_PARTS: u64 = 1 << 20;

/// How deep a schema may be, where references are followed and not yet those back to where they are.
const DEEPEST: usize = 128;

impl Detail {
    /// The error: the schema is one that a check could get lost in.
    fn of(schema: &Value) -> Result<Self, String> {
        let mut count = Count { root: schema, known: HashMap::new(), is_known: true };
        let parts = count.parts(schema, 0);
        match parts {
            u64::MAX => Err(format!("it has more than {MOST_PARTS} parts or {DEEPEST} levels, references followed")),
            _ if looks_once(schema) => Ok(Self::Always),
            _ if count.is_known => Ok(Self::Parts(parts)),
            _ => Ok(Self::Never),
        }
    }
}

/// Members of a schema whose content is data.
const DATA: [&str; 6] = ["const", "default", "description", "enum", "examples", "required"];

/// Members that hold schemas by name: such that apply nowhere by themselves, and such that apply to the values of that name.
const STORES: [&str; 2] = ["$defs", "definitions"];
const NAMED: [&str; 3] = ["dependentSchemas", "patternProperties", "properties"];

/// Members under which schemas stand that share no value: each belongs to one name or place.
const APART: [&str; 4] = ["additionalProperties", "items", "prefixItems", "unevaluatedProperties"];

/// Members that lead elsewhere.
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// Whether no value is looked at by two parts of the schema, whatever they refer to.
fn looks_once(schema: &Value) -> bool {
    let Value::Object(members) = schema else { return true };
    let refers = REFERENCES.iter().any(|name| members.contains_key(*name));
    let all = |schemas: &Map<String, Value>| schemas.values().all(looks_once);
    members.iter().all(|(name, value)| match (name.as_str(), value) {
        (name, _) if DATA.contains(&name) => true,
        (name, Value::Object(schemas)) if STORES.contains(&name) => all(schemas),
        ("properties", Value::Object(schemas)) => !refers && all(schemas),
        (name, Value::Array(schemas)) if APART.contains(&name) => !refers && schemas.iter().all(looks_once),
        (name, schema) if APART.contains(&name) => !refers && looks_once(schema),
        // Plain values are rules; whatever else has members may be one that applies schemas.
        (name, value) => name == "type" || !(value.is_object() || value.is_array()),
    })
}

/// Counts parts.
struct Count<'s> {
    root: &'s Value,
    /// What is referred to, by pointer, and how many parts it has; `None`: they are being counted.
    known: HashMap<&'s str, Option<u64>>,
    /// Nothing was found that leads back, or elsewhere.
    is_known: bool,
}

impl<'s> Count<'s> {
    /// `u64::MAX`: too many.
    fn parts(&mut self, part: &'s Value, depth: usize) -> u64 {
        if depth > DEEPEST {
            return u64::MAX;
        }
        match part {
            Value::Object(members) => together(members.iter().map(|(name, value)| match (name.as_str(), value) {
                ("$ref", Value::String(to)) => self.referred(to, depth),
                ("$dynamicRef" | "$recursiveRef", _) => self.elsewhere(),
                // With an id of its own, what is referred to below may be elsewhere.
                ("$id", Value::String(_)) if depth > 0 => self.elsewhere(),
                (name, Value::Object(schemas)) if NAMED.contains(&name) => {
                    together(schemas.values().map(|schema| self.parts(schema, depth + 1)))
                }
                (name, _) if DATA.contains(&name) || STORES.contains(&name) => 0,
                _ => self.parts(value, depth + 1),
            })),
            Value::Array(parts) => together(parts.iter().map(|part| self.parts(part, depth + 1))),
            _ => 1,
        }
    }

    fn referred(&mut self, to: &'s str, depth: usize) -> u64 {
        let Some(pointer) = to.strip_prefix('#').filter(|pointer| !pointer.contains('%')) else {
            return self.elsewhere();
        };
        match self.known.get(pointer) {
            Some(Some(parts)) => return *parts,
            // What has been said of a value there is remembered.
            Some(None) => return self.elsewhere(),
            None => {}
        }
        let Some(target) = self.root.pointer(pointer) else { return self.elsewhere() };
        self.known.insert(pointer, None);
        let parts = self.parts(target, depth + 1);
        self.known.insert(pointer, Some(parts));
        parts
    }

    fn elsewhere(&mut self) -> u64 {
        self.is_known = false;
        1
    }
}

/// One and these, or `u64::MAX`.
fn together(mut parts: impl Iterator<Item = u64>) -> u64 {
    let all = parts.try_fold(1u64, |all, more| Some(all.saturating_add(more)).filter(|all| *all <= MOST_PARTS));
    all.unwrap_or(u64::MAX)
}
