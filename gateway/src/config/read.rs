//! Reads a TOML file into typed sections and collects every problem with its line.
//!
//! A plain serde read stops at the first mistake; whoever sets a gateway up wants all of them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::problem::Problem;

/// Where a value stands: its dotted path and its line.
#[derive(Debug, Clone)]
pub(crate) struct At {
    pub(crate) path: String,
    pub(crate) line: usize,
}

/// Something that a TOML value can be read into.
pub(crate) trait Value: Sized {
    /// Reads the value, or says what is wrong with it.
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self>;

    /// What an absent key means; by default that it is missing.
    fn absent(reader: &mut Reader<'_>, at: &At) -> Option<Self> {
        let key = at.path.clone();
        reader.problem(
            at,
            format!("`{key}` is missing"),
            format!("add `{key} = …`; the sample shows it"),
        );
        None
    }

    /// The keys below this one, for the test of the sample.
    #[cfg(test)]
    fn keys(prefix: &str, out: &mut Vec<String>) {
        out.push(prefix.to_owned());
    }
}

/// A table whose keys are fields.
pub(crate) trait Section: Sized {
    fn read_table(reader: &mut Reader<'_>, at: &At, table: &DeTable<'_>) -> Option<Self>;
    #[cfg(test)]
    fn section_keys(prefix: &str, out: &mut Vec<String>);
}

impl<T: Section> Value for T {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        match value {
            DeValue::Table(table) => T::read_table(reader, at, table),
            _ => reader.wrong_type(at, "a table"),
        }
    }

    fn absent(reader: &mut Reader<'_>, at: &At) -> Option<Self> {
        T::read_table(reader, at, &DeTable::new())
    }

    #[cfg(test)]
    fn keys(prefix: &str, out: &mut Vec<String>) {
        T::section_keys(&format!("{prefix}."), out);
    }
}

/// One file being read.
#[derive(Debug)]
pub(crate) struct Reader<'f> {
    file: &'f Path,
    text: &'f str,
    problems: Vec<Problem>,
    lines: BTreeMap<String, usize>,
}

/// What came of reading one file: the value where there was no error, and the lines of its keys.
#[derive(Debug)]
pub(crate) struct Outcome<T> {
    pub(crate) value: Option<T>,
    pub(crate) place: Place,
    pub(crate) problems: Vec<Problem>,
}

/// Knows on which line of a file each key stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    lines: BTreeMap<String, usize>,
}

impl Place {
    /// The line of a key, else of the nearest table around it, else 1.
    pub(crate) fn line(&self, path: &str) -> usize {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return *line;
            }
            match path.rsplit_once('.') {
                Some((around, _)) => path = around,
                None => return 1,
            }
        }
    }

    /// An error at a key.
    pub(crate) fn error(
        &self,
        path: &str,
        what: impl Into<String>,
        cure: impl Into<String>,
    ) -> Problem {
        Problem::error(&self.file, self.line(path), what, cure)
    }
}

/// Reads a whole file; syntax errors come with all other problems.
pub(crate) fn read_file<T: Section>(file: &Path) -> Outcome<T> {
    match std::fs::read_to_string(file) {
        Ok(text) => read_text(file, &text),
        Err(error) => Outcome {
            value: None,
            place: Place {
                file: file.to_owned(),
                ..Place::default()
            },
            problems: vec![Problem::error(
                file,
                1,
                format!("the file cannot be read: {error}"),
                "check the path and its permissions",
            )],
        },
    }
}

pub(crate) fn read_text<T: Section>(file: &Path, text: &str) -> Outcome<T> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader {
        file,
        text,
        problems: Vec::new(),
        lines: BTreeMap::new(),
    };
    for error in &errors {
        reader.syntax(error);
    }
    let root = At {
        path: String::new(),
        line: 1,
    };
    let value = T::read_table(&mut reader, &root, table.get_ref());
    let value = value.filter(|_| reader.problems.iter().all(|problem| !problem.is_error()));
    if !errors.is_empty() {
        // what a broken file lacks is not worth saying before its syntax is right
        reader.problems.truncate(errors.len());
    }
    reader.problems.sort_by_key(|problem| problem.line);
    Outcome {
        value,
        place: Place {
            file: file.to_owned(),
            lines: reader.lines,
        },
        problems: reader.problems,
    }
}

impl Reader<'_> {
    /// The folder that relative paths start from.
    pub(crate) fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }

    /// Writes down a problem at a place.
    pub(crate) fn problem(&mut self, at: &At, what: impl Into<String>, cure: impl Into<String>) {
        self.problems
            .push(Problem::error(self.file, at.line, what, cure));
    }

    /// Writes down that a value has the wrong type.
    pub(crate) fn wrong_type<T>(&mut self, at: &At, wanted: &str) -> Option<T> {
        let path = at.path.clone();
        self.problem(
            at,
            format!("`{path}` must be {wanted}"),
            format!("write {wanted} there"),
        );
        None
    }

    /// Reads one field of a table.
    pub(crate) fn field<T: Value>(
        &mut self,
        at: &At,
        table: &DeTable<'_>,
        key: &str,
        default: Option<fn() -> T>,
    ) -> Option<T> {
        match (table.get(key), default) {
            (Some(value), _) => {
                let at = self.below(at, key, value);
                T::read(self, &at, value.get_ref())
            }
            (None, Some(default)) => Some(default()),
            (None, None) => T::absent(
                self,
                &At {
                    path: join(&at.path, key),
                    line: at.line,
                },
            ),
        }
    }

    /// Names every key that no field has, with the nearest that one has.
    pub(crate) fn unknown(&mut self, at: &At, table: &DeTable<'_>, known: &[&str]) {
        for (key, _) in table.iter() {
            if known.contains(&key.get_ref().as_ref()) {
                continue;
            }
            let cure = match nearest(key.get_ref(), known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("remove it; known here are {}", known.join(", ")),
            };
            let line = self.line_at(key.span().start);
            let path = join(&at.path, key.get_ref());
            self.problem(
                &At {
                    path: path.clone(),
                    line,
                },
                format!("unknown key `{path}`"),
                cure,
            );
        }
    }

    /// The place of a value below another, remembered for later rules.
    pub(crate) fn below(&mut self, at: &At, key: &str, value: &Spanned<DeValue<'_>>) -> At {
        let path = join(&at.path, key);
        let line = self.line_at(value.span().start);
        self.lines.insert(path.clone(), line);
        At { path, line }
    }

    /// The place of a key that was read before, else of its table.
    pub(crate) fn known_place(&self, at: &At, key: &str) -> At {
        let path = join(&at.path, key);
        let line = self.lines.get(&path).copied().unwrap_or(at.line);
        At { path, line }
    }

    fn line_at(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    fn syntax(&mut self, error: &toml::de::Error) {
        let line = self.line_at(error.span().map_or(0, |span| span.start));
        let at = At {
            path: String::new(),
            line,
        };
        self.problem(
            &at,
            format!("not TOML: {}", error.message()),
            "correct the syntax (https://toml.io)",
        );
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// The known key that is at most two edits away.
pub(crate) fn nearest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    known
        .iter()
        .map(|candidate| (edits(key, candidate), *candidate))
        .filter(|(distance, _)| *distance <= 2)
        .min()
        .map(|(_, candidate)| candidate)
}

fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let replace = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

/// Declares a section: its fields with a sentence each, a default (`= …`) and bounds (`=> min..=max`).
macro_rules! section {
    ($(#[$meta:meta])* $vis:vis $name:ident {
        $( $(#[$field_meta:meta])* $field:ident : $ty:ty $(= $default:expr $(=> $bounds:expr)?)? ),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        $vis struct $name {
            $( $(#[$field_meta])* $vis $field: $ty, )*
        }

        impl $crate::config::read::Section for $name {
            fn read_table(
                reader: &mut $crate::config::read::Reader<'_>,
                at: &$crate::config::read::At,
                table: &toml::de::DeTable<'_>,
            ) -> Option<Self> {
                reader.unknown(at, table, &[$(stringify!($field)),*]);
                $(
                    let default: Option<fn() -> $ty> = $crate::config::read::section!(@default $($default)?);
                    let $field = reader.field::<$ty>(at, table, stringify!($field), default);
                    $( $( let $field = $crate::config::value::bounded(reader, at, stringify!($field), $field, $bounds); )? )?
                )*
                Some(Self { $( $field: $field?, )* })
            }

            #[cfg(test)]
            fn section_keys(prefix: &str, out: &mut Vec<String>) {
                $( <$ty as $crate::config::read::Value>::keys(&format!("{prefix}{}", stringify!($field)), out); )*
            }
        }
    };
    (@default $default:expr) => { Some(|| $default) };
    (@default) => { None };
}

pub(crate) use section;
