//! A record, read so that its numbers keep their digits.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::marker::PhantomData;

/// The record of an element.
#[derive(Deserialize)]
pub struct Element<'a> {
    pub id: Option<u64>,
    pub name: Option<String>,
    pub group: String,
    pub r#type: String,
    #[serde(default)]
    pub attributes: Members<String>,
    pub comment: Option<String>,
    pub actual: Option<u64>,
    #[serde(borrow)]
    pub measure_opposite: Option<Opposite<'a>>,
    pub state: Option<String>,
    /// What is in `geometry`, each as its JSON text.
    #[serde(borrow)]
    pub geometry: Option<Members<&'a RawValue>>,
    #[serde(borrow)]
    pub result: Option<Vec<Quantity<'a>>>,
    #[serde(default)]
    pub other: Vec<Tree>,
}

#[derive(Deserialize)]
pub struct Opposite<'a> {
    pub r#use: String,
    #[serde(borrow)]
    pub offset: Option<&'a RawValue>,
}

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
    #[serde(borrow, default, deserialize_with = "present")]
    pub nominal_scalar: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub deviation: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub measured: Option<&'a RawValue>,
    #[serde(default)]
    pub other: Vec<Tree>,
}

#[derive(Deserialize)]
pub struct Curve {
    pub chunk: Option<String>,
    pub base64: String,
}

/// What is not known.
#[derive(Deserialize)]
pub struct Tree {
    pub tag: String,
    #[serde(default)]
    pub attributes: Members<String>,
    #[serde(default)]
    pub children: Vec<Tree>,
    #[serde(default)]
    pub text: String,
}

/// `null` is a value: that of what could not be computed.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<&'a RawValue>, D::Error> {
    Deserialize::deserialize(from).map(Some)
}

/// An object in its order.
pub struct Members<T>(pub Vec<(String, T)>);

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Members<T> {
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Pairs<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
            type Value = Members<T>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Members(pairs))
            }
        }

        from.deserialize_map(Pairs(PhantomData))
    }
}
