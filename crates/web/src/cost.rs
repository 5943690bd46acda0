//! What an answer cost, for the limit on requests: handlers say it, the limit counts it.

/// Rows that are read or written for one unit of the limit.
pub(crate) const ROWS_PER_UNIT: usize = 250;

/// The units that an answer cost, an extension of the response; a response without it cost one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost(pub(crate) u32);

impl Cost {
    /// One for the request, and one for each [`ROWS_PER_UNIT`] rows begun after the first.
    pub(crate) fn of_rows(rows: usize) -> Self {
        Self(u32::try_from(1 + rows.saturating_sub(1) / ROWS_PER_UNIT).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::Cost;

    #[test]
    fn rows_cost() {
        for (rows, units) in [(0, 1), (1, 1), (250, 1), (251, 2), (5000, 20)] {
            assert_eq!(Cost::of_rows(rows), Cost(units), "{rows}");
        }
    }
}
