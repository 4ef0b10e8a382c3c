//! A record, typed as far as GXML needs it; numbers as they stand.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::marker::PhantomData;

#[derive(Deserialize)]
pub struct Record<'a> {
    pub id: Option<u64>,
    pub name: Option<String>,
    pub group: Group,
    pub r#type: String,
    #[serde(default)]
    pub attributes: Members<String>,
    pub comment: Option<String>,
    pub actual: Option<u64>,
    #[serde(borrow)]
    pub measure_opposite: Option<Opposite<'a>>,
    pub state: Option<String>,
    #[serde(borrow)]
    pub geometry: Option<Members<&'a RawValue>>,
    #[serde(borrow)]
    pub result: Option<Vec<Quantity<'a>>>,
    #[serde(default)]
    pub other: Vec<Tree>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    Nominal,
    Measured,
}

#[derive(Deserialize)]
pub struct Opposite<'a> {
    pub r#use: String,
    #[serde(borrow, default, deserialize_with = "present")]
    pub offset: Option<&'a RawValue>,
}

/// One result.
#[derive(Deserialize)]
pub struct Quantity<'a> {
    pub quantity: String,
    pub checked: Option<bool>,
    pub unit_name: Option<String>,
    pub name: Option<String>,
    pub restriction: Option<String>,
    #[serde(default)]
    pub attributes: Members<String>,
    #[serde(borrow)]
    pub tolerance: Option<[&'a RawValue; 2]>,
    // `null` is a value.
    #[serde(borrow, default, deserialize_with = "present")]
    pub nominal_scalar: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub deviation: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub measured: Option<&'a RawValue>,
    #[serde(default)]
    pub other: Vec<Tree>,
}

/// What was not known.
#[derive(Deserialize)]
pub struct Tree {
    pub tag: String,
    #[serde(default)]
    pub attributes: Members<String>,
    #[serde(default)]
    pub children: Vec<Tree>,
    pub text: Option<String>,
}

/// An object in the order of its members.
pub struct Members<V>(pub Vec<(String, V)>);

impl<V> Default for Members<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Members<V> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(MembersOf(PhantomData))
    }
}

struct MembersOf<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for MembersOf<V> {
    type Value = Members<V>;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Members<V>, A::Error> {
        let mut all = Vec::new();
        while let Some(member) = members.next_entry()? {
            all.push(member);
        }
        Ok(Members(all))
    }
}

fn present<'de, D: Deserializer<'de>>(json: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(json).map(Some)
}
