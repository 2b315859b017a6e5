//! One input that stands for several: pieces with a few bytes in front that say what to do with them.

/// What stands before each piece: four bytes for the body, and the piece's length.
const HEAD: usize = 6;

/// A piece and its four bytes.
pub type Piece<'a> = ([u8; 4], &'a [u8]);

/// The pieces of an input; the last is as long as what is left.
pub fn pieces(mut bytes: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
        let [first, second, third, fourth, low, high] = *head;
        let length = usize::from(u16::from_le_bytes([low, high])).min(rest.len());
        let (piece, rest) = rest.split_at_checked(length)?;
        bytes = rest;
        Some(([first, second, third, fourth], piece))
    })
}

/// Puts a piece behind those that are there.
pub fn push(input: &mut Vec<u8>, head: [u8; 4], piece: &[u8]) {
    let length = u16::try_from(piece.len()).unwrap_or(u16::MAX);
    input.extend(head);
    input.extend(length.to_le_bytes());
    input.extend(&piece[..usize::from(length)]);
}
