package intake

import "cmp"

// Limits bound what a file may ask of the machine that reads it. A zero field takes the default beside it.
type Limits struct {
	FileBytes     int64 // the file as it came: 1 GiB
	RowBytes      int   // one row of a CSV, or one text of an XLSX: 16 MiB. More is fatal for the file
	CellBytes     int   // one cell: 131,068, the most that Excel's 32,767 characters can take. More refuses the row
	Columns       int   // cells in the header: 256
	Rows          int   // lines below the header: 2,000,000
	UnzippedBytes int64 // an XLSX unpacked: 4 GiB
	Ratio         int64 // an XLSX's parts unpacked to packed, for parts over 16 MiB: 250
}

// ratioFloor is the size below which a part of an XLSX may be packed as tightly as it likes: short lists of the same
// words over and over pack very well.
const ratioFloor = 16 << 20

func (l Limits) withDefaults() Limits {
	return Limits{
		FileBytes:     cmp.Or(l.FileBytes, 1<<30),
		RowBytes:      cmp.Or(l.RowBytes, 16<<20),
		CellBytes:     cmp.Or(l.CellBytes, 4*excelCell),
		Columns:       cmp.Or(l.Columns, 256),
		Rows:          cmp.Or(l.Rows, 2_000_000),
		UnzippedBytes: cmp.Or(l.UnzippedBytes, 4<<30),
		Ratio:         cmp.Or(l.Ratio, 250),
	}
}

// excelCell is the most characters that Excel keeps in one cell.
const excelCell = 32_767
