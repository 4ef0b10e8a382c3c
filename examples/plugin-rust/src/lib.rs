//! A plugin in Rust, to start from: one command, `circle`, that works out a circle.

#![forbid(unsafe_code)]

use jackfield_plugin::{Call, Commands, Error, Failure, Host, Info, NoConfig, Plugin};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// The instance. Fields live as long as this version of the plugin is served; handlers get `&self`, so what changes goes
/// behind a `Mutex`.
struct Circles {
    host: Host,
}

/// Params, in mm.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Circle {
    center: [f64; 3],
    radius: f64,
}

/// Result, in mm and mm².
#[derive(Serialize)]
struct Figures {
    area: f64,
    circumference: f64,
}

impl Plugin for Circles {
    type Config = NoConfig;
    const INFO: Info = Info::new("circles", "Circles", env!("CARGO_PKG_VERSION"));

    fn new(host: Host, _config: NoConfig) -> Result<Self, Error> {
        Ok(Self { host })
    }

    fn commands(commands: &mut Commands<Self>) {
        commands
            .add("circle", Self::circle)
            .serial()
            .read_only()
            .help("Area and circumference of a circle")
            .params_schema(include_str!("circle.schema.json"))
            .order(&["center", "radius"])
            .example(r#"{"center": [0, 0, 0], "radius": 12.5}"#);
    }
}

impl Circles {
    fn circle(&self, _call: &Call, Circle { center, radius }: Circle) -> Result<Figures, Failure> {
        if radius <= 0.0 {
            return Err(Failure::invalid_params(format!("The radius is {radius} mm; it must be greater than 0.")));
        }
        self.host.debug(format_args!("a circle at {center:?}"));
        Ok(Figures { area: PI * radius * radius, circumference: 2.0 * PI * radius })
    }
}

jackfield_plugin::export!(Circles);

#[cfg(test)]
mod tests {
    use super::*;
    use jackfield_plugin::Status;
    use jackfield_plugin::testing::Bench;

    #[test]
    fn a_circle_has_an_area_and_a_circumference() {
        let bench = Bench::<Circles>::new("{}").unwrap();
        let result = bench.call("circle", r#"{"center": [1, 2, 3], "radius": 2}"#).success();
        assert_eq!((result["area"].as_f64(), result["circumference"].as_f64()), (Some(4.0 * PI), Some(4.0 * PI)));
        assert_eq!(bench.log(), ["a circle at [1.0, 2.0, 3.0]"]);
    }

    #[test]
    fn a_circle_without_size_is_refused() {
        let bench = Bench::<Circles>::new("{}").unwrap();
        let outcome = bench.call("circle", r#"{"center": [0, 0, 0], "radius": 0}"#);
        assert_eq!(outcome.status, Err(Status::InvalidParams));
        assert_eq!(outcome.message, "The radius is 0 mm; it must be greater than 0.");
        let outcome = bench.call("circle", r#"{"center": [0, 0], "radius": 1}"#);
        assert_eq!(outcome.status, Err(Status::InvalidParams));
    }

    #[test]
    fn its_examples_work() {
        assert_eq!(Bench::<Circles>::new("{}").unwrap().run_examples(), Ok(1));
    }
}
