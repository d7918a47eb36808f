//! Tables for spreadsheets (CSV): no cell is taken for a formula.

use crate::Error;

/// CSV with a head.
///
/// # Errors
/// If a row has other cells than the head.
pub fn csv(head: &[&str], rows: impl IntoIterator<Item = impl IntoIterator<Item = String>>) -> Result<Vec<u8>, Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(head)?;
    for row in rows {
        writer.write_record(row.into_iter().map(harmless))?;
    }
    writer.into_inner().map_err(|error| Error::Table(error.into_error().into()))
}

/// What a spreadsheet would take for a formula gets an apostrophe.
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell != "-" { format!("'{cell}") } else { cell }
}
