use std::fmt;
use std::io::Read;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value as Json;

use super::text::Text;
use super::{Each, Fault, Value, Wanted};

pub(super) fn read<R: Read>(mut text: Text<R>, wanted: &Wanted, each: Each<'_>) -> Result<(), Fault> {
    let mut line = Vec::new();
    let mut row = vec![Value::Blank; wanted.columns.len()];
    let mut rows = 0_u64;
    // Which members some line has.
    let mut seen = vec![false; wanted.columns.len()];
    while let Some(number) = text.read_line(&mut line)? {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let members = read_members(&line, &wanted.columns).map_err(|problem| Fault::in_line(number, problem))?;
        for (i, member) in members.into_iter().enumerate() {
            seen[i] |= member.is_some();
            // Without it, the line would never be found, whomever it is about.
            if member.is_none() && i < wanted.compared {
                return Err(Fault::in_line(number, &format!("has no member `{}`", wanted.columns[i])));
            }
            row[i] = member.unwrap_or(Value::Blank);
        }
        wanted.make_comparable(&mut row, || format!("line {number}"))?;
        each(&row)?;
        rows += 1;
    }
    // A line may leave out what it has no value for. What no line has was probably renamed.
    match wanted.columns.iter().zip(seen).find(|(_, seen)| rows > 0 && !seen) {
        Some((column, _)) => Err(Fault::Broken(format!("no line has the member `{column}`"))),
        None if rows == 0 => Err(Fault::Broken("the file has no line".into())),
        None => Ok(()),
    }
}

fn read_members(line: &[u8], columns: &[Box<str>]) -> Result<Vec<Option<Value>>, &'static str> {
    let mut members = Members { columns, values: vec![None; columns.len()], repeated: false };
    let mut reader = serde_json::Deserializer::from_slice(line);
    let whole = reader.deserialize_map(&mut members).and_then(|()| reader.end());
    // What serde says may hold values.
    match (whole, members.repeated) {
        (_, true) => Err("has a member more than once"),
        (Err(_), false) => Err("is not a JSON object"),
        (Ok(()), false) => Ok(members.values),
    }
}

/// The wanted members of one object. A map would keep the last of two members of one name.
struct Members<'c> {
    columns: &'c [Box<str>],
    values: Vec<Option<Value>>,
    repeated: bool,
}

impl<'de> Visitor<'de> for &mut Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let Some(place) = self.columns.iter().position(|column| **column == *name) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = match map.next_value::<Json>()? {
                Json::Null => Value::Blank,
                Json::String(text) => Value::text(&text),
                Json::Bool(flag) => Value::Text(flag.to_string()),
                Json::Number(number) => match number.as_i64() {
                    Some(number) => Value::Integer(number),
                    None => Value::Real(number.as_f64().unwrap_or(f64::MAX)),
                },
                Json::Array(_) | Json::Object(_) => Value::Other,
            };
            if self.values[place].replace(value).is_some() {
                self.repeated = true;
                return Err(A::Error::custom(""));
            }
        }
        Ok(())
    }
}
