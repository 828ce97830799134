//! Writes the linker's reports as JSON text, the only structured data that leaves it.

use std::fmt::Write as _;

/// JSON text under construction: commas are put where they belong.
#[derive(Debug, Default)]
pub(crate) struct Json {
    text: String,
    /// Whether the next value is the first of its list or object, or follows its key.
    fresh: bool,
}

impl Json {
    /// The text of one object.
    pub(crate) fn object(fields: impl FnOnce(&mut Self)) -> String {
        let mut json = Self { text: String::new(), fresh: true };
        json.nest('{', '}', fields);
        json.text
    }

    /// A field that is an object.
    pub(crate) fn object_field(&mut self, key: &str, fields: impl FnOnce(&mut Self)) {
        self.key(key);
        self.nest('{', '}', fields);
    }

    /// A field that is a list; `items` adds its values.
    pub(crate) fn list(&mut self, key: &str, items: impl FnOnce(&mut Self)) {
        self.key(key);
        self.nest('[', ']', items);
    }

    /// An object within a list.
    pub(crate) fn item(&mut self, fields: impl FnOnce(&mut Self)) {
        self.comma();
        self.nest('{', '}', fields);
    }

    /// A string within a list.
    pub(crate) fn string_item(&mut self, value: &str) {
        self.comma();
        self.quote(value);
    }

    /// A field that is a string.
    pub(crate) fn string(&mut self, key: &str, value: &str) {
        self.key(key);
        self.quote(value);
    }

    /// A field that is a number. The linker's numbers stay below 2^53.
    pub(crate) fn number(&mut self, key: &str, value: u64) {
        self.key(key);
        self.write(value);
    }

    /// A field that is a number or `null`.
    pub(crate) fn number_or_null(&mut self, key: &str, value: Option<u64>) {
        self.key(key);
        match value {
            Some(value) => self.write(value),
            None => self.text.push_str("null"),
        }
    }

    /// A field that is `true` or `false`.
    pub(crate) fn flag(&mut self, key: &str, value: bool) {
        self.key(key);
        self.write(value);
    }

    /// A field that is a pair of numbers, `{ start, end }`.
    pub(crate) fn range(&mut self, key: &str, (start, end): (u64, u64)) {
        self.object_field(key, |json| {
            json.number("start", start);
            json.number("end", end);
        });
    }

    fn nest(&mut self, open: char, close: char, inside: impl FnOnce(&mut Self)) {
        self.text.push(open);
        self.fresh = true;
        inside(self);
        self.text.push(close);
        self.fresh = false;
    }

    fn key(&mut self, key: &str) {
        self.comma();
        self.quote(key);
        self.text.push(':');
    }

    fn comma(&mut self) {
        if !std::mem::replace(&mut self.fresh, false) {
            self.text.push(',');
        }
    }

    fn write(&mut self, value: impl std::fmt::Display) {
        // Writing to a string cannot fail.
        _ = write!(self.text, "{value}");
    }

    fn quote(&mut self, value: &str) {
        self.text.push('"');
        for char in value.chars() {
            match char {
                '"' | '\\' => self.text.extend(['\\', char]),
                '\0'..='\x1f' => _ = write!(self.text, "\\u{:04x}", u32::from(char)),
                _ => self.text.push(char),
            }
        }
        self.text.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn commas_and_escapes_stand_where_json_wants_them() {
        let text = Json::object(|json| {
            json.string("a", "x\"\\\n");
            json.list("b", |json| {
                json.item(|json| json.number("n", 1));
                json.item(|_| {});
                json.string_item("é");
            });
            json.object_field("c", |json| json.flag("yes", true));
            json.number_or_null("d", None);
            json.range("e", (1, 2));
        });
        let wanted = r#"{"a":"x\"\\\u000a","b":[{"n":1},{},"é"],"c":{"yes":true},"d":null,"e":{"start":1,"end":2}}"#;
        assert_eq!(text, wanted);
    }
}
