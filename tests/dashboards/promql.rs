//! As much of Prometheus's query language as the rules for dashboards need: which series an expression selects, and in
//! which call.

/// One selector of an expression: `call(metric{matchers}[range])`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Selector<'e> {
    pub(crate) metric: &'e str,
    pub(crate) matchers: &'e str,
    /// What stands in brackets behind it.
    pub(crate) range: Option<&'e str>,
    /// The function or aggregation whose argument it is.
    pub(crate) call: &'e str,
}

/// Every selector that has matchers.
pub(crate) fn selectors(expression: &str) -> Vec<Selector<'_>> {
    let mut selectors = Vec::new();
    let mut start = 0;
    while let Some(open) = outside_quotes(expression, start, '{') {
        let close = outside_quotes(expression, open, '}').unwrap_or(expression.len() - 1);
        let before = &expression[..open];
        let metric = last_word(before);
        let opening = before[..before.len() - metric.len()].trim_end();
        let call = opening.strip_suffix('(').map_or("", last_word);
        let after = &expression[close + 1..];
        let range = after
            .strip_prefix('[')
            .and_then(|range| range.split_once(']'))
            .map(|(range, _)| range);
        selectors.push(Selector {
            metric,
            matchers: &expression[open + 1..close],
            range,
            call,
        });
        start = close + 1;
    }
    selectors
}

/// The words of an expression outside of matchers, ranges and texts.
pub(crate) fn words(expression: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    loop {
        let open = outside_quotes(expression, start, '{').unwrap_or(expression.len());
        let part = &expression[start..open];
        words.extend(
            part.split(|character: char| !is_of_word(character))
                .filter(|word| !word.is_empty()),
        );
        match outside_quotes(expression, open, '}') {
            Some(close) if open < expression.len() => {
                // The metric before the matchers is theirs.
                if !last_word(part).is_empty() {
                    words.pop();
                }
                start = close + 1;
            }
            _ => return words,
        }
    }
}

fn outside_quotes(expression: &str, start: usize, wanted: char) -> Option<usize> {
    let mut quoted = false;
    expression
        .char_indices()
        .skip_while(|(place, _)| *place < start)
        .find_map(|(place, character)| {
            if character == '"' {
                quoted = !quoted;
            }
            (character == wanted && !quoted).then_some(place)
        })
}

fn last_word(text: &str) -> &str {
    let start = text
        .char_indices()
        .rev()
        .take_while(|(_, character)| is_of_word(*character))
        .last();
    start.map_or("", |(start, _)| &text[start..])
}

fn is_of_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || character == ':'
}
