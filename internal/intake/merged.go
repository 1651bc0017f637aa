package intake

// cellRange is a range of merged cells of a sheet, rows and columns counted from 1 and 0.
type cellRange struct {
	firstRow, lastRow       int
	firstColumn, lastColumn int
}

// isMerged reports whether the row's cell in a column is part of a merged range.
func (c *checker) isMerged(at int) bool {
	for _, m := range c.merged {
		if c.row.Line >= m.firstRow && c.row.Line <= m.lastRow && at >= m.firstColumn && at <= m.lastColumn {
			return true
		}
	}
	return false
}
