package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// column is a field of a row's struct.
type column struct {
	name  string
	index []int
}

// columnsOf are the columns of a row's struct, by name. Embedded structs count as their fields.
func columnsOf(row reflect.Type) (columns []column) {
	for i := range row.NumField() {
		field := row.Field(i)
		if field.Anonymous {
			for _, c := range columnsOf(field.Type) {
				columns = append(columns, column{c.name, append([]int{i}, c.index...)})
			}
		} else if name := field.Tag.Get("db"); name != "" {
			columns = append(columns, column{name, []int{i}})
		}
	}
	slices.SortFunc(columns, func(a, b column) int { return cmp.Compare(a.name, b.name) })
	return columns
}

// digester hashes rows of one kind. A digest covers the names and values of their columns, each
// with its length in front, so that no two rows have the same text. Zero values and NULL are left
// out: a column that is added later leaves earlier digests as they are.
type digester[R any] struct {
	columns []column
	hash    hash.Hash
	text    []byte
}

func newDigester[R any](except ...string) *digester[R] {
	columns := slices.DeleteFunc(columnsOf(reflect.TypeFor[R]()),
		func(c column) bool { return slices.Contains(except, c.name) })
	return &digester[R]{columns: columns, hash: sha256.New()}
}

// add adds a row to the digest of all rows.
func (d *digester[R]) add(row *R) { d.hash.Write(d.line(row)) }

// sum is the digest of all rows that were added, in their order.
func (d *digester[R]) sum() string { return hex.EncodeToString(d.hash.Sum(nil)) }

// one is the digest of a single row.
func (d *digester[R]) one(row *R) [sha256.Size]byte { return sha256.Sum256(d.line(row)) }

func (d *digester[R]) line(row *R) []byte {
	d.text = d.text[:0]
	value := reflect.ValueOf(row).Elem()
	for _, c := range d.columns {
		v := value
		for _, i := range c.index {
			v = v.Field(i)
		}
		if v.Kind() == reflect.Pointer && !v.IsNil() {
			v = v.Elem()
		} else if v.IsZero() {
			continue
		}
		d.text = fields(d.text, c.name)
		d.text = appendValue(d.text, v)
	}
	return append(d.text, '\n')
}

// appendValue appends a value with its length in front.
func appendValue(text []byte, v reflect.Value) []byte {
	if at, ok := v.Interface().(time.Time); ok {
		return fields(text, at.UTC().Format(time.RFC3339Nano))
	}
	switch v.Kind() {
	case reflect.String:
		return fields(text, v.String())
	case reflect.Bool:
		return fields(text, strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int64:
		return fields(text, strconv.FormatInt(v.Int(), 10))
	case reflect.Float64:
		return fields(text, strconv.FormatFloat(v.Float(), 'g', -1, 64))
	}
	panic(fmt.Sprintf("a digest of a %s", v.Type())) // a new kind of column, found by the first test that reads it
}

// fields appends fields to a text, each with its length in front.
func fields(text []byte, fields ...string) []byte {
	for _, field := range fields {
		text = append(strconv.AppendInt(text, int64(len(field)), 10), ':')
		text = append(append(text, field...), ',')
	}
	return text
}
