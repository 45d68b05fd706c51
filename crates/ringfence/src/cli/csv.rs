//! Comma-separated values (RFC 4180), safe to be opened by a spreadsheet.

/// Returns fields as one line.
pub(super) fn line<T: AsRef<str>>(fields: impl IntoIterator<Item = T>) -> String {
    let fields: Vec<String> = fields.into_iter().map(|field| quoted(field.as_ref())).collect();
    format!("{}\n", fields.join(","))
}

/// Quotes what needs it. A spreadsheet takes a text that begins with one of `=+-@` for a formula, and a
/// stranger may write one: all but numbers get an apostrophe before it.
fn quoted(field: &str) -> String {
    let is_number = field.bytes().all(|byte| byte.is_ascii_digit() || b"+-.:TZ ".contains(&byte));
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number;
    let field = if is_formula { format!("'{field}") } else { field.to_owned() };
    if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be_and_are_no_formulas() {
        assert_eq!(line(["a", "", "b c"]), "a,,b c\n");
        assert_eq!(line(["a,b", "say \"hi\"", "two\nlines"]), "\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\n");
        assert_eq!(
            line(["+41791234567", "-5", "=1+1", "@x", "+1+cmd|'/c'!A0"]),
            "+41791234567,-5,'=1+1,'@x,'+1+cmd|'/c'!A0\n"
        );
    }
}
