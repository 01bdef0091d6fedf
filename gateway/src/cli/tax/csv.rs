//! Comma separated values (RFC 4180) that a spreadsheet reads as text and never as a formula.

/// One line with its end.
pub(super) fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    format!("{}\r\n", cells.join(","))
}

/// A cell that begins like a formula begins with an apostrophe, which spreadsheets take for "this is text".
fn cell(text: &str) -> String {
    let is_formula =
        text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let text = if is_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    match text.contains([',', '"', '\r', '\n', '\'', ';', '\t']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        for (text, wanted) in [
            ("=1+1", "\"'=1+1\""),
            ("+84", "\"'+84\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("\n=1", "\"'\n=1\""),
            ("＝1", "\"'＝1\""),
        ] {
            assert_eq!(cell(text), wanted);
        }
    }

    #[test]
    fn what_would_end_a_cell_is_quoted_and_the_rest_stays() {
        assert_eq!(line(["a", "b,c", "d\"e"]), "a,\"b,c\",\"d\"\"e\"\r\n");
        assert_eq!(cell("x\n=HYPERLINK(\"a\")"), "\"x\n=HYPERLINK(\"\"a\"\")\"");
        assert_eq!(cell("Công ty 9900000016"), "Công ty 9900000016");
        assert_eq!(cell(""), "");
    }
}
