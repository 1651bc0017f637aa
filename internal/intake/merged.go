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

// doubtful says why a real date of a spreadsheet cannot be trusted. When Excel opens a list in another order than it
// was written in, it turns 03/04 into 4 March, a real date, and leaves 25/12 as a text. So where the column also holds
// texts, and they prove an order, real dates up to the 12th may have changed their day and month.
func (c *checker) doubtful() *problem {
	if !c.traits.doubtful || c.texts.line == 0 {
		return nil
	}
	return &problem{AmbiguousDate, "this is a real date while others of the column are texts such as " + c.texts.value + ": day and month may have changed places when the list was opened",
		"Compare it with the source, and write all dates as 2026-05-31; or say their order with --dates dmy or --dates mdy"}
}
